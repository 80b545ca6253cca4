import type { FeedId, StreamName } from '../feed/feed.ts';
import type { Manifest } from '../feed/manifest.ts';
import type { HeadRecord, OffsetRecord, SeenEntry } from '../feed/offset.ts';
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
  readonly origin: number | null;
  readonly drift: readonly string[];
  readonly manifest: ManifestValue | null;
  readonly page: number | null;
  readonly entries: readonly SeenEntry[];
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

/** What a head says beside its feed. */
export function headValue(record: HeadRecord): Partial<OffsetValue> {
  return {
    kind: 'HEAD',
    watermark: record.watermarkMs,
    seenFrom: record.seenFromMs,
    origin: record.originMs,
    drift: record.drift,
    state: record.state,
    plan: planValue(record.pass),
    silence: silenceValue(record.learnt.silence),
    delays: delaysValue(record.learnt.delays),
    manifest: manifestValue(record.manifest),
  };
}

/**
 * The record that a value is; undefined for a mark, and for what explains a record.
 *
 * @throws Error what is wrong with it.
 */
export function recordOf(value: OffsetValue): OffsetRecord | undefined {
  if (value.kind === 'BARRIER' || value.kind === 'RESET') return undefined;
  const { stream, pbxId, pass, watermark, seenFrom, origin, drift, state, plan, manifest, page } = value;
  if (stream === null || pbxId === null) throw new Error('names no feed');
  const feed: FeedId = { stream: stream as StreamName, pbxId, pass };
  if (value.kind === 'SEEN') {
    if (page === null || page < 0) throw new Error('names no page');
    return { kind: 'seen', feed, page, entries: value.entries };
  }
  if (watermark === null || seenFrom === null || manifest === null) throw new Error('lacks watermark or manifest');
  const times = [watermark, seenFrom, origin ?? seenFrom, plan?.from ?? 0, plan?.end ?? 0];
  if (!times.every(isTime)) throw new Error('has a time that is none');
  return {
    kind: 'head', feed, watermarkMs: watermark, seenFromMs: seenFrom, originMs: origin ?? seenFrom, drift, state,
    pass: planOf(plan), manifest: manifestOf(manifest),
    learnt: { silence: silenceOf(value.silence), delays: delaysOf(value.delays) },
  };
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
