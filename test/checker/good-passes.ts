import { answers, joinFirstChange, legs, type Change } from './changes.ts';
import { deadLetter, idOf, published } from './good-events.ts';
import {
  addHistory, backfill, BACKFILL, beginTwo, course, replay, seamPoison, toOwnTopic, under,
} from './good-history.ts';
import { makeRow, seconds } from './good-rows.ts';
import { step, window } from './good-run.ts';

/** Passes over history as they are meant to be. */
export const goodPasses: Readonly<Record<string, Change>> = {
  'a whole backfill': { plan: (plan) => {
    backfill(plan).end();
  } },
  'rows before and behind a backfill, which it reads and drops': { plan: (plan) => {
    plan.rows.push(makeRow(205, 1, -101), makeRow(206, 1, 1, { visibleFromMs: seconds(390) }));
    backfill(plan).end();
  } },
  'a whole replay, with a row that has changed since it was published': { plan: (plan) => {
    replay(plan).going.end();
  } },
  'a replay to a topic of its own': { plan: (plan) => {
    replay(plan).going.end();
  }, dumps: (dumps) => toOwnTopic(dumps) },
  'a backfill that is paused within a window, and resumed': { plan: (plan) => {
    const [one, two] = addHistory(plan);
    const going = course(plan, BACKFILL);
    going.page([-102, 2], [under('history', published(one!, 401))]);
    going.change('pause');
    going.change('resume');
    going.page([-102, 2], [under('history', published(two!, 405))]);
    going.end().tells = (audits) => audits.map((event) =>
      event.topic === 'ledger' ? { ...event, value: { ...event.value, recovered: 1 } } : event);
  } },
  'a backfill that is cancelled, and one that reads what it has left': { plan: (plan) => {
    const [one, two] = addHistory(plan);
    const going = course(plan, BACKFILL);
    going.page([-102, -40], [under('history', published(one!, 401))]);
    going.end();
    going.change('cancel');
    const rest = course(plan, { name: 'rest', span: [-40, 0], atS: 420 });
    rest.page([-42, 2], [under('rest', published(two!, 421))]);
    rest.end();
  } },
  'backfills of two feeds that begin in one transaction': { plan: (plan) => {
    addHistory(plan);
    beginTwo(plan);
  }, dumps: joinFirstChange },
  'a backfill that has not come to its end': { plan: (plan) => {
    addHistory(plan);
    course(plan, BACKFILL).end([-102, -70]);
  } },
  'an empty commit, by which an owner asks for its shard': { plan: (plan) => {
    plan.steps.splice(-2, 0, step({ number: 8, generation: 2, atS: 345, watermark: seconds(310) }));
    const going = backfill(plan);
    going.end();
    const { generation } = plan.steps.at(-1)!;
    plan.steps.push(step({ number: 9, generation, atS: 420, watermark: seconds(310) }));
  } },
  'a live feed that stands still, and asks for its shard': { plan: (plan) => {
    const live = { watermark: seconds(310), generation: 4, state: 'PAUSED' };
    plan.steps.push(
      step({ ...live, kind: 'reset', change: 'pause', number: 40, atS: 352 }),
      step({ ...live, number: 41, atS: 353 }),
      step({ ...live, kind: 'reset', change: 'resume', state: 'RUNNING', number: 42, atS: 354 }),
      step({ ...live, state: 'RUNNING', number: 43, atS: 355, scan: 42, window: window(295, 312),
        watermark: seconds(312) }),
    );
  } },
  'a row that was shown only after the backfill had read its time': { plan: (plan) => {
    plan.rows.push(makeRow(205, 1, -30, { visibleFromMs: seconds(410) }));
    backfill(plan).end();
  } },
  'a row that the backfill was shown damaged': { plan: (plan) => {
    plan.rows.push(makeRow(205, 1, -30, { timesServed: 0, lastDamagedMs: seconds(405) }));
    backfill(plan).end();
  } },
  'a row that 8x8 counts, but does not show, in a window that the ledger calls short': { plan: (plan) => {
    plan.rows.push(makeRow(205, 1, -30));
    const going = backfill(plan);
    answers(plan, (lines) => lines.pop()); // else the reading would have to be deceived
    going.end().tells = (audits) => audits.map((event) => event.topic !== 'ledger' ? event
      : { ...event, value: { ...event.value, outcome: 'short', total: Number(event.value['received']) + 1 } });
  } },
  'a row that 8x8 has moved over the seam, once the live pass had forgotten it': { plan: (plan) => {
    const [before, after] = [makeRow(206, 1, 60), makeRow(206, 1, -30)];
    const moved = { ...after.ledger.revisions[0]!, visibleFromMs: seconds(399) };
    const revisions = [...before.ledger.revisions, moved];
    plan.rows.push({ ...before, ledger: { ...before.ledger, revisions } });
    legs(plan, 2).events.push(published(before, 301));
    legs(plan, 7).forgets = legs(plan, 2);
    const going = backfill(plan);
    const event = published(after, 405);
    const id = idOf('moved');
    going.page([-42, 2], [under('history', { ...event, id, value: { ...event.value, eventId: id } })]);
    going.end();
  } },
  'a row that 8x8 moves behind the end of a backfill while that reads it': { plan: (plan) => {
    const [one, two] = addHistory(plan);
    const [before, after] = [makeRow(206, 1, -30), makeRow(206, 1, 1)];
    const moved = { ...after.ledger.revisions[0]!, visibleFromMs: seconds(402) };
    plan.rows.push({ ...before, ledger: { ...before.ledger, revisions: [...before.ledger.revisions, moved] } });
    const going = course(plan, BACKFILL);
    going.page([-102, 2], [one!, two!, before].map((row) => under('history', published(row, 401))));
    going.change('pause');
    going.change('resume');
    going.page([-102, 2], []);
    going.end().tells = (audits) => audits.map((event) =>
      event.topic === 'ledger' ? { ...event, value: { ...event.value, recovered: 3 } } : event);
  } },
  'a bad row of the seam that the backfill reads once the live pass has forgotten it': { plan: (plan) => {
    const poison = seamPoison(plan);
    legs(plan, 7).forgets = legs(plan, 2);
    const going = backfill(plan);
    going.page([-42, 2], [deadLetter(poison, window(-42, 2), 405)]);
    going.end();
  } },
  'offsets that were in a file, and are put back after a reset': { plan: (plan) => {
    const { generation, watermark, seenFrom, origin } = legs(plan, 7);
    const early = { watermark: seconds(-100), seenFrom: seconds(-100), origin: seconds(-100) };
    const saved = { watermark, seenFrom, origin, kind: 'reset', change: 'import' } as const;
    plan.steps.push(
      step({ ...early, kind: 'reset', number: 40, atS: 420, generation: generation + 2 }),
      step({ kind: 'barrier', generation: generation + 3, atS: 421 }),
      step({ ...saved, number: 41, atS: 421, generation: generation + 3 }),
    );
    plan.run = { ...plan.run, caughtUpToMs: -Infinity };
  } },
  'a live feed that is set back into what a backfill has read and forgotten': { plan: (plan) => {
    backfill(plan).end().forgets = plan.steps.find(({ pass, events }) => pass === 'history' && events.length > 0)!;
    const [watermark, generation] = [seconds(-100), plan.steps.at(-1)!.generation];
    const back = { watermark, seenFrom: watermark, origin: watermark, generation };
    const again = published(plan.rows.find(({ subject }) => subject === 'acme/201/1')!, 421);
    plan.steps.push(
      step({ ...back, kind: 'reset', number: 70, atS: 420 }),
      step({ ...back, number: 71, scan: 70, atS: 421, window: window(-102, -40), events: [again] }),
    );
    plan.run = { ...plan.run, caughtUpToMs: -Infinity };
  } },
};
