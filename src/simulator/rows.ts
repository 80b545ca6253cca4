import type { Call, Leg } from './call.ts';
import { formatUtc } from './time-zone.ts';

/** The two reports of 8x8 that list calls row by row. */
export type Report = 'call-legs' | 'call-records';

/** A row as 8x8 would send it. */
export type JsonRow = Readonly<Record<string, unknown>>;

/**
 * `own`: `callLegCount` counts the legs that carry the record's call id. `with-children`: the offers to
 * agents count too. NOT DOCUMENTED.
 */
export type LegCountRule = 'own' | 'with-children';

/**
 * The 49 fields of a call leg, in the documented order, with text times in UTC. `*UTC` fields are epoch
 * milliseconds, `*MS` and `callTime` milliseconds, `HH:MM:SS` is cut to whole seconds; what never
 * happened is 0 and "0".
 *
 * @see https://developer.8x8.com/analytics/docs/work-analytics-call-legs
 */
export function legRow(call: Call, leg: Leg, pbxId: string): JsonRow {
  return {
    callId: String(call.callId),
    legId: String(leg.legId),
    startTimeUTC: leg.startMs,
    startTime: formatUtc(leg.startMs),
    connectTimeUTC: leg.connectMs,
    connectTime: instantText(leg.connectMs),
    disconnectedTimeUTC: leg.endMs,
    disconnectedTime: formatUtc(leg.endMs),
    talkTimeMS: leg.talkMs,
    talkTime: durationText(leg.talkMs),
    caller: leg.caller,
    callerName: leg.callerName,
    callee: leg.callee,
    calleeName: leg.calleeName,
    lra: leg.lra,
    direction: leg.direction,
    parentCallId: idText(call.parentCallId),
    transferToCallId: idText(call.transferToCallId),
    dnis: call.dnis,
    status: 'Completed',
    callerDeviceId: null,
    calleeDeviceId: null,
    callerDeviceModel: '',
    calleeDeviceModel: leg.talkMs > 0 ? 'voo8x8' : '',
    callerId: leg.callerId,
    missed: leg.missed ? 'Missed' : '-',
    abandoned: leg.abandoned ? 'Abandoned' : '-',
    answered: leg.answered ? 'Answered' : '-',
    cause: leg.cause,
    callerSvcName: null,
    callerSvcType: null,
    calleeSvcName: leg.service,
    calleeSvcType: leg.service === null ? '' : 'Custom',
    lraType: leg.lraType,
    calleeHoldDurationMS: leg.holdMs,
    calleeHoldDuration: durationText(leg.holdMs),
    calleeDisconnectOnHold: '',
    callerDisconnectOnHold: '',
    pbxId,
    sipCallId: call.sipCallId,
    // UNVERIFIED: that menu legs have no departments; UI exports show none.
    departments: leg.callee.startsWith('AutoAttendant') ? null : call.departments,
    branches: call.branches,
    recordServiceOn: '',
    bargeServiceOn: '',
    masterSlaveExts: '',
    propsLastPartyDisp: leg.disposition,
    accountCode: '',
    aaPath: leg.callee.startsWith('AutoAttendant') ? 'Main' : '',
    callTime: leg.endMs - leg.startMs,
  };
}

/**
 * The 36 fields of a call record, in the documented order. Not a join of the legs: it starts a few
 * milliseconds before the first and may end one millisecond after the last. `answeredTime` is an epoch
 * time, `abandonedTime` a duration.
 *
 * @see https://developer.8x8.com/analytics/docs/work-analytics-call-detail-records
 */
