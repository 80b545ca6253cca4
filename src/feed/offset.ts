import { feedName, type FeedId } from './feed.ts';
import { NOTHING_LEARNT, withChange, type Learnt } from './learnt.ts';
import { KeyMemory } from './key-memory.ts';
import type { Contents, Manifest, Scan } from './manifest.ts';
import type { HeadRecord, OffsetRecord, SeenEntry, SeenRecord } from './offset-record.ts';
import type { FeedState, PassPlan } from './pass.ts';

export {
  isTombstone, recordKey, type HeadRecord, type OffsetRecord, type SeenEntry, type SeenRecord,
} from './offset-record.ts';

/** Where a feed stands after a commit, and the keys that the commit adds. */
export interface OffsetStep {
  readonly watermarkMs: number;
  readonly seenFromMs: number;
  /** Keys before it are forgotten; absent where none is. Never above `seenFromMs`. */
  readonly forgetBeforeMs?: number;
  /** Of what is forgotten, fingerprints are kept of keys of that time or later; absent where of none. */
  readonly sealFromMs?: number;
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
  #rememberedFromMs: number;
  #originMs: number;
  #manifest: Manifest | undefined;
  #drift: ReadonlySet<string> = new Set();
  #state: FeedState = 'RUNNING';
  #pass: PassPlan | undefined;
  #learnt = NOTHING_LEARNT;
  readonly #keys: KeyMemory;

  constructor(feed: FeedId, originMs: number) {
    this.feed = feed;
    this.#keys = new KeyMemory(feed);
    this.#watermarkMs = originMs;
    this.#seenFromMs = originMs;
    this.#rememberedFromMs = originMs;
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

  /** Every key published at or after this event time is known, whole or by its fingerprint. */
  get rememberedFromMs(): number {
    return this.#rememberedFromMs;
  }

  /** The first time of which the feed publishes, epoch milliseconds. */
  get originMs(): number {
    return this.#originMs;
  }

  get seenCount(): number {
    return this.#keys.size;
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
    return [...this.#keys.entries()].filter((entry) => entry.timeMs >= timeMs).length;
  }

  /** Every key that is remembered, once. */
  entries(): Iterable<SeenEntry> {
    return this.#keys.entries();
  }

  seenEntry(key: string): SeenEntry | undefined {
    return this.#keys.entry(key);
  }

  /** Whether the key was published, and is forgotten but for its fingerprint. */
  isSealed(key: string): boolean {
    return this.#keys.isSealed(key);
  }

  /** The records that take this offset through `step`. Changes nothing: they may fail to be written. */
  recordsFor(step: OffsetStep, contents: Contents): readonly OffsetRecord[] {
    const { feed } = this;
    const { watermarkMs, seenFromMs, learnt = this.#learnt, scan } = step;
    const { pages, tally: seen, goneToMs } = this.#keys.recordsFor(step);
    const rememberedFromMs = Math.max(this.#rememberedFromMs, goneToMs);
    const unfinished = step.done ? 0 : this.unfinished + contents.published + contents.rejected;
    const manifest = { ...contents, commit: this.commits + 1, scan, unfinished, seen };
    const drift = [...this.#drift, ...step.drift ?? []];
    const [originMs, state, pass] = [this.#originMs, this.#state, this.#pass];
    const times = { watermarkMs, seenFromMs, rememberedFromMs, originMs };
    return [{ kind: 'head', feed, ...times, drift, state, pass, learnt, manifest }, ...pages];
  }

  /** The records of a change that no reading has made, the head first. */
  changeTo(change: OffsetChange, contents: Contents, commit: number): readonly [HeadRecord, ...SeenRecord[]] {
    const { watermarkMs = this.#watermarkMs, state = this.#state, pass = this.#pass, seen } = change;
    // Without a head nobody knows what the feed has read.
    const noLater = (ms: number): number => (this.#manifest === undefined ? watermarkMs : Math.min(ms, watermarkMs));
    const { seenFromMs = noLater(this.#seenFromMs), originMs = noLater(this.#originMs) } = change;
    const { drift = [...this.#drift] } = change;
    const { pages, tally } = seen === undefined ? { pages: [], tally: this.#keys.tally } : this.#keys.recordsOf(seen);
    const manifest = { ...contents, commit, scan: undefined, unfinished: this.unfinished, seen: tally };
    const learnt = withChange(this.#learnt, this.#watermarkMs, watermarkMs);
    const times = { watermarkMs, seenFromMs, originMs, rememberedFromMs: this.#rememberedAfter(change) };
    const head: HeadRecord = { kind: 'head', feed: this.feed, ...times, drift, state, pass, learnt, manifest };
    return [head, ...pages];
  }

  /**
   * What a person has moved the feed over was skipped on purpose, and of what a file says, or of records that are
   * missing, nobody knows what was published before.
   */
  #rememberedAfter({ watermarkMs = this.#watermarkMs, seen }: OffsetChange): number {
    const anew = seen !== undefined || watermarkMs > this.#watermarkMs || this.contradiction() !== undefined;
    return anew ? watermarkMs : Math.min(this.#rememberedFromMs, watermarkMs);
  }

  apply(record: OffsetRecord): void {
    if (record.kind === 'head') {
      this.#watermarkMs = record.watermarkMs;
      this.#seenFromMs = record.seenFromMs;
      this.#rememberedFromMs = record.rememberedFromMs;
      this.#originMs = record.originMs;
      this.#drift = new Set(record.drift);
      this.#state = record.state;
      this.#pass = record.pass;
      this.#learnt = record.learnt;
      this.#manifest = record.manifest;
      return;
    }
    this.#keys.apply(record);
  }

  /** What is wrong with an offset that was restored: its last commit does not tell of the keys that are there. */
  contradiction(): string | undefined {
    if (this.#manifest === undefined) return 'its keys are there without its watermark record';
    const [{ count, sum }, { tally }] = [this.#manifest.seen, this.#keys];
    if (count === tally.count && sum === tally.sum) return undefined;
    const has = count === tally.count ? 'others' : `${tally.count}`;
    return `its last commit (${this.commits}) left ${count} seen keys, but the topic has ${has}: records are missing`;
  }
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
