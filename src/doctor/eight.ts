import { ConnectorError } from '../errors.ts';
import { floorToSecond, type Window } from '../feed/window.ts';
import { CredentialRefused, ReportRefused } from '../source/refusals.ts';
import type { WorkAnalytics } from '../source/work-analytics.ts';
import { callRecords } from '../streams/call-records.ts';
import type { RawRow, Stream } from '../streams/stream.ts';
import { failed, skipped, type Check } from './check.ts';

/** What is asked of 8x8, and how the last answer came. */
export interface EightProbe extends Pick<WorkAnalytics, 'check' | 'firstPage'> {
  /** Of the last request; undefined before the first. */
  readonly last: () => { readonly aheadMs: number | undefined; readonly durationMs: number } | undefined;
}

/** What the settings want of 8x8. */
export interface EightWish {
  readonly pbxIds: readonly string[];
  readonly streams: readonly Stream[];
  readonly pageSize: number | 'auto';
}

const [SECOND_MS, MINUTE_MS, DAY_MS] = [1_000, 60_000, 24 * 3_600_000];

/** Every size that public clients are known to use, and what the documentation allows at most. */
const PAGE_SIZES = [7_000, 1_000, 500, 200, 100, 50];
/** The guides say that it "must be" this one. */
const SMALLEST = 50;

/** More is no matter of the network, and shifts what is fresh. */
const SKEW_MAX_MS = 5_000;

const part = '8x8';

/** Looks at 8x8 in the order in which one thing needs the other: a request for each PBX, and ten. */
export async function* checkEight(
  { pbxIds, streams, pageSize }: EightWish,
  probe: EightProbe,
  nowMs: number,
  signal: AbortSignal,
): AsyncGenerator<Check> {
  const [stream] = streams as readonly [Stream];
  const refusal = await errorOf(probe.check(signal));
  yield* loginChecks(refusal, probe.last());
  const later = [...pbxIds.map((pbxId) => `pbx ${pbxId}`), 'access', 'page-size', 'records-filter'];
  if (refusal !== undefined) return yield* later.map((name) => skipped(part, name, 'there is no access token'));

  const window = { from: floorToSecond(nowMs - 61 * MINUTE_MS), to: floorToSecond(nowMs - 60 * MINUTE_MS) };
  const readings: PbxReading[] = [];
  for (const pbxId of pbxIds) {
    const reading = { pbxId, error: await errorOf(probe.firstPage({ stream, pbxId, window }, SMALLEST, signal)) };
    readings.push(reading);
    yield pbxCheck(reading, stream.name);
  }
  yield accessCheck(readings);
  const readable = readings.find(({ error }) => error === undefined)?.pbxId;
  if (readable === undefined) {
    return yield* ['page-size', 'records-filter'].map((name) => skipped(part, name, 'no PBX can be read'));
  }
  const asking = { probe, pbxId: readable, signal };
  yield await orFailed('page-size', async () => pageSizeCheck(await largestPage(asking, stream, window), pageSize));
  const day = { from: floorToSecond(nowMs - DAY_MS), to: floorToSecond(nowMs - MINUTE_MS) };
  yield await orFailed('records-filter', () => filterCheck(asking, streams, day));
}

interface PbxReading {
  readonly pbxId: string;
  readonly error: ConnectorError | undefined;
}

interface Asking {
  readonly probe: EightProbe;
  readonly pbxId: string;
  readonly signal: AbortSignal;
}

/** The connection, the clock and the credentials, by what came of asking for an access token. */
export function loginChecks(error: ConnectorError | undefined, last: ReturnType<EightProbe['last']>): readonly Check[] {
  const later = ['api-key', 'user'] as const;
  if (error !== undefined && !(error instanceof CredentialRefused)) {
    return [failed(part, 'connection', error.message),
      ...['clock', ...later].map((name) => skipped(part, name, 'there is no answer'))];
  }
  const found = `it answers, within ${last?.durationMs} ms`;
  const before: readonly Check[] = last === undefined
    ? ['connection', 'clock'].map((name) => skipped(part, name, 'the credentials cannot be sent'))
    : [{ part, name: 'connection', state: 'ok', found }, clockCheck(last.aheadMs)];
  if (error?.credential === 'api-key') {
    return [...before, failed(part, 'api-key', error.message), skipped(part, 'user', 'the API key is refused')];
  }
  const key: Check = last === undefined
    ? skipped(part, 'api-key', 'the credentials cannot be sent')
    : { part, name: 'api-key', state: 'ok', found: 'it is accepted' };
  if (error !== undefined) return [...before, key, failed(part, 'user', error.message)];
  return [...before, key, { part, name: 'user', state: 'ok', found: 'the login is accepted' }];
}

export function clockCheck(aheadMs: number | undefined): Check {
  const check = { part, name: 'clock' } as const;
  if (aheadMs === undefined) return skipped(part, 'clock', 'the answer does not say what time it is');
  const seconds = Math.round(Math.abs(aheadMs) / SECOND_MS);
  if (Math.abs(aheadMs) <= SKEW_MAX_MS) return { ...check, state: 'ok', found: `${seconds} s off the clock of 8x8` };
  const found = `this machine is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} the clock of 8x8`;
  const effect = aheadMs > 0 ? 'Windows end by the slower clock, so nothing is lost' : 'Every call comes so much later';
  return { ...check, state: 'warning', found, cure: `Set the clock by NTP. ${effect}` };
}

