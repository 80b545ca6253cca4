import { legs, type Change } from './changes.ts';
import type { Row } from './dumps.ts';
import { corrected, idOf, published, type PlannedEvent } from './good-events.ts';
import { makeRow, seconds, START, type GoodRow } from './good-rows.ts';
import { CALLS_TOPIC, step, type Plan, type Step } from './good-run.ts';

/** The run with whole calls: rows of three calls, and the commits that tell them. */
export interface Calls {
  /** Its call, with two legs and one of a child call, is told in the first commit. */
  readonly whole: readonly PlannedEvent[];
  /** Its second leg comes late, so it is told as incomplete first, and in the second commit as complete. */
  readonly late: readonly PlannedEvent[];
  /** Its leg is corrected, so it is told again in the third commit. */
  readonly changed: readonly PlannedEvent[];
  readonly correction: PlannedEvent;
  readonly commits: readonly [first: Step, second: Step, third: Step];
}

export function addCalls(plan: Plan): Calls {
  const { run, rows, steps } = plan;
  plan.run = {
    ...run, topics: { ...run.topics, calls: CALLS_TOPIC }, settings: { ...run.settings, PACE_LOOKBACK: '60s' },
  };
  const [wholeRows, lateRows, changedRows] = [
    [part([301, 0], [5, 30], { callLegCount: 2 }), part([301, 1], [5, 20]), part([301, 2], [20, 30]),
      part([302, 1], [6, 10], { parentCallId: '301' })],
    [part([303, 0], [10, 40], { callLegCount: 2 }), part([303, 1], [10, 20]),
      part([303, 2], [20, 40], {}, 310)],
    [part([304, 0], [12, 50], { callLegCount: 1 }), changedLeg()],
  ];
  rows.push(...wholeRows, ...lateRows, ...changedRows);
  const [whole, late, changed] = [wholeRows, lateRows, changedRows].map((list) =>
    list.map((row) => published(row, row.ledger.visibleFromMs > seconds(300) ? 320 : 301)));
  const correction = corrected(changedRows[1]!, 340, { status: 'Changed' });
  const first = [...whole!, ...late!.slice(0, 2), ...changed!];
  legs(plan, 2).events.push(...first.filter(({ topic }) => topic === 'call-legs'));
  records(plan, 2).events.push(...first.filter(({ topic }) => topic === 'call-records'));
  legs(plan, 4).events.push(late![2]!);
  legs(plan, 6).events.push(correction);

  const calls = { report: 'calls', seenFrom: START } as const;
  const commits = [
    step({ ...calls, number: 2, generation: 1, atS: 306, watermark: seconds(180), events: [
      callOf(whole!, 1, 306), callOf(late!.slice(0, 2), 1, 306), callOf(changed!, 1, 306),
    ] }),
    step({ ...calls, number: 3, generation: 2, atS: 324, watermark: seconds(230), events: [callOf(late!, 2, 324)] }),
    step({ ...calls, number: 4, generation: 2, atS: 343, watermark: seconds(250),
      events: [callOf([changed![0]!, correction], 2, 343)] }),
  ] as const;
  const behind = (one: Step, more: Step): void => void steps.splice(steps.indexOf(one) + 1, 0, more);
  behind(records(plan, 1), step({ ...calls, number: 1, generation: 1, atS: 300, watermark: START }));
  [3, 4, 5].forEach((number, index) => behind(records(plan, number), commits[index]!));
  return { whole: whole!, late: late!, changed: changed!, correction, commits };
}

/** The event of a call, of its rows in order. */
export function callOf(parts: readonly PlannedEvent[], revision: number, observedS: number): PlannedEvent {
  const record = parts.find(({ topic }) => topic === 'call-records');
  const rows = parts.filter(({ topic }) => topic === 'call-legs');
  const [own, children] = [false, true].map((isChild) => rows.filter(({ value }) =>
    (value['parentCallId'] !== null) === isChild));
  const { pbxId, callId, parentCallId = null } = (record ?? own![0] ?? children![0])!.value;
  const legCount = record?.value['callLegCount'] ?? null;
  const wanted = legCount ?? own!.length;
  const missing = record === undefined ? ['record'] : own!.length < Number(wanted) ? ['legs']
    : own!.length > Number(wanted) ? ['count'] : [];
  const endMs = Math.max(...parts.map(({ value }) => Number(value['disconnectedTimeUTC'])));
  const subject = `acme/${parentCallId ?? callId}`;
  const id = idOf(`calls ${subject} ${revision} ${parts.map((one) => one.id).join()}`);
  const value: Row = {
    eventId: id, revision, observedAt: seconds(observedS), pass: 'live', pbxId, callId: parentCallId ?? callId,
    state: missing.length === 0 ? 'complete' : 'incomplete', missing, legCount,
    childCallIds: [...new Set(children!.map((leg) => leg.value['callId']))], transferFromCallId: null,
    record: record?.value ?? null, legs: own!.map((leg) => leg.value), childLegs: children!.map((leg) => leg.value),
  };
  const headers = { ce_type: 'com.8x8.work.call.v1', ce_time: new Date(endMs).toISOString() };
  return { topic: 'calls', subject, id, key: subject, partition: 1, timestamp: endMs, value, headers };
}

