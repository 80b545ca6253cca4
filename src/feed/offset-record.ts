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
  /** Where the feed has begun, or was set back to: the first time of which it publishes. */
  readonly originMs: number;
  /** Names of all drift that was told. */
  readonly drift: readonly string[];
  readonly state: FeedState;
  readonly pass: PassPlan | undefined;
  readonly learnt: Learnt;
  readonly manifest: Manifest;
}

/** Keys of a commit. Without entries it is forgotten: on Kafka a tombstone. */
export interface SeenRecord {
  readonly kind: 'seen';
  readonly feed: FeedId;
  readonly page: number;
  readonly entries: readonly SeenEntry[];
}

/** What the offsets topic holds of a feed: one head, and pages of seen keys for each commit that brought new ones. */
export type OffsetRecord = HeadRecord | SeenRecord;

/** Names what a record replaces: in a compacted topic only the last record of a key stays. */
export function recordKey(record: OffsetRecord): string {
  return record.kind === 'head' ? feedName(record.feed) : `${feedName(record.feed)}/seen/${record.page}`;
}