/** The licence and the role are of the user: without them no PBX can be read, whatever its name. */
export function accessCheck(readings: readonly PbxReading[]): Check {
  const check = { part, name: 'access' } as const;
  const count = readings.filter(({ error }) => error === undefined).length;
  if (count > 0) return { ...check, state: 'ok', found: `${count} of ${readings.length} PBXs can be read` };
  const refused = readings.every(({ error }) => error!.code === 'SOURCE_PBX_REFUSED');
  if (!refused) return skipped(part, 'access', 'no PBX has answered as it should');
  const cure = 'The user needs a licence with Analytics, and the access level "Analytics: Supervisor"';
  return { ...check, state: 'failed', found: 'the user may read no PBX at all', cure };
}

export function pbxCheck({ pbxId, error }: PbxReading, stream: string): Check {
  const name = `pbx ${pbxId}`;
  if (error !== undefined) return failed(part, name, error.message);
  return { part, name, state: 'ok', found: `its ${stream} can be read` };
}

/** `accepted`: the largest page that 8x8 has granted; undefined if none. */
export function pageSizeCheck(accepted: number | undefined, wanted: number | 'auto'): Check {
  const check = { part, name: 'page-size' } as const;
  if (accepted === undefined) return { ...check, state: 'failed', found: 'no page size is accepted', cure: 'Ask 8x8' };
  const found = `pages of up to ${accepted} rows are accepted`;
  if (wanted === 'auto') return { ...check, state: 'ok', found };
  if (wanted <= accepted) return { ...check, state: 'ok', found: `${found}, ${wanted} are asked for` };
  const cure = `Set EIGHT_PAGE_SIZE to ${accepted}, or to auto`;
  return { ...check, state: 'failed', found: `${found}, not ${wanted}`, cure };
}

async function largestPage(
  { probe, pbxId, signal }: Asking,
  stream: Stream,
  window: Window,
): Promise<number | undefined> {
  for (const size of PAGE_SIZES) {
    const error = await errorOf(probe.firstPage({ stream, pbxId, window }, size, signal));
    if (error === undefined) return size;
    if (!(error instanceof ReportRefused)) throw error;
  }
  return undefined;
}

/** A record that lasted: 8x8 shows it by its start, or by its end. */
export interface Lasting {
  readonly callId: unknown;
  readonly startMs: number;
  readonly endMs: number;
}

/** One that begins and ends in seconds of their own, with another between them. */
export function lastingRecord(rows: readonly RawRow[]): Lasting | undefined {
  return rows
    .map(({ callId, startTimeUTC, disconnectedTimeUTC }) =>
      ({ callId, startMs: Number(startTimeUTC), endMs: Number(disconnectedTimeUTC) }))
    .find(({ startMs, endMs }) => floorToSecond(endMs) - floorToSecond(startMs) >= 3 * SECOND_MS);
}

/** By which time 8x8 filters call records, which it does not document. */
export function filterVerdict(byStart: boolean, byEnd: boolean): Check {
  const check = { part, name: 'records-filter' } as const;
  if (byEnd && !byStart) return { ...check, state: 'ok', found: 'call records are shown by their end, as we assume' };
  if (byEnd === byStart) return { ...check, state: 'warning', found: 'it cannot be told by which time they are shown' };
  const cure = 'Set PACE_LOOKBACK longer than the longest call: a longer one is found by a deep sweep only';
  return { ...check, state: 'warning', found: 'call records are shown by their start', cure };
}

async function filterCheck(asking: Asking, streams: readonly Stream[], day: Window): Promise<Check> {
  if (!streams.includes(callRecords)) return skipped(part, 'records-filter', 'call records are not read');
  const { probe, pbxId, signal } = asking;
  const rowsIn = async (window: Window): Promise<readonly RawRow[]> =>
    (await probe.firstPage({ stream: callRecords, pbxId, window }, SMALLEST, signal)).rows;
  const record = lastingRecord(await rowsIn(day));
  if (record === undefined) return skipped(part, 'records-filter', 'no call of a few seconds in the last day');
  const isShown = async (ms: number): Promise<boolean> => {
    const from = floorToSecond(ms);
    return (await rowsIn({ from, to: from + SECOND_MS })).some(({ callId }) => callId === record.callId);
  };
  return filterVerdict(await isShown(record.startMs), await isShown(record.endMs));
}

/** What goes wrong on the way to a verdict is one. */
async function orFailed(name: string, look: () => Promise<Check>): Promise<Check> {
  let check: Check | undefined;
  const error = await errorOf(look().then((made) => (check = made)));
  return check ?? failed(part, name, error!.message);
}

/** What it failed with, if it is an error that we foresee. */
async function errorOf(trial: Promise<unknown>): Promise<ConnectorError | undefined> {
  try {
    await trial;
    return undefined;
  } catch (error) {
    if (error instanceof ConnectorError) return error;
    throw error;
  }
}