export function recordRow(call: Call, pbxId: string, legCount: LegCountRule): JsonRow {
  const { first, last, talk, talkMs, holdMs, waitMs } = summarize(call);
  const answeredMs = talk?.connectMs ?? 0;
  return {
    dnis: call.dnis,
    aaDestination: first.callee === 'AutoAttendant' ? last.callee : null,
    callId: String(call.callId),
    startTimeUTC: call.startMs,
    startTime: formatUtc(call.startMs),
    connectTimeUTC: answeredMs,
    connectTime: instantText(answeredMs),
    disconnectedTimeUTC: call.endMs,
    disconnectedTime: formatUtc(call.endMs),
    talkTimeMS: talkMs,
    talkTime: durationText(talkMs),
    caller: first.caller,
    callerName: first.callerName,
    callee: last.callee,
    calleeName: last.calleeName,
    direction: first.direction,
    callerId: first.callerId,
    missed: answeredMs === 0 ? 'Missed' : '-',
    abandoned: call.abandoned ? 'Abandoned' : '-',
    answered: answeredMs === 0 ? '-' : 'Answered',
    answeredTime: answeredMs,
    calleeDisconnectOnHold: '',
    callerDisconnectOnHold: '',
    pbxId,
    sipCallId: call.sipCallId,
    lastLegDisposition: last.disposition,
    // Text in the samples and in live data, though the OpenAPI schema says integer.
    callLegCount: String(call.legs.length + (legCount === 'own' ? 0 : call.childLegCount)),
    callTime: call.endMs - call.startMs,
    ringDuration: Math.max(0, (first.connectMs === 0 ? first.endMs : first.connectMs) - first.startMs),
    abandonedTime: call.abandoned ? call.endMs - call.startMs : 0,
    calleeHoldDurationMS: holdMs,
    calleeHoldDuration: durationText(holdMs),
    waitTimeMS: waitMs,
    waitTime: durationText(waitMs),
    departments: call.departments,
    branches: call.branches,
  };
}

/** The contents a revised row had before its last one, oldest first. Each differs from the next. */
export function earlierContents(row: JsonRow, count: 1 | 2): readonly JsonRow[] {
  const second = 'legId' in row ? { ...row, status: 'In Progress' } : { ...row, lastLegDisposition: '' };
  if (count === 1) return [second];
  const unknown = { talkTimeMS: 0, talkTime: durationText(0), departments: null, propsLastPartyDisp: '' };
  const first = 'legId' in row
    ? { ...second, ...unknown, cause: '' }
    : { ...second, talkTimeMS: 0, talkTime: durationText(0), departments: null, callLegCount: '0' };
  return [first, second];
}

/** Ways to make a row that no honest reader can map: its key or its event time is gone, or a number is text. */
const DAMAGES: readonly ((row: JsonRow) => JsonRow)[] = [
  (row) => without(row, 'callId'),
  (row) => ({ ...row, callId: null }),
  (row) => ({ ...row, disconnectedTimeUTC: 'soon' }),
  (row) => without(row, 'disconnectedTimeUTC'),
  (row) => ({ ...row, talkTimeMS: 'a while' }),
];

/** A poison row. `choice` is any whole number >= 0; equal choices damage equally. */
export function damageRow(row: JsonRow, choice: number): JsonRow {
  return DAMAGES[choice % DAMAGES.length]!(row);
}

function without(row: JsonRow, name: string): JsonRow {
  return Object.fromEntries(Object.entries(row).filter(([key]) => key !== name));
}

/** Milliseconds to `HH:MM:SS`, cut and not rounded: 1696320 is `00:28:16`. */
function durationText(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  return [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60]
    .map((part) => String(part).padStart(2, '0')).join(':');
}

function instantText(ms: number): string {
  return ms === 0 ? '0' : formatUtc(ms);
}

function idText(id: number | null): string | null {
  return id === null ? null : String(id);
}

interface Summary {
  readonly first: Leg;
  readonly last: Leg;
  /** The leg of the talk with a person, if there was one. */
  readonly talk: Leg | undefined;
  readonly talkMs: number;
  readonly holdMs: number;
  readonly waitMs: number;
}

function summarize({ story }: Call): Summary {
  const first = story[0]!;
  const talks = story.filter((leg) => leg.talkMs > 0);
  const queues = story.filter((leg) => leg.service === 'ACDOperatorService');
  return {
    first,
    talk: talks[0],
    last: talks[0] ?? story.at(-1)!,
    talkMs: sum(talks.map((leg) => leg.talkMs)),
    holdMs: sum(story.map((leg) => leg.holdMs)),
    waitMs: sum(queues.map((leg) => leg.endMs - leg.connectMs)),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