export function records({ steps }: Plan, number: number): Step {
  return steps.find((one) => one.report === 'call-records' && one.number === number)!;
}

/** The same row in another place of the run, as it is read again: all but the time at which it was seen. */
export function readAgain(event: PlannedEvent, observedS: number): PlannedEvent {
  return { ...event, value: { ...event.value, observedAt: seconds(observedS) } };
}

/** A row that nobody has published yet. */
export function makePart(...of: Parameters<typeof part>): PlannedEvent {
  return published(part(...of), 301);
}

/** A row of a call that has begun with the run; `visibleS` if it comes late. */
function part(
  [call, leg]: readonly [call: number, leg: number],
  [startS, endS]: readonly [startS: number, endS: number],
  fields: Row = {},
  visibleS = endS + 1,
): GoodRow {
  const { ledger, event, ...rest } = makeRow(call, leg, endS, { visibleFromMs: seconds(visibleS) });
  const own = { startTimeUTC: seconds(startS), ...fields };
  const revisions = ledger.revisions.map((revision) => ({ ...revision, row: { ...revision.row, ...own } }));
  return { ...rest, ledger: { ...ledger, revisions }, event: { ...event, ...own } };
}

function changedLeg(): GoodRow {
  const { ledger, ...rest } = part([304, 1], [12, 50]);
  const [first] = ledger.revisions;
  const next = { ...first!, visibleFromMs: seconds(330), row: { ...first!.row, status: 'Changed' } };
  return { ...rest, ledger: { ...ledger, revisions: [first!, next] } };
}

/** Whole calls as they are meant to be. */
export const goodCalls: Readonly<Record<string, Change>> = {
  'calls that are whole, that wait for a late leg, and whose leg is corrected': { plan: (plan) => void addCalls(plan) },
  'rows that were read again for a call': { plan: (plan) => {
    const { late, commits } = addCalls(plan);
    commits[1].events = [callOf(late.map((event) => readAgain(event, 322)), 2, 324)];
  } },
  'a correction that was read again, when it had changed no more': { plan: (plan) => {
    const { changed, correction, commits } = addCalls(plan);
    const again = { ...correction, value: { ...correction.value, changedFields: [] } };
    commits[2].events = [callOf([changed[0]!, readAgain(again, 342)], 2, 343)];
  } },
  'a correction that was forgotten, and is read back as a first': { plan: (plan) => {
    const { changed, correction, commits } = addCalls(plan);
    legs(plan, 6).forgets = legs(plan, 2);
    legs(plan, 7).forgets = legs(plan, 6);
    const first = { eventId: idOf('first'), revision: 1, changeKind: 'new', changedFields: [] };
    commits[2].events = [callOf([changed[0]!, { ...correction, value: { ...correction.value, ...first } }], 2, 343)];
  } },
  'a call that its last owner had no time to tell': { plan: (plan) => {
    const { commits } = addCalls(plan);
    plan.steps = plan.steps.filter((one) => one !== commits[2]);
  } },
  'a call that lacks its record when the lookback has passed': { plan: (plan) => {
    const { late, commits } = addCalls(plan);
    plan.rows = plan.rows.filter(({ subject }) => subject !== 'acme/303');
    records(plan, 2).events = records(plan, 2).events.filter(({ subject }) => subject !== 'acme/303');
    commits[0].events[1] = callOf([late[1]!], 1, 306);
    commits[1].events = [];
  } },
  'a call that began before its feeds, and is not told': { plan: (plan) => {
    const { commits } = addCalls(plan);
    for (const number of [2, 6]) beginEarlier(legs(plan, number).events);
    beginEarlier(plan.rows.map(({ event }) => ({ value: event, subject: `acme/${event['callId']}/1` })));
    for (const { ledger, subject } of plan.rows) {
      if (subject === 'acme/304/1') beginEarlier(ledger.revisions.map(({ row: value }) => ({ value, subject })));
    }
    commits[0].events.pop();
    commits[2].events = [];
  } },
};

function beginEarlier(events: readonly { readonly subject: string; readonly value: Row }[]): void {
  for (const { subject, value } of events) {
    if (subject === 'acme/304/1' && 'legId' in value) Object.assign(value, { startTimeUTC: seconds(-10) });
  }
}
