import type { Mapped } from './kinds.ts';
import { reportStream, type EventFields } from './rows.ts';
import type { Stream } from './stream.ts';

/** A call record on the bus: `schemas/call-record.avsc`. */
export interface CallRecord extends EventFields, Mapped<typeof callRecordFields> {}

/**
 * Every field of a call record that we publish, by the name 8x8 gives it. `kinds.ts` says how each is read.
 *
 * The comments are the `doc` of `schemas/call-record.avsc`; a test keeps the two equal, field by field. What a
 * field means is 8x8's word where 8x8 gives one. "Open set" marks words of which no full list is published.
 *
 * @see https://developer.8x8.com/analytics/docs/work-analytics-call-detail-records
 */
export const callRecordFields = {
  /** Name of the PBX the call belongs to, as 8x8 spells it. */
  pbxId: 'id',
  /** Id of the call within its PBX; its legs have the same. It looks like a time but is none. */
  callId: 'id',
  /** Id of the call in the SIP protocol. */
  sipCallId: 'text',
  /** "Incoming" or "Outgoing"; an open set. */
  direction: 'text',
  /** When the caller went off-hook; a few milliseconds before the first leg starts. */
  startTimeUTC: 'time',
  /** When the call connected; null if nobody answered. */
  connectTimeUTC: 'time',
  /** When the call was answered; null if it was not. Despite its name in 8x8 it is an instant. */
  answeredTime: 'time',
  /** When the first party hung up. This is the event time; it may differ from the last leg's by 1 ms. */
  disconnectedTimeUTC: 'endTime',
  /** From start to disconnect, in milliseconds. */
  callTime: 'duration',
  /** Ringing, in milliseconds. */
  ringDuration: 'duration',
  /** Waiting in queues, in milliseconds. */
  waitTimeMS: 'duration',
  /** Live talk including hold, in milliseconds. */
  talkTimeMS: 'duration',
  /** How long the callee was on hold, in milliseconds. */
  calleeHoldDurationMS: 'duration',
  /** How long the caller stayed before giving up, in milliseconds; 0 if the call was not abandoned. */
  abandonedTime: 'duration',
  /** Whether the call was missed; it may be abandoned too. */
  missed: 'flag',
  /** Whether the caller gave up. */
  abandoned: 'flag',
  /** Whether the call was answered. */
  answered: 'flag',
  /** Calling party: "+" and number if external, extension if internal, or e.g. "Anonymous". */
  caller: 'text',
  /** Display name of the caller; may be digits. */
  callerName: 'text',
  /** Display name and number of the caller, joined by a comma. */
  callerId: 'text',
  /** Called party: extension, "+" and number, or a service, e.g. "CallQueue (103)". */
  callee: 'text',
  /** Display name of the callee. */
  calleeName: 'text',
  /** Number that was dialed, without "+". */
  dnis: 'text',
  /** Where the auto attendant sent the call. 8x8 documents no values. */
  aaDestination: 'text',
  /** How the last leg ended, e.g. "Voicemail", "Missed"; an open set. */
  lastLegDisposition: 'text',
  /** Number of legs. A call that overflows to an outside number may have a record but no leg. */
  callLegCount: 'count',
  /** Whether the callee was on hold at the disconnect. 8x8 documents no values. */
  calleeDisconnectOnHold: 'text',
  /** Whether the caller was on hold at the disconnect. 8x8 documents no values. */
  callerDisconnectOnHold: 'text',
  /** Departments the call counts for; may be null. */
  departments: 'list',
  /** Branches the call counts for; may be null. */
  branches: 'list',
} as const;

/** Texts that repeat another field in the zone of the request, or cut it to seconds. */
export const callRecordLeftOut = {
  startTime: 'startTimeUTC',
  connectTime: 'connectTimeUTC',
  disconnectedTime: 'disconnectedTimeUTC',
  talkTime: 'talkTimeMS',
  calleeHoldDuration: 'calleeHoldDurationMS',
  waitTime: 'waitTimeMS',
} as const;

/**
 * One call, its legs summed up. `pbxId + callId` names it for ever.
 *
 * UNVERIFIED: by which time 8x8 filters call records. We take disconnect time, as for legs. If it is the start
 * time, a call longer than the lookback is found only by a wider one; a live tenant would show it.
 *
 * @see https://developer.8x8.com/analytics/docs/work-analytics-call-detail-records
 */
export const callRecords: Stream = reportStream({
  name: 'call-records',
  path: '/v2/call-records',
  parameters: ['caller', 'callee', 'callerOrCallee'],
  schemaFile: 'call-record.avsc',
  fields: callRecordFields,
  keyFields: ['pbxId', 'callId'],
  words: { direction: ['Incoming', 'Outgoing'] },
  leftOut: callRecordLeftOut,
});
