import type { Mapped } from './kinds.ts';
import { reportStream, type EventFields } from './rows.ts';
import type { Stream } from './stream.ts';

/** A call leg on the bus: `schemas/call-leg.avsc`. */
export interface CallLeg extends EventFields, Mapped<typeof callLegFields> {}

/**
 * Every field of a call leg that we publish, by the name 8x8 gives it. `kinds.ts` says how each is read.
 *
 * The comments are the `doc` of `schemas/call-leg.avsc`; a test keeps the two equal, field by field. What a
 * field means is 8x8's word where 8x8 gives one. "Open set" marks words of which no full list is published.
 *
 * @see https://developer.8x8.com/analytics/docs/work-analytics-call-legs
 */
export const callLegFields = {
  /** Name of the PBX the leg belongs to, as 8x8 spells it. */
  pbxId: 'id',
  /** Id that all legs of a call share within a PBX. It looks like a time but is none. */
  callId: 'id',
  /** Hop of the call: "1" is direct, each forward or transfer adds one. There may be gaps. */
  legId: 'id',
  /** Call on whose behalf this one was made, e.g. the call a queue offers to an agent. */
  parentCallId: 'text',
  /** On the second call of a transfer: callId of the first. */
  transferToCallId: 'text',
  /** Id of the call in the SIP protocol. */
  sipCallId: 'text',
  /** "Incoming", "Outgoing" or "Internal"; an open set. */
  direction: 'text',
  /** "Completed", or "In Progress" while dialing, talking or redirected; an open set. */
  status: 'text',
  /** When the caller went off-hook. */
  startTimeUTC: 'time',
  /** When ringing ended in a connection, be it to voicemail or to a queue; null if it never did. */
  connectTimeUTC: 'time',
  /** When the first party hung up or the leg left the system. This is the event time. */
  disconnectedTimeUTC: 'endTime',
  /** From start to disconnect, in milliseconds. */
  callTime: 'duration',
  /** Live talk including hold, in milliseconds; 0 on queue, voicemail and menu legs. */
  talkTimeMS: 'duration',
  /** How long the callee was on hold, in milliseconds. */
  calleeHoldDurationMS: 'duration',
  /** Whether the leg was missed; it may be abandoned too. */
  missed: 'flag',
  /** Whether the caller gave up. */
  abandoned: 'flag',
  /** Whether the leg was answered; queue, menu and recording legs without any talk may be, too. */
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
  /** Last redirect address: where the call was sent on last. */
  lra: 'text',
  /** Of lra, unofficially: 1 extension, 2 outside, 3 ring group, 4 queue, 5 virtual, 6 media, 7 park. */
  lraType: 'count',
  /** Why the leg ended, e.g. "Normal", "Ring No Answer", "Transfer"; an open set. */
  cause: 'text',
  /** How it ended for the last party, e.g. "Voicemail", "Missed"; an open set. */
  propsLastPartyDisp: 'text',
  /** Whether the callee was on hold at the disconnect. 8x8 documents no values. */
  calleeDisconnectOnHold: 'text',
  /** Whether the caller was on hold at the disconnect. 8x8 documents no values. */
  callerDisconnectOnHold: 'text',
  /** Device of the caller. */
  callerDeviceId: 'text',
  /** Device model of the caller. */
  callerDeviceModel: 'text',
  /** Device of the callee. */
  calleeDeviceId: 'text',
  /** Device model of the callee. */
  calleeDeviceModel: 'text',
  /** Service on the caller's side; an open set. */
  callerSvcName: 'text',
  /** Type of that service; an open set. */
  callerSvcType: 'text',
  /** Service on the callee's side, e.g. "VMadvanced", "ACDOperatorService"; an open set. */
  calleeSvcName: 'text',
  /** Type of that service, e.g. "Custom"; an open set. */
  calleeSvcType: 'text',
  /** Departments the leg counts for; null on some legs, e.g. of a menu. */
  departments: 'list',
  /** Branches the leg counts for; null on some legs. */
  branches: 'list',
  /** State of the recording service. 8x8 documents no values. */
  recordServiceOn: 'text',
  /** State of the barge service. 8x8 documents no values. */
  bargeServiceOn: 'text',
  /** Primary and secondary extensions. 8x8 documents no values. */
  masterSlaveExts: 'text',
  /** Account code. 8x8 documents no values. */
  accountCode: 'text',
  /** Path through the auto attendant. 8x8 documents no values. */
  aaPath: 'text',
} as const;

/** Texts that repeat another field in the zone of the request, or cut it to seconds. */
export const callLegLeftOut = {
  startTime: 'startTimeUTC',
  connectTime: 'connectTimeUTC',
  disconnectedTime: 'disconnectedTimeUTC',
  talkTime: 'talkTimeMS',
  calleeHoldDuration: 'calleeHoldDurationMS',
} as const;

/**
 * One segment of a call; a call has one leg per party that was rung or reached.
 *
 * `pbxId + callId + legId` names a leg for ever. Unless `isConnectTime` is set, 8x8 filters on disconnect time,
 * which is our event time. A row without one is of a leg in progress: it is rejected.
 *
 * UNVERIFIED: that a leg never changes after its disconnect. A live tenant would show it: `contentHash` changes.
 *
 * @see https://developer.8x8.com/analytics/docs/work-analytics-call-legs
 */
export const callLegs: Stream = reportStream({
  name: 'call-legs',
  path: '/v2/call-legs',
  parameters: ['isConnectTime', 'isSimplified', 'caller', 'callee', 'callerOrCallee'],
  schemaFile: 'call-leg.avsc',
  fields: callLegFields,
  keyFields: ['pbxId', 'callId', 'legId'],
  words: {
    direction: ['Incoming', 'Outgoing', 'Internal'],
    status: ['Completed', 'In Progress'],
    cause: ['Normal', 'Redirected', 'Transfer', 'Conference', 'Ring No Answer'],
  },
  leftOut: callLegLeftOut,
});
