import { feedName, type FeedId } from './feed.ts';
import { NOTHING_LEARNT, withChange, type Learnt } from './learnt.ts';
import { EMPTY, minus, plus, tallyOf, type Contents, type Manifest, type Scan, type Tally } from './manifest.ts';
import type { HeadRecord, OffsetRecord, SeenEntry, SeenRecord } from './offset-record.ts';
import type { FeedState, PassPlan } from './pass.ts';

export { recordKey, type HeadRecord, type OffsetRecord, type SeenEntry, type SeenRecord } from './offset-record.ts';

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

/** The read-only face of a feed's offset: all that deciding needs. */
export type FeedOffset =
  Omit<OffsetState, 'apply' | 'recordsFor' | 'changeTo' | 'contradiction' | 'seenSince' | 'entries'>;

/** What a person makes of an offset; what is absent stays as it is. */
export interface OffsetChange {
  readonly watermarkMs?: number;
  readonly state?: FeedState;
  readonly pass?: PassPlan | undefined;
  readonly seenFromMs?: number;
  readonly originMs?: number;
  readonly drift?: readonly string[];
  /** The only keys that are known from then on. */
  readonly seen?: readonly SeenEntry[];
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

  /** Every key that is remembered, once. */
  entries(): Iterable<SeenEntry> {
    return this.#entries.values();
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
    pages.push(...this.#newPages(step.seen));
    seen = plus(seen, tallyOf(step.seen.map(({ hash }) => hash)));
    const unfinished = step.done ? 0 : this.unfinished + contents.published + contents.rejected;
    const manifest = { ...contents, commit: this.commits + 1, scan, unfinished, seen };
    const drift = [...this.#drift, ...step.drift ?? []];
    const [originMs, state, pass] = [this.#originMs, this.#state, this.#pass];
    return [{ kind: 'head', feed, watermarkMs, seenFromMs, originMs, drift, state, pass, learnt, manifest }, ...pages];
  }

  /** The records of a change that no reading has made, the head first. */
  changeTo(change: OffsetChange, contents: Contents, commit: number): readonly [HeadRecord, ...SeenRecord[]] {
    const { watermarkMs = this.#watermarkMs, state = this.#state, pass = this.#pass, seen } = change;
    // Without a head nobody knows what the feed has read.
    const noLater = (ms: number): number => (this.#manifest === undefined ? watermarkMs : Math.min(ms, watermarkMs));
    const { seenFromMs = noLater(this.#seenFromMs), originMs = noLater(this.#originMs) } = change;
    const { drift = [...this.#drift] } = change;
    const tally = seen === undefined ? this.#tally : tallyOf(seen.map(({ hash }) => hash));
    const manifest = { ...contents, commit, scan: undefined, unfinished: this.unfinished, seen: tally };
    const learnt = withChange(this.#learnt, this.#watermarkMs, watermarkMs);
    const head: HeadRecord =
      { kind: 'head', feed: this.feed, watermarkMs, seenFromMs, originMs, drift, state, pass, learnt, manifest };
    return seen === undefined ? [head] : [head, ...this.#replacePages(seen)];
  }

  /** Forgets all keys, and knows others: the oldest first, for pages are forgotten in their order. */
  #replacePages(seen: readonly SeenEntry[]): readonly SeenRecord[] {
    const gone = [...this.#pages.keys()].map((page): SeenRecord =>
      ({ kind: 'seen', feed: this.feed, page, entries: [] }));
    return [...gone, ...this.#newPages(seen.toSorted((a, b) => a.timeMs - b.timeMs))];
  }

  #newPages(seen: readonly SeenEntry[]): readonly SeenRecord[] {
    const pages: SeenRecord[] = [];
    for (let from = 0; from < seen.length; from += PAGE_ENTRIES_MAX) {
      const entries = seen.slice(from, from + PAGE_ENTRIES_MAX);
      pages.push({ kind: 'seen', feed: this.feed, page: this.#nextPage + from / PAGE_ENTRIES_MAX, entries });
    }
    return pages;
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
