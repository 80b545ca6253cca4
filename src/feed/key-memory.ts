import type { FeedId } from './feed.ts';
import { EMPTY, minus, plus, tallyOf, type Tally } from './manifest.ts';
import type { SealedPage, SeenEntry, SeenRecord } from './offset-record.ts';
import { countOld, SealedKeys, sealPage } from './sealed-keys.ts';

/** No record may be larger than Kafka takes: 1,000 of the longest keys fill it by nine tenths. */
const PAGE_ENTRIES_MAX = 1_000;

/** What a commit adds to the keys, and forgets of them; see `OffsetStep`. */
export interface KeyStep {
  readonly seenFromMs: number;
  readonly forgetBeforeMs?: number;
  readonly sealFromMs?: number;
  readonly seen: readonly SeenEntry[];
}

/** Records of a commit, and what all keys come to behind them. */
export interface KeyRecords {
  readonly pages: readonly SeenRecord[];
  readonly tally: Tally;
}

/** The keys that a feed has published and remembers: page by page, as they are written. */
export class KeyMemory {
  readonly #feed: FeedId;
  readonly #entries = new Map<string, SeenEntry>();
  readonly #pages = new Map<number, Page>();
  readonly #sealed = new SealedKeys();
  #tally = EMPTY;
  /** Above every page ever held, so that no living page is written over. */
  #nextPage = 0;

  constructor(feed: FeedId) {
    this.#feed = feed;
  }

  /** Of all pages that are not forgotten, entry by entry; of those that are sealed, fingerprint by fingerprint. */
  get tally(): Tally {
    return this.#tally;
  }

  get size(): number {
    return this.#entries.size;
  }

  entries(): Iterable<SeenEntry> {
    return this.#entries.values();
  }

  entry(key: string): SeenEntry | undefined {
    return this.#entries.get(key);
  }

  /** Whether only the fingerprint of a page that held it is left. */
  isSealed(key: string): boolean {
    return this.#sealed.has(key);
  }

  /** The records of a step, and up to where keys are known neither whole nor by a fingerprint behind it. */
  recordsFor(step: KeyStep): KeyRecords & { readonly goneToMs: number } {
    const { forgetBeforeMs, sealFromMs = Infinity, seenFromMs, seen } = step;
    const added = tallyOf(seen.map(({ hash }) => hash));
    if (forgetBeforeMs === undefined) {
      return { pages: this.#newPages(seen), tally: plus(this.#tally, added), goneToMs: -Infinity };
    }
    const all = [...this.#sealedPages(), ...this.#forgottenPages(forgetBeforeMs)];
    const gone = all.splice(0, countOld(all.map(({ sealed }) => sealed), sealFromMs));
    const turned = all.filter(({ whole }) => whole);
    const before = [...gone, ...turned].reduce((left, { tally }) => minus(left, tally), this.#tally);
    const left = turned.reduce((sum, { sealed }) => plus(sum, tallyOf(sealed.fingerprints)), before);
    const record = { kind: 'seen', feed: this.#feed, entries: [] } as const;
    const pages = [
      ...gone.map(({ page }) => ({ ...record, page })),
      ...turned.map(({ page, sealed }) => ({ ...record, page, sealed })),
      ...this.#newPages(seen),
    ];
    const goneToMs = gone.reduce((to, { sealed }) => Math.max(to, sealed.newestMs + 1),
      Math.min(sealFromMs, seenFromMs));
    return { pages, tally: plus(left, added), goneToMs };
  }

  /** The records that forget all keys for others: the oldest first, for pages are forgotten in their order. */
  recordsOf(seen: readonly SeenEntry[]): KeyRecords {
    const gone = [...this.#pages.keys(), ...this.#sealed.pages.keys()].map((page): SeenRecord =>
      ({ kind: 'seen', feed: this.#feed, page, entries: [] }));
    const pages = [...gone, ...this.#newPages(seen.toSorted((a, b) => a.timeMs - b.timeMs))];
    return { pages, tally: tallyOf(seen.map(({ hash }) => hash)) };
  }

  apply({ page, entries, sealed }: SeenRecord): void {
    this.#forgetPage(page);
    this.#nextPage = Math.max(this.#nextPage, page + 1);
    if (sealed !== undefined) {
      this.#sealed.set(page, sealed);
      this.#tally = plus(this.#tally, tallyOf(sealed.fingerprints));
    }
    if (entries.length === 0) return;
    for (const entry of entries) this.#entries.set(entry.key, entry);
    const newestMs = entries.reduce((newest, { timeMs }) => Math.max(newest, timeMs), 0);
    const tally = tallyOf(entries.map(({ hash }) => hash));
    this.#pages.set(page, { newestMs, entries, tally });
    this.#tally = plus(this.#tally, tally);
  }

  /** In the order they came: a key that moved is in two pages, and must not outlive the later one in the earlier. */
  #forgottenPages(forgetBeforeMs: number): readonly OldPage[] {
    const old: OldPage[] = [];
    for (const [page, known] of this.#pages) {
      if (known.newestMs >= forgetBeforeMs) break;
      old.push({ page, whole: true, sealed: sealPage(known), tally: known.tally });
    }
    return old;
  }

  #sealedPages(): readonly OldPage[] {
    return [...this.#sealed.pages].map(([page, sealed]) =>
      ({ page, whole: false, sealed, tally: tallyOf(sealed.fingerprints) }));
  }

  #newPages(seen: readonly SeenEntry[]): readonly SeenRecord[] {
    const pages: SeenRecord[] = [];
    for (let from = 0; from < seen.length; from += PAGE_ENTRIES_MAX) {
      const entries = seen.slice(from, from + PAGE_ENTRIES_MAX);
      pages.push({ kind: 'seen', feed: this.#feed, page: this.#nextPage + from / PAGE_ENTRIES_MAX, entries });
    }
    return pages;
  }

  /** A key that a later page holds too, because 8x8 moved it to a later time, lives on with that page. */
  #forgetPage(page: number): void {
    const sealed = this.#sealed.pages.get(page);
    if (sealed !== undefined) this.#tally = minus(this.#tally, tallyOf(sealed.fingerprints));
    this.#sealed.delete(page);
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

/** A page that is forgotten, now or before, with what it counts for. */
interface OldPage {
  readonly page: number;
  readonly whole: boolean;
  readonly sealed: SealedPage;
  readonly tally: Tally;
}
