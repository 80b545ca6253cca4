import { feedName, type FeedId } from './feed.ts';
import type { Window } from './window.ts';

/** A key published before, with what we need to know of it. */
export interface SeenEntry {
  readonly key: string;
  /** Event time of the row, epoch milliseconds; the latest, if 8x8 gave the row several. */
  readonly timeMs: number;
  /** Digest of the content that was published (BusEvent.contentHash). */
  readonly hash: number;
}

/** Where a feed stands after a commit, and the keys that the commit adds. */
export interface OffsetStep {
  readonly watermarkMs: number;
  readonly seenFromMs: number;
  readonly seen: readonly SeenEntry[];
}

/**
 * What the offsets topic holds of a feed: one head, and one page of seen keys per commit that brought new ones.
 * A page without entries is forgotten: on Kafka a tombstone.
 */
export type OffsetRecord =
  | { readonly kind: 'head'; readonly feed: FeedId; readonly watermarkMs: number; readonly seenFromMs: number }
  | { readonly kind: 'seen'; readonly feed: FeedId; readonly page: number; readonly entries: readonly SeenEntry[] };

/** The read-only face of a feed's offset: all that deciding needs. */
export type FeedOffset = Pick<OffsetState, 'watermarkMs' | 'seenFromMs' | 'seenEntry' | 'seenCount'>;

/**
 * The offset of one feed: its watermark and the keys it has published within the lookback.
 *
 * It changes by {@link OffsetState.apply} alone, one offset record at a time. A session applies the records
 * of a commit once Kafka has them; a restart applies the same records as it reads them back. So what is
 * restored cannot differ from what was running.
 */
export class OffsetState {
  readonly feed: FeedId;
  #watermarkMs: number;
  #seenFromMs: number;
  readonly #entries = new Map<string, SeenEntry>();
  readonly #pages = new Map<number, { readonly newestMs: number; readonly entries: readonly SeenEntry[] }>();
  /** Above every page ever held, so that no living page is written over. */
  #nextPage = 0;

  constructor(feed: FeedId, originMs: number) {
    this.feed = feed;
    this.#watermarkMs = originMs;
    this.#seenFromMs = originMs;
  }

  /** End of the last complete window, epoch milliseconds. */
  get watermarkMs(): number {
    return this.#watermarkMs;
  }

  /** Every key published at or after this event time is known; nothing before it may be read again. */
  get seenFromMs(): number {
    return this.#seenFromMs;
  }

  get seenCount(): number {
    return this.#entries.size;
  }

  seenEntry(key: string): SeenEntry | undefined {
    return this.#entries.get(key);
  }

  /** The records that take this offset through `step`. Changes nothing: they may fail to be written. */
  recordsFor(step: OffsetStep): readonly OffsetRecord[] {
    const { feed } = this;
    const { watermarkMs, seenFromMs } = step;
    const records: OffsetRecord[] = [{ kind: 'head', feed, watermarkMs, seenFromMs }];
    // In the order they came: a key that moved is in two pages, and must not outlive the later one in the earlier.
    for (const [page, { newestMs }] of this.#pages) {
      if (newestMs >= seenFromMs) break;
      records.push({ kind: 'seen', feed, page, entries: [] });
    }
    if (step.seen.length > 0) records.push({ kind: 'seen', feed, page: this.#nextPage, entries: step.seen });
    return records;
  }

  apply(record: OffsetRecord): void {
    if (record.kind === 'head') {
      this.#watermarkMs = record.watermarkMs;
      this.#seenFromMs = record.seenFromMs;
      return;
    }
    const { page, entries } = record;
    this.#forgetPage(page);
    this.#nextPage = Math.max(this.#nextPage, page + 1);
    if (entries.length === 0) return;
    for (const entry of entries) this.#entries.set(entry.key, entry);
    this.#pages.set(page, { newestMs: entries.reduce((newest, { timeMs }) => Math.max(newest, timeMs), 0), entries });
  }

  /** A key that a later page holds too, because 8x8 moved it to a later time, lives on with that page. */
  #forgetPage(page: number): void {
    for (const entry of this.#pages.get(page)?.entries ?? []) {
      if (this.#entries.get(entry.key) === entry) this.#entries.delete(entry.key);
    }
    this.#pages.delete(page);
  }
}

/** Names what a record replaces: in a compacted topic only the last record of a key stays. */
export function recordKey(record: OffsetRecord): string {
  return record.kind === 'head' ? feedName(record.feed) : `${feedName(record.feed)}/seen/${record.page}`;
}

/** Every feed's offset out of its records, in the order they were written. */
export function restoreOffsets(records: Iterable<OffsetRecord>): Map<string, OffsetState> {
  const offsets = new Map<string, OffsetState>();
  for (const record of records) {
    const name = feedName(record.feed);
    let offset = offsets.get(name);
    if (offset === undefined) offsets.set(name, (offset = new OffsetState(record.feed, 0)));
    offset.apply(record);
  }
  return offsets;
}

/** The first step of a feed: it has read nothing yet, and will read nothing before `originMs`. */
export function beginAt(originMs: number): OffsetStep {
  return { watermarkMs: originMs, seenFromMs: originMs, seen: [] };
}

/** The step after a page: the watermark stays, for the window is not read to its end. */
export function afterPage(offset: FeedOffset, seen: readonly SeenEntry[]): OffsetStep {
  return { watermarkMs: offset.watermarkMs, seenFromMs: offset.seenFromMs, seen };
}

/** The step after the last page of a window. Neither of the two times ever goes back. */
export function afterWindow(offset: FeedOffset, window: Window, lookbackMs: number): OffsetStep {
  const watermarkMs = Math.max(offset.watermarkMs, window.to);
  return { watermarkMs, seenFromMs: Math.max(offset.seenFromMs, watermarkMs - lookbackMs), seen: [] };
}
