import { feedName, type FeedId } from './feed.ts';
import { NOTHING_LEARNT, withChange, type Learnt } from './learnt.ts';
import { EMPTY, minus, plus, tallyOf, type Contents, type Manifest, type Scan, type Tally } from './manifest.ts';
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

/** Where a feed stands after a commit, and the keys that the commit adds. */
export interface OffsetStep {
  readonly watermarkMs: number;
  readonly seenFromMs: number;
  /** Keys before it are forgotten; absent where none is. Never above `seenFromMs`. */
  readonly forgetBeforeMs?: number;
  readonly seen: readonly SeenEntry[];
  /** Names of drift that the commit tells. */
  readonly drift?: readonly string[];
  /** What is known of the PBX after the commit; absent where it is as before. */
  readonly learnt?: Learnt;
  /** The reading that the commit is part of; absent where nothing is read. */
  readonly scan?: Scan;
  /** The window is done with this commit. */
  readonly done?: true;
}

/** No record may be larger than Kafka takes: 1,000 of the longest keys fill it by nine tenths. */
const PAGE_ENTRIES_MAX = 1_000;

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

/** The read-only face of a feed's offset: all that deciding needs. */
export type FeedOffset = Omit<OffsetState, 'apply' | 'recordsFor' | 'changeTo' | 'contradiction' | 'seenSince'>;

/** What a person makes of an offset; what is absent stays as it is. */
export interface OffsetChange {
  readonly watermarkMs?: number;
  readonly state?: FeedState;
  readonly pass?: PassPlan;
}

/**
 * The offset of one feed: its watermark and the keys it has published and remembers.
 *
 * It changes by {@link OffsetState.apply} alone, one offset record at a time. A session applies the records
 * of a commit once Kafka has them; a restart applies the same records as it reads them back. So what is
 * restored cannot differ from what was running.
 */
export class OffsetState {
  readonly feed: FeedId;
  #watermarkMs: number;
  #seenFromMs: number;
  #originMs: number;
  #manifest: Manifest | undefined;
  #drift: ReadonlySet<string> = new Set();
  #state: FeedState = 'RUNNING';
  #pass: PassPlan | undefined;
  #learnt = NOTHING_LEARNT;
  readonly #entries = new Map<string, SeenEntry>();
  readonly #pages = new Map<number, Page>();
  #tally = EMPTY;
  /** Above every page ever held, so that no living page is written over. */
  #nextPage = 0;

  constructor(feed: FeedId, originMs: number) {
    this.feed = feed;
    this.#watermarkMs = originMs;
    this.#seenFromMs = originMs;
    this.#originMs = originMs;
  }

  /** End of the last complete window, epoch milliseconds. */
  get watermarkMs(): number {
    return this.#watermarkMs;
  }

  /** Every key published at or after this event time is known; nothing before it may be read again. */
  get seenFromMs(): number {
    return this.#seenFromMs;
  }

  /** The first time of which the feed publishes, epoch milliseconds. */
  get originMs(): number {
    return this.#originMs;
  }

  get seenCount(): number {
    return this.#entries.size;
  }

  /** Names of the drift that was told, so that it is not told again. */
  get drift(): ReadonlySet<string> {
    return this.#drift;
  }

  get state(): FeedState {
    return this.#state;
  }

  /** What the pass was asked for; undefined if it is the live one. */
  get pass(): PassPlan | undefined {
    return this.#pass;
  }

  /** What the feed has found out about its PBX. */
  get learnt(): Learnt {
    return this.#learnt;
  }

  /** How many commits the feed has had. */
  get commits(): number {
    return this.#manifest?.commit ?? 0;
  }

  /** How many rows were published and rejected since the last window was done. */
  get unfinished(): number {
    return this.#manifest?.unfinished ?? 0;
  }

  /** Of the owner that has committed last; 0 before the first. */
  get generation(): number {
    return this.#manifest?.generation ?? 0;
  }

