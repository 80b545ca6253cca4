import { feedName, type FeedId } from './feed.ts';
import type { Learnt } from './learnt.ts';
import type { Manifest } from './manifest.ts';
import type { FeedState, PassPlan } from './pass.ts';

/** A key published before, with what we need to know of it. */
export interface SeenEntry {
  readonly key: string;
  /** Event time of the row, epoch milliseconds; the latest, if 8x8 gave the row several. */
  readonly timeMs: number;
  /** Digest of the content that was published last (BusEvent.contentHash). */
  readonly hash: number;
  /** How many contents were published, one after the other. */
  readonly revision: number;
  /** Of that content, field by field (BusEvent.marks). */
  readonly marks: string;
}

/** Where a feed stands. */
export interface HeadRecord {
  readonly kind: 'head';
  readonly feed: FeedId;
  readonly watermarkMs: number;
  readonly seenFromMs: number;
  /** Every key published at or after this event time is known, whole or by its fingerprint. */
  readonly rememberedFromMs: number;
  /** Where the feed has begun, or was set back to: the first time of which it publishes. */
  readonly originMs: number;
  /** Names of all drift that was told. */
  readonly drift: readonly string[];
  readonly state: FeedState;
  readonly pass: PassPlan | undefined;
  readonly learnt: Learnt;
  readonly manifest: Manifest;
}

/** What is left of a page of keys that is forgotten, for as long as deep sweeps ask for it. */
export interface SealedPage {
  /** Event time of the last of the keys, epoch milliseconds. */
  readonly newestMs: number;
  /** Of each key, in ascending order. */
  readonly fingerprints: Float64Array;
}

/** Keys of a commit; when they are forgotten their fingerprints, and then nothing: on Kafka a tombstone. */
export interface SeenRecord {
  readonly kind: 'seen';
  readonly feed: FeedId;
  readonly page: number;
  readonly entries: readonly SeenEntry[];
  readonly sealed?: SealedPage;
}

/** What the offsets topic holds of a feed: one head, and pages of seen keys for each commit that brought new ones. */
export type OffsetRecord = HeadRecord | SeenRecord;

/** Whether a record says only that there is nothing any more. */
export function isTombstone(record: OffsetRecord): boolean {
  return record.kind === 'seen' && record.entries.length === 0 && record.sealed === undefined;
}

/** Names what a record replaces: in a compacted topic only the last record of a key stays. */
export function recordKey(record: OffsetRecord): string {
  return record.kind === 'head' ? feedName(record.feed) : `${feedName(record.feed)}/seen/${record.page}`;
}
