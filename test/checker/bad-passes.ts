import { answers, joinFirstChange, legs, row, take, type Change } from './changes.ts';
import type { InvariantId } from './check.ts';
import { deadLetter, idOf, published } from './good-events.ts';
import {
  addHistory, backfill, BACKFILL, course, isOfReplay, replay, seamPoison, toOwnTopic, under,
} from './good-history.ts';
import { makePoison, makeRow, seconds } from './good-rows.ts';
import { step, window, type Plan, type Step } from './good-run.ts';

/** The last step of a whole backfill. */
function whole(plan: Plan): Step {
  return backfill(plan).end();
}

function ofPass(plan: Plan): readonly Step[] {
  return plan.steps.filter(({ pass }) => pass === 'history');
}

/** The page of a backfill with the row. */
function pageOf(plan: Plan, subject: string): Step {
  return ofPass(plan).find(({ events }) => events.some((event) => event.subject === subject))!;
}

/** Passes over history that are not as they are meant to be; see `badLogs`. */
export const badPasses: readonly (readonly [what: string, caughtBy: readonly InvariantId[], change: Change])[] = [
  ['a row that ended where the backfill does', ['I20'], { plan: (plan) => {
    whole(plan);
    const next = makeRow(205, 1, 0);
    plan.rows.push(next);
    pageOf(plan, 'acme/202/1').events.push(under('history', published(next, 403)));
  } }],
  ['a row of a replay that is not in the topic of its plan', ['I20'], { plan: (plan) => {
    replay(plan).going.end();
  }, dumps: (dumps) => {
    toOwnTopic(dumps, (record) => isOfReplay(record) && record.headers['ce_subject'] !== 'acme/101/1');
  } }],
  ['a live row in the topic of a replay', ['I20'], { plan: (plan) => {
    replay(plan).going.end();
  }, dumps: (dumps) => {
    toOwnTopic(dumps, (record) => isOfReplay(record) || record.headers['ce_subject'] === 'acme/101/1');
  } }],
  ['a row that ended before the backfill begins', ['I4', 'I20'], { plan: (plan) => {
    whole(plan);
    const early = makeRow(205, 1, -101);
    plan.rows.push(early);
    pageOf(plan, 'acme/201/1').events.push(under('history', published(early, 401)));
  } }],
  ['a row of a backfill that names the live pass', ['I20'], { plan: (plan) => {
    whole(plan);
    const page = pageOf(plan, 'acme/202/1');
    page.events = page.events.map((event) => under('live', event));
  } }],
  ['a live row that names a backfill', ['I20'], { plan: (plan) => {
    legs(plan, 2).events[0] = under('history', legs(plan, 2).events[0]!);
  } }],
  ['a watermark event that names another pass', ['I20'], { plan: (plan) => {
    whole(plan).tells = (audits) => audits.map((audit) => audit.topic === 'watermarks' ? under('live', audit) : audit);
  } }],
  ['an entry of the ledger that names another pass', ['I18', 'I20'], { plan: (plan) => {
    whole(plan).tells = (audits) => audits.map((audit) => audit.topic === 'ledger' ? under('live', audit) : audit);
  } }],
  ['a backfill that ends without one of its rows', ['I5', 'I20'], { plan: (plan) => {
    plan.rows.push(makeRow(205, 1, -30));
    whole(plan);
  } }],
  ['a backfill that ends without a row, and nobody knows when it asked', ['I20'], { plan: (plan) => {
    plan.rows.push(makeRow(205, 1, -30));
    whole(plan);
    answers(plan, (lines) => lines.pop());
  } }],
  ['a backfill that ends without a row that a replay has published', ['I5', 'I20'], { plan: (plan) => {
    whole(plan);
    const two = take(pageOf(plan, 'acme/202/1'), 'acme/202/1');
    const again = course(plan, { name: 'again', span: [-40, 100], replay: true, atS: 430 });
    again.page([-42, -10], [under('again', two)]);
  } }],
  ['a bad row that a backfill has dropped in silence', ['I20'], { plan: (plan) => {
    plan.rows.push(makePoison(205, -30));
    whole(plan);
  } }],
  ['a replay that ends without a row that the live pass has published', ['I5', 'I20'], { plan: (plan) => {
    const { going, page } = replay(plan);
    take(page, 'acme/103/1');
    going.end();
  } }],
  ['a replay without a bad row that the live pass has told', ['I20'], { plan: (plan) => {
    const { going, page } = replay(plan);
    page.events = page.events.filter(({ topic }) => topic !== 'rejected');
    going.end();
  } }],
  ['a row that the live pass has lost, and a replay has published', ['I1', 'I5', 'I12'], { plan: (plan) => {
    replay(plan).going.end();
    take(legs(plan, 2), 'acme/101/2');
  } }],
  ['a backfill that publishes after it was cancelled', ['I20'], { plan: (plan) => {
    const [one] = addHistory(plan);
    const going = course(plan, BACKFILL);
    going.change('cancel');
    going.page([-102, -40], [under('history', published(one!, 401))]);
  } }],
  ['a backfill that publishes while it is paused', ['I20'], { plan: (plan) => {
    const [one] = addHistory(plan);
    const going = course(plan, BACKFILL);
    going.change('pause');
    going.page([-102, -40], [under('history', published(one!, 401))]);
    going.change('resume');
  } }],
  ['a backfill that moves on while it is paused', ['I20'], { plan: (plan) => {
    addHistory(plan);
    const going = course(plan, BACKFILL);
    going.change('pause');
    going.end([-102, -70]);
  } }],
  ['a live feed that moves on while it is paused', ['I20'], { plan: (plan) => {
    const live = { watermark: seconds(310), generation: 4, state: 'PAUSED' };
    plan.steps.push(
      step({ ...live, kind: 'reset', change: 'pause', number: 40, atS: 352 }),
      step({ ...live, number: 41, atS: 353, scan: 40, window: window(295, 312), watermark: seconds(312) }),
    );
  } }],
  ['a backfill that was cancelled, and asks for its shard', ['I20'], { plan: (plan) => {
    addHistory(plan);
    course(plan, BACKFILL).change('cancel');
    const [cancelled, owner] = plan.steps.slice(-2);
    plan.steps.push({ ...cancelled!, kind: 'commit', number: 81, generation: owner!.generation, atS: 410 });
  } }],
  ['a live feed that is cancelled', ['I20'], { plan: (plan) => {
    const end = { watermark: seconds(310), state: 'CANCELLED' };
    plan.steps.push(step({ ...end, kind: 'reset', change: 'cancel', number: 40, generation: 4, atS: 352 }));
  } }],
  ['a backfill that begins a second time', ['I20'], { plan: (plan) => {
    addHistory(plan);
    course(plan, BACKFILL).change('begin');
  } }],
  ['a backfill of nothing', ['I20'], { plan: (plan) => {
    course(plan, { ...BACKFILL, span: [-100, -100] });
  } }],
  ['a backfill that begins before its live pass', ['I20'], { plan: (plan) => {
    course(plan, { ...BACKFILL, atS: 299 });
    const [barrier, begin] = plan.steps.splice(-3);
    for (const one of [begin!, barrier!]) plan.steps.unshift({ ...one, generation: 0 });
  } }],
  ['a backfill that reads from more than two seconds before its span', ['I20'], { plan: (plan) => {
    const [one] = addHistory(plan);
    course(plan, BACKFILL).page([-103, -40], [under('history', published(one!, 401))]);
  } }],
  ['a backfill that is resumed after it was cancelled', ['I20'], { plan: (plan) => {
    addHistory(plan);
    const going = course(plan, BACKFILL);
    going.change('cancel');
    going.change('resume');
  } }],
  ['a feed that is let go on by nobody', ['I20'], { plan: (plan) => {
    addHistory(plan);
    const going = course(plan, BACKFILL);
    going.change('pause').state = 'RUNNING';
  } }],
  ['a pause that moves the watermark', ['I6'], { plan: (plan) => {
    addHistory(plan);
    course(plan, BACKFILL).change('pause', { watermark: seconds(-80) });
  } }],
  ['a feed that has begun somewhere else than it did', ['I6'], { plan: (plan) => {
    legs(plan, 7).origin = seconds(-1);
  } }],
  ['a backfill that reaches behind where its live pass has begun', ['I20'], { plan: (plan) => {
    addHistory(plan);
    course(plan, { ...BACKFILL, span: [-100, 5] });
  } }],
  ['a replay of what the live pass has not read', ['I20'], { plan: (plan) => {
    course(plan, { name: 'again', span: [5, 311], replay: true, atS: 400 });
  } }],
  ['two backfills of one time', ['I20'], { plan: (plan) => {
    addHistory(plan);
    course(plan, BACKFILL);
    course(plan, { name: 'other', span: [-200, -99], atS: 420 });
  } }],
  ['a backfill that nobody has begun', ['I20'], { plan: (plan) => {
    addHistory(plan);
    course(plan, BACKFILL, false).end([-102, -70]);
  } }],
  ['a backfill that begins with another change', ['I20'], { dumps: (dumps) => {
    for (const { value } of dumps.committed) if (value?.['change'] === 'begin') value['change'] = 'resume';
  }, plan: (plan) => void whole(plan) }],
  ['a begin of which nobody knows who did it', ['I20'], { dumps: (dumps) => {
    for (const { value } of dumps.committed) if (value?.['change'] === 'begin') value['who'] = null;
  }, plan: (plan) => void whole(plan) }],
  ['a plan that changes', ['I20'], { plan: (plan) => {
    whole(plan);
    for (const one of ofPass(plan).slice(3)) one.plan!.from = seconds(-90);
  } }],
  ['a backfill without its plan', ['I20'], { plan: (plan) => {
    delete whole(plan).plan;
  } }],
  ['a backfill that begins later than it was asked to', ['I6', 'I11'], { plan: (plan) => {
    addHistory(plan);
    course(plan, BACKFILL).end([-102, -70]);
    const begin = ofPass(plan)[0]!;
    begin.watermark = seconds(-90);
  } }],
  ['a hole between two windows of a backfill', ['I11'], { plan: (plan) => {
    addHistory(plan).forEach(({ ledger }) => Object.assign(ledger, { visibleFromMs: seconds(450) }));
    const going = course(plan, BACKFILL);
    going.end([-102, -40]);
    going.end([-39, 2]);
    plan.rows = plan.rows.filter(({ subject }) => subject !== 'acme/203/1');
    take(legs(plan, 2), 'acme/203/1');
  } }],
  ['a backfill that reads further than two seconds beyond its end', ['I20'], { plan: (plan) => {
    addHistory(plan);
    const going = course(plan, { ...BACKFILL, span: [-100, -50] });
    going.page([-102, -47], [under('history', published(row(plan, 201), 401))]);
    going.end();
  } }],
  ['a backfill that publishes a row twice', ['I2'], { plan: (plan) => {
    whole(plan);
    const page = pageOf(plan, 'acme/202/1');
    page.events.push(under('history', published(row(plan, 201), 403)));
  } }],
  ['two passes that publish a row of one of them', ['I2', 'I20'], { plan: (plan) => {
    whole(plan);
    pageOf(plan, 'acme/202/1').events.push(under('history', published(row(plan, 203), 403)));
  } }],
  ['a bad row of the seam that is told twice, though the live pass still knew it', ['I2'], { plan: (plan) => {
    const poison = seamPoison(plan);
    const going = backfill(plan);
    going.page([-42, 2], [deadLetter(poison, window(-42, 2), 405)]);
    going.end();
  } }],
  ['a replay that publishes a row twice', ['I2'], { plan: (plan) => {
    const { going, page } = replay(plan);
    page.events.push(under('again', published(row(plan, 103), 402)));
    going.end();
  } }],
  ['a replay that shows what 8x8 does not', ['I4', 'I20'], { plan: (plan) => {
    const { going, page } = replay(plan);
    Object.assign(page.events[0]!.value, { caller: '+1' });
    going.end();
  } }],
  ['a replay that shows a content of before', ['I17'], { plan: (plan) => {
    const { going, page } = replay(plan);
    take(page, 'acme/102/1');
    page.events.push(under('again', published(row(plan, 102), 402)));
    going.end();
  } }],
  ['a replay that names a row otherwise than the live pass has', ['I20'], { plan: (plan) => {
    const { going, page } = replay(plan);
    const event = page.events[0]!;
    event.id = idOf('otherwise');
    Object.assign(event.value, { eventId: event.id });
    going.end();
  } }],
  ['a change and a commit in one transaction', ['I3'], { plan: (plan) => {
    addHistory(plan);
    course(plan, BACKFILL).end([-102, -70]);
    const [begin, , end] = plan.steps.splice(-3);
    plan.steps.push(begin!, { ...end!, generation: begin!.generation });
  }, dumps: joinFirstChange }],
  ['a commit that has read nothing, and publishes a row', ['I3'], { plan: (plan) => {
    const found = makeRow(205, 1, 305);
    plan.rows.push({ ...found, ledger: { ...found.ledger, visibleFromMs: seconds(345) } });
    const more = { watermark: seconds(310), events: [published(found, 346)] };
    plan.steps.splice(-2, 0, step({ ...more, number: 8, generation: 2, atS: 347 }));
  } }],
];