  /** How many keys are remembered of rows of that time or later. */
  seenSince(timeMs: number): number {
    return [...this.#entries.values()].filter((entry) => entry.timeMs >= timeMs).length;
  }

  seenEntry(key: string): SeenEntry | undefined {
    return this.#entries.get(key);
  }

  /** The records that take this offset through `step`. Changes nothing: they may fail to be written. */
  recordsFor(step: OffsetStep, contents: Contents): readonly OffsetRecord[] {
    const { feed } = this;
    const { watermarkMs, seenFromMs, forgetBeforeMs = -Infinity, learnt = this.#learnt, scan } = step;
    const pages: OffsetRecord[] = [];
    let seen = this.#tally;
    // In the order they came: a key that moved is in two pages, and must not outlive the later one in the earlier.
    for (const [page, { newestMs, tally }] of this.#pages) {
      if (newestMs >= forgetBeforeMs) break;
      pages.push({ kind: 'seen', feed, page, entries: [] });
      seen = minus(seen, tally);
    }
    for (let from = 0; from < step.seen.length; from += PAGE_ENTRIES_MAX) {
      const entries = step.seen.slice(from, from + PAGE_ENTRIES_MAX);
      pages.push({ kind: 'seen', feed, page: this.#nextPage + from / PAGE_ENTRIES_MAX, entries });
    }
    seen = plus(seen, tallyOf(step.seen.map(({ hash }) => hash)));
    const unfinished = step.done ? 0 : this.unfinished + contents.published + contents.rejected;
    const manifest = { ...contents, commit: this.commits + 1, scan, unfinished, seen };
    const drift = [...this.#drift, ...step.drift ?? []];
    const [originMs, state, pass] = [this.#originMs, this.#state, this.#pass];
    return [{ kind: 'head', feed, watermarkMs, seenFromMs, originMs, drift, state, pass, learnt, manifest }, ...pages];
  }

  /** The record of a change that no reading has made. What is known of published keys stays known. */
  changeTo(change: OffsetChange, contents: Contents, commit: number): HeadRecord {
    const manifest = { ...contents, commit, scan: undefined, unfinished: this.unfinished, seen: this.#tally };
    const { watermarkMs = this.#watermarkMs, state = this.#state, pass = this.#pass } = change;
    const seenFromMs = Math.min(this.#seenFromMs, watermarkMs);
    const [feed, originMs, drift] = [this.feed, Math.min(this.#originMs, watermarkMs), [...this.#drift]];
    const learnt = withChange(this.#learnt, this.#watermarkMs, watermarkMs);
    return { kind: 'head', feed, watermarkMs, seenFromMs, originMs, drift, state, pass, learnt, manifest };
  }

  apply(record: OffsetRecord): void {
    if (record.kind === 'head') {
      this.#watermarkMs = record.watermarkMs;
      this.#seenFromMs = record.seenFromMs;
      this.#originMs = record.originMs;
      this.#drift = new Set(record.drift);
      this.#state = record.state;
      this.#pass = record.pass;
      this.#learnt = record.learnt;
      this.#manifest = record.manifest;
      return;
    }
    const { page, entries } = record;
    this.#forgetPage(page);
    this.#nextPage = Math.max(this.#nextPage, page + 1);
    if (entries.length === 0) return;
    for (const entry of entries) this.#entries.set(entry.key, entry);
    const newestMs = entries.reduce((newest, { timeMs }) => Math.max(newest, timeMs), 0);
    const tally = tallyOf(entries.map(({ hash }) => hash));
    this.#pages.set(page, { newestMs, entries, tally });
    this.#tally = plus(this.#tally, tally);
  }

  /** What is wrong with an offset that was restored: its last commit does not tell of the keys that are there. */
  contradiction(): string | undefined {
    if (this.#manifest === undefined) return 'its keys are there without its watermark record';
    const { count, sum } = this.#manifest.seen;
    if (count === this.#tally.count && sum === this.#tally.sum) return undefined;
    const has = count === this.#tally.count ? 'others' : `${this.#tally.count}`;
    return `its last commit (${this.commits}) left ${count} seen keys, but the topic has ${has}: records are missing`;
  }

  /** A key that a later page holds too, because 8x8 moved it to a later time, lives on with that page. */
  #forgetPage(page: number): void {
    const known = this.#pages.get(page);
    if (known === undefined) return;
    for (const entry of known.entries) {
      if (this.#entries.get(entry.key) === entry) this.#entries.delete(entry.key);
    }
    this.#pages.delete(page);
    this.#tally = minus(this.#tally, known.tally);
  }
}

/** Keys of one commit. */
interface Page {
  readonly newestMs: number;
  readonly entries: readonly SeenEntry[];
  readonly tally: Tally;
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

/** The generation of an owner that has read these offsets: above every one that has committed before. */
export function nextGeneration(offsets: ReadonlyMap<string, OffsetState>): number {
  return 1 + [...offsets.values()].reduce((highest, { generation }) => Math.max(highest, generation), 0);
}
