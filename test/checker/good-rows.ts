import { readFixture } from '../fixtures/read-fixture.ts';
import type { LedgerRow, Report, Row } from './dumps.ts';

/** When the history of the hand-made run begins. */
export const START = Date.parse('2026-05-01T10:00:00Z');

export const seconds = (count: number): number => START + count * 1_000;

const [sampleLeg, sampleRecord] = (['call-legs', 'call-records'] as const).map((name) =>
  readFixture<{ body: { data: readonly Row[] } }>(name).body.data[0]!);

/** The documented leg as an event, written by hand. */
const LEG_EVENT: Row = {
  parentCallId: null, transferToCallId: null, sipCallId: 'user@example.com', direction: 'Incoming', status: 'Completed',
  startTimeUTC: 1643898447499, connectTimeUTC: 1643898447539, callTime: 24754, talkTimeMS: 0, calleeHoldDurationMS: 0,
  missed: true, abandoned: false, answered: false, caller: '+15555551220', callerName: 'MARK SMITH',
  callerId: 'MARK SMITH,+15555551220', callee: '120088', calleeName: 'Jane Li', dnis: '12025555720', lra: '120088',
  lraType: 1, cause: 'Ring No Answer', propsLastPartyDisp: 'Voicemail', calleeDisconnectOnHold: '',
  callerDisconnectOnHold: '', callerDeviceId: null, callerDeviceModel: '', calleeDeviceId: null, calleeDeviceModel: '',
  callerSvcName: null, callerSvcType: null, calleeSvcName: 'VMadvanced', calleeSvcType: 'Custom',
  departments: ['Sales Engineering'], branches: ['Central'], recordServiceOn: '', bargeServiceOn: '',
  masterSlaveExts: '', accountCode: '', aaPath: '', extras: {},
};

/** The documented record as an event, written by hand: nobody answered, so it never connected. */
const RECORD_EVENT: Row = {
  sipCallId: 'user@example.com', direction: 'Incoming', startTimeUTC: 1643898447493, connectTimeUTC: null,
  answeredTime: null, callTime: 24760, ringDuration: 39, waitTimeMS: 0, talkTimeMS: 0, calleeHoldDurationMS: 0,
  abandonedTime: 0, missed: true, abandoned: false, answered: false, caller: '+15555551220', callerName: 'MARK SMITH',
  callerId: 'MARK SMITH,+15555551220', callee: '120088', calleeName: 'Jane Li', dnis: '12025555720',
  aaDestination: null, lastLegDisposition: 'Voicemail', callLegCount: 1,
  calleeDisconnectOnHold: '', callerDisconnectOnHold: '',
  departments: ['Sales Engineering'], branches: ['Central'], extras: {},
};

/** A row of the hand-made run. Changes are of 8x8's fields; seconds count from {@link START}. */
export interface GoodRow {
  readonly ledger: LedgerRow;
  readonly subject: string;
  readonly endMs: number;
  /** What the connector makes of its first content. */
  readonly event: Row;
}

/** A leg `acme/<call>/<leg>`, or a record `acme/<call>` if the leg is 0, of a PBX that 8x8 spells with a capital. */
export function makeRow(call: number, leg: number, endS: number, more: Partial<LedgerRow> = {}): GoodRow {
  const report: Report = leg === 0 ? 'call-records' : 'call-legs';
  const ids = { pbxId: 'Acme', callId: `${call}`, ...(leg === 0 ? {} : { legId: `${leg}` }) };
  const endMs = seconds(endS);
  const row = { ...(leg === 0 ? sampleRecord : sampleLeg), ...ids, disconnectedTimeUTC: endMs };
  const key = Object.values(ids).join('/');
  const visibleFromMs = more.visibleFromMs ?? endMs + 1_000;
  return {
    ledger: {
      report, key, pbxId: 'Acme', disconnectedTimeUTC: endMs, visibleFromMs, timesServed: 1, lastDamagedMs: null,
      poison: false, revisions: [{ visibleFromMs, timesServed: 1, row }], ...more,
    },
    subject: key.toLowerCase(),
    endMs,
    event: { ...(leg === 0 ? RECORD_EVENT : LEG_EVENT), ...ids, disconnectedTimeUTC: endMs },
  };
}

/** A row that nobody can map, with the dead letter's value in place of its event. */
export function makePoison(call: number, endS: number): GoodRow {
  const good = makeRow(call, 1, endS, { poison: true });
  const row = { ...good.ledger.revisions[0]!.row, talkTimeMS: 'a while' };
  return { ...good, ledger: { ...good.ledger, revisions: [{ ...good.ledger.revisions[0]!, row }] } };
}
