import type { FeedId, StreamName } from '../feed/feed.ts';
import type { Manifest } from '../feed/manifest.ts';
import type { HeadRecord, OffsetRecord, SealedPage, SeenEntry, SeenRecord } from '../feed/offset-record.ts';
import type { FeedState, PassPlan } from '../feed/pass.ts';
import { delaysOf, delaysValue, silenceOf, silenceValue, type DelaysValue, type SilenceValue } from './learnt-value.ts';

/** `schemas/offset.avsc`. */
export interface OffsetValue {
  readonly version: number;
  readonly kind: 'HEAD' | 'SEEN' | 'BARRIER' | 'RESET';
  readonly connector: string;
  readonly pass: string;
  readonly stream: string | null;
  readonly pbxId: string | null;
  readonly shardCount: number;
  readonly watermark: number | null;
  readonly seenFrom: number | null;
  readonly rememberedFrom: number | null;
  readonly origin: number | null;
  readonly drift: readonly string[];
  readonly manifest: ManifestValue | null;
  readonly page: number | null;
  readonly entries: readonly SeenEntry[];
  readonly fingerprints: Buffer;
  readonly newest: number | null;
  readonly barrier: string | null;
  readonly reason: string | null;
  readonly signal: string | null;
  readonly state: FeedState;
  readonly plan: PlanValue | null;
  readonly silence: SilenceValue | null;
  readonly delays: DelaysValue | null;
}

interface PlanValue {
  readonly from: number;
  readonly end: number;
  readonly replay: boolean;
  readonly topic: string | null;
}

interface ManifestValue {
  readonly generation: number;
  readonly commit: number;
  readonly scan: number;
  readonly windowFrom: number | null;
  readonly windowTo: number | null;
  readonly published: number;
  readonly rejected: number;
  readonly told: number;
  readonly digest: number;
  readonly unfinished: number;
  readonly seenKeys: number;
  readonly seenDigest: number;
}

/** Of 48 bits. */
const FINGERPRINT_BYTES = 6;

/** What a record with fingerprints means came later than all the rest. */
export const SEALED_VERSION = 2;

/** What a head says beside its feed. */
export function headValue(record: HeadRecord): Partial<OffsetValue> {
  return {
    kind: 'HEAD',
    watermark: record.watermarkMs,
    seenFrom: record.seenFromMs,
    rememberedFrom: record.rememberedFromMs,
    origin: record.originMs,
    drift: record.drift,
    state: record.state,
    plan: planValue(record.pass),
    silence: silenceValue(record.learnt.silence),
    delays: delaysValue(record.learnt.delays),
    manifest: manifestValue(record.manifest),
  };
}

/** What a page of keys says beside its feed. Who does not know of fingerprints must not take it for an empty page. */
export function seenValue({ page, entries, sealed }: SeenRecord): Partial<OffsetValue> {
  if (sealed === undefined) return { kind: 'SEEN', page, entries };
  const fingerprints = Buffer.alloc(sealed.fingerprints.length * FINGERPRINT_BYTES);
  sealed.fingerprints.forEach((number, index) =>
    fingerprints.writeUIntBE(number, index * FINGERPRINT_BYTES, FINGERPRINT_BYTES));
  return { version: SEALED_VERSION, kind: 'SEEN', page, fingerprints, newest: sealed.newestMs };
}

/**
 * The record that a value is; undefined for a mark, and for what explains a record.
 *
 * @throws Error what is wrong with it.
 */
export function recordOf(value: OffsetValue): OffsetRecord | undefined {
  if (value.kind === 'BARRIER' || value.kind === 'RESET') return undefined;
  const { stream, pbxId, pass, watermark, seenFrom, origin, drift, state, plan, manifest } = value;
  if (stream === null || pbxId === null) throw new Error('names no feed');
  const feed: FeedId = { stream: stream as StreamName, pbxId, pass };
  if (value.kind === 'SEEN') return seenRecordOf(value, feed);
  if (watermark === null || seenFrom === null || manifest === null) throw new Error('lacks watermark or manifest');
  const rememberedFrom = value.rememberedFrom ?? seenFrom;
  const times = [watermark, seenFrom, rememberedFrom, origin ?? seenFrom, plan?.from ?? 0, plan?.end ?? 0];
  if (!times.every(isTime)) throw new Error('has a time that is none');
  return {
    kind: 'head', feed, watermarkMs: watermark, seenFromMs: seenFrom, rememberedFromMs: rememberedFrom,
    originMs: origin ?? seenFrom, drift, state,
    pass: planOf(plan), manifest: manifestOf(manifest),
    learnt: { silence: silenceOf(value.silence), delays: delaysOf(value.delays) },
  };
}

function seenRecordOf({ page, entries, fingerprints, newest }: OffsetValue, feed: FeedId): SeenRecord {
  if (page === null || page < 0) throw new Error('names no page');
  if (fingerprints.length === 0) return { kind: 'seen', feed, page, entries };
  if (entries.length > 0) throw new Error('has both keys and fingerprints');
  return { kind: 'seen', feed, page, entries, sealed: sealedPageOf(fingerprints, newest) };
}

function sealedPageOf(bytes: Buffer, newest: number | null): SealedPage {
  if (bytes.length % FINGERPRINT_BYTES !== 0) throw new Error('has a fingerprint that is cut');
  if (newest === null || !isTime(newest)) throw new Error('does not say of when its keys are');
  const fingerprints = Float64Array.from({ length: bytes.length / FINGERPRINT_BYTES }, (_, index) =>
    bytes.readUIntBE(index * FINGERPRINT_BYTES, FINGERPRINT_BYTES));
  return { newestMs: newest, fingerprints };
}

/** Whether a calendar has it: what is read next is asked for by date. */
function isTime(ms: number): boolean {
  return !Number.isNaN(new Date(ms).getTime());
}

function planValue(pass: PassPlan | undefined): OffsetValue['plan'] {
  if (pass === undefined) return null;
  const { fromMs: from, endMs: end, replay, topic = null } = pass;
  return { from, end, replay, topic };
}

function planOf(plan: OffsetValue['plan']): PassPlan | undefined {
  if (plan === null) return undefined;
  const { from: fromMs, end: endMs, replay, topic } = plan;
  return { fromMs, endMs, replay, ...topic === null ? {} : { topic } };
}

function manifestValue({ commit, scan, seen, ...contents }: Manifest): ManifestValue {
  return {
    ...contents,
    commit,
    scan: scan?.after ?? 0,
    windowFrom: scan?.window.from ?? null,
    windowTo: scan?.window.to ?? null,
    seenKeys: seen.count,
    seenDigest: seen.sum,
  };
}

function manifestOf(value: ManifestValue): Manifest {
  const { scan: after, windowFrom, windowTo, seenKeys, seenDigest, ...rest } = value;
  const window = windowFrom === null || windowTo === null ? undefined : { from: windowFrom, to: windowTo };
  const scan = window === undefined ? undefined : { window, after };
  return { ...rest, scan, seen: { count: seenKeys, sum: seenDigest } };
}
