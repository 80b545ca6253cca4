import { legs, withAllPartitions, type Change } from './changes.ts';
import type { InvariantId } from './check.ts';
import type { Row } from './dumps.ts';
import { idOf, type PlannedEvent } from './good-events.ts';
import { addCalls, callOf, makePart, readAgain, records, type Calls } from './good-calls.ts';
import { seconds, START } from './good-rows.ts';
import { window, type Plan } from './good-run.ts';

/** The first event of the call that is whole, with other values. */
function tellOtherwise(plan: Plan, change: Row): PlannedEvent {
  const { commits: [{ events: [event] }] } = addCalls(plan);
  Object.assign(event!.value, change);
  return event!;
}

/** It, made of other rows. */
function tellOf(plan: Plan, rows: (calls: Calls) => readonly PlannedEvent[]): void {
  const calls = addCalls(plan);
  calls.commits[0].events[0] = callOf(rows(calls), 1, 306);
}

/** Whole calls that are not as they are meant to be; see `badLogs`. */
export const badCalls: readonly (readonly [what: string, caughtBy: readonly InvariantId[], change: Change])[] = [
  ['a whole call that is not told', ['I21'], { plan: (plan) => {
    addCalls(plan).commits[0].events.shift();
  } }],
  ['a call whose late leg is not told', ['I21'], { plan: (plan) => {
    addCalls(plan).commits[1].events = [];
  } }],
  ['a call that is told twice with the same revision', ['I21'], { plan: (plan) => {
    const { whole, commits } = addCalls(plan);
    commits[1].events.push(callOf(whole, 1, 324));
  } }],
  ['a call that is told again as it was', ['I21'], { plan: (plan) => {
    const { whole, commits } = addCalls(plan);
    commits[1].events.push(callOf(whole.map((event) => readAgain(event, 322)), 2, 324));
  } }],
  ['a call that leaves a revision out', ['I21'], { plan: (plan) => {
    const { late, commits } = addCalls(plan);
    commits[1].events = [callOf(late, 3, 324)];
  } }],
  ['a call whose first revision is the second', ['I21'], { plan: (plan) => {
    const { whole, commits } = addCalls(plan);
    commits[0].events[0] = callOf(whole, 2, 306);
  } }],
  ['a call that is given up though it was told', ['I21'], { plan: (plan) => {
    const { correction, commits } = addCalls(plan);
    commits[2].events = [callOf([correction], 2, 343)];
  } }],
  ['a call with a leg that was never published', ['I21'], { plan: (plan) => {
    tellOf(plan, ({ whole }) => [...whole, makePart([305, 1], [7, 11], { parentCallId: '301' })]);
  } }],
  ['a call with a leg that is published only later', ['I21'], { plan: (plan) => {
    const { late, commits } = addCalls(plan);
    commits[0].events[1] = callOf(late, 1, 306);
    commits[1].events = [];
  } }],
  ['a call with the leg of another one', ['I21'], { plan: (plan) => {
    tellOf(plan, ({ whole: [record, one, , child], changed }) => [record!, one!, changed[1]!, child!]);
  } }],
  ['a call with the record of another one', ['I21'], { plan: (plan) => {
    const { whole: [, one, two, child], late, commits } = addCalls(plan);
    const event = callOf([late[0]!, one!, two!, child!], 1, 306);
    const about = { subject: 'acme/301', key: 'acme/301', value: { ...event.value, callId: '301' } };
    commits[0].events[0] = { ...event, ...about };
  } }],
  ['a leg of a child call among those of the call', ['I21'], { plan: (plan) => {
    const { value } = tellOtherwise(plan, {});
    const [own, children] = [value['legs'], value['childLegs']] as [Row[], Row[]];
    Object.assign(value, { legs: [own[0], children[0]], childLegs: [], childCallIds: [] });
  } }],
  ['a call that has a leg twice', ['I21'], { plan: (plan) => {
    tellOf(plan, ({ whole: [record, one, , child] }) => [record!, one!, one!, child!]);
  } }],
  ['legs that are not in the order of their start', ['I21'], { plan: (plan) => {
    tellOf(plan, ({ whole: [record, one, two, child] }) => [record!, two!, one!, child!]);
  } }],
  ['a call with a leg as it was before its correction', ['I21'], { plan: (plan) => {
    const { changed, commits } = addCalls(plan);
    commits[2].events = [callOf(changed.map((event) => readAgain(event, 342)), 2, 343)];
  } }],
  ['a leg that a call shows otherwise than it was published', ['I21'], { plan: (plan) => {
    tellOf(plan, ({ whole: [record, one, ...rest] }) =>
      [record!, { ...one!, value: { ...one!.value, callee: '1' } }, ...rest]);
  } }],
  ['a leg that a call names by another id', ['I21'], { plan: (plan) => {
    tellOf(plan, ({ whole: [record, one, ...rest] }) =>
      [record!, { ...one!, value: { ...one!.value, eventId: idOf('another') } }, ...rest]);
  } }],
  ['a first leg that a call names a correction', ['I21'], { plan: (plan) => {
    tellOf(plan, ({ whole: [record, one, ...rest] }) =>
      [record!, { ...one!, value: { ...one!.value, changeKind: 'corrected' } }, ...rest]);
  } }],
  ['a leg of another pass', ['I21'], { plan: (plan) => {
    tellOf(plan, ({ whole: [record, one, ...rest] }) =>
      [record!, { ...one!, value: { ...one!.value, pass: 'history' } }, ...rest]);
  } }],
  ['a correction that is read back as a first, though it was remembered', ['I21'], { plan: (plan) => {
    const { changed, correction, commits } = addCalls(plan);
    const first = { eventId: idOf('first'), revision: 1, changeKind: 'new', changedFields: [] };
    commits[2].events = [callOf([changed[0]!, { ...correction, value: { ...correction.value, ...first } }], 2, 343)];
  } }],
  ['a call that is complete without its record', ['I21'], { plan: (plan) => {
    const { whole, commits } = addCalls(plan);
    const event = callOf(whole.slice(1), 1, 306);
    commits[0].events[0] = { ...event, value: { ...event.value, state: 'complete', missing: [] } };
  } }],
  ['a call that is complete without one of its legs', ['I21'], { plan: (plan) => {
    const { commits: [{ events: [, event] }] } = addCalls(plan);
    Object.assign(event!.value, { state: 'complete', missing: [] });
  } }],
  ['a call that counts the legs of its child calls, which its record does not', ['I21'], { plan: (plan) => {
    tellOtherwise(plan, { state: 'incomplete', missing: ['count'] });
  } }],
  ['a call without the legs of its child calls, where records count them', ['I21'], { plan: (plan) => {
    addCalls(plan);
    plan.run = { ...plan.run, settings: { ...plan.run.settings, CALL_LEG_COUNT: 'with-children' } };
  } }],
  ['a call that does not say what it lacks', ['I21'], { plan: (plan) => {
    const { commits: [{ events: [, event] }] } = addCalls(plan);
    Object.assign(event!.value, { missing: [] });
  } }],
  ['a call with another count than its record', ['I21'], { plan: (plan) => {
    tellOtherwise(plan, { legCount: 3 });
  } }],
  ['a call that names a child call it does not have', ['I21'], { plan: (plan) => {
    tellOtherwise(plan, { childCallIds: ['302', '305'] });
  } }],
  ['a call that says it was transferred', ['I21'], { plan: (plan) => {
    tellOtherwise(plan, { transferFromCallId: '300' });
  } }],
  ['a call with the time of its first leg', ['I21'], { plan: (plan) => {
    tellOtherwise(plan, {}).timestamp = seconds(20);
  } }],
  ['a call that is given up before the lookback has passed', ['I21'], { plan: (plan) => {
    addCalls(plan);
    plan.run = { ...plan.run, settings: { ...plan.run.settings, PACE_LOOKBACK: '205s' } };
  } }],
  ['a call that is given up when only one of its feeds has passed it', ['I21'], { plan: (plan) => {
    const { commits: [first] } = addCalls(plan);
    plan.steps = plan.steps.filter((one) => one !== first);
    plan.steps.splice(plan.steps.indexOf(records(plan, 3)), 0, first);
  } }],
  ['a call that is given up though it began before its feeds', ['I21'], { plan: (plan) => {
    const { late } = addCalls(plan);
    const one = { startTimeUTC: seconds(-10) };
    Object.assign(late[1]!.value, one);
    const { ledger } = plan.rows.find(({ subject }) => subject === 'acme/303/1')!;
    Object.assign(ledger.revisions[0]!.row, one);
  } }],
  ['a call of a commit that nobody knows', ['I3'], { plan: (plan) => {
    const { commits: [first] } = addCalls(plan);
    first.lost = [first.events[0]!];
    first.events[0] = { ...first.events[0]!, commit: 'c/live/calls/acme/0' };
  } }],
  ['a call that its commit counts, but that is not there', ['I3', 'I21'], { plan: (plan) => {
    const { commits: [first] } = addCalls(plan);
    first.lost = [first.events.shift()!];
  } }],
  ['a digest that is not that of the calls', ['I3'], { plan: (plan) => {
    addCalls(plan).commits[0].says = { digest: 5 };
  } }],
  ['a call in the feed of legs', ['I3', 'I18', 'I21'], { plan: (plan) => {
    const { commits: [first] } = addCalls(plan);
    legs(plan, 3).events.push(first.events.shift()!);
  } }],
  ['a watermark of calls that goes back', ['I6'], { plan: (plan) => {
    addCalls(plan).commits[1].watermark = seconds(170);
  } }],
  ['a call in another partition than its rows', ['I7'], { plan: (plan) => {
    tellOtherwise(plan, {}).partition = 2;
  }, dumps: (dumps) => {
    withAllPartitions(dumps);
    const there = dumps.ends.filter(({ topic }) => topic === 'c.calls').length;
    const empty = { topic: 'c.calls', stableEnd: 0, end: 0, segments: true };
    const legTopic = dumps.ends.filter(({ topic }) => topic === 'c.call-legs').length;
    for (let more = there; more < legTopic; more += 1) dumps.ends = [...dumps.ends, { ...empty, partition: 10 + more }];
  } }],
  ['a call with another key', ['I7'], { plan: (plan) => {
    tellOtherwise(plan, {}).key = 'Acme/301';
  } }],
  ['a window of a feed that reads nothing', ['I11'], { plan: (plan) => {
    const { commits: [, second, third] } = addCalls(plan);
    Object.assign(third, { window: window(0, 290), watermark: second.watermark });
  } }],
  ['a name in the header of a call', ['I14'], { plan: (plan) => {
    tellOtherwise(plan, {}).headers['ce_caller'] = 'MARK SMITH';
  } }],
  ['a call that names a pass over history', ['I20', 'I21'], { plan: (plan) => {
    tellOtherwise(plan, { pass: 'history' });
  } }],
  ['a pass over history that makes calls', ['I20', 'I21'], { plan: (plan) => {
    const { commits: [first] } = addCalls(plan);
    const begin = { pass: 'history', number: 1, watermark: START, events: [] };
    plan.steps.splice(plan.steps.indexOf(first), 0, { ...first, ...begin });
  } }],
  ['calls that are wanted, and that nobody makes', ['I21'], { plan: (plan) => {
    addCalls(plan);
    plan.steps = plan.steps.filter(({ report }) => report !== 'calls');
  } }],
];
