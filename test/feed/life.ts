import fc from 'fast-check';
import { contentsOf } from '../../src/feed/manifest.ts';
import {
  isTombstone, OffsetState, recordKey, type OffsetRecord, type OffsetStep, type SeenEntry,
} from '../../src/feed/offset.ts';
import { takeFresh, type Keyed } from '../../src/feed/seen.ts';
import { afterPage, afterWindow } from '../../src/feed/step.ts';
import type { Pace } from '../../src/feed/window.ts';

export const feed = { stream: 'call-legs', pbxId: 'acme', pass: 'live' } as const;
export const name = 'live/call-legs/acme';
export const LOOKBACK_MS = 100;
const pace: Pace = { settleMs: 0, stepMinMs: 3, stepMaxMs: 9, overlapMs: 2, lookbackMs: LOOKBACK_MS, sweepEveryMs: 7 };
/** How long a key is remembered that is not read again. */
export const LONGER_MS = 10;
export const nothing = contentsOf(1, []);
/** How far a row's time may lie from the edge it is read at: what a page spans. */
export const PAGE_SPAN_MS = 60;

/** A feed as it runs, and all records it has ever written, as a topic holds them. */
export class Life {
  /** How long fingerprints are kept of keys that are forgotten; undefined if not at all. */
  readonly sealedMs: number | undefined;
  readonly state = new OffsetState(feed, 0);
  readonly log: OffsetRecord[] = [];
  /** Every key published, at its latest time. */
  readonly published = new Map<string, SeenEntry>();

  constructor(sealedMs?: number) {
    this.sealedMs = sealedMs;
  }

  take(step: OffsetStep): void {
    const records = this.state.recordsFor(step, nothing);
    for (const record of records) {
      this.log.push(record);
      this.state.apply(record);
    }
  }

  readPage(events: readonly Keyed[]): void {
    const { seen } = takeFresh(this.state, events, { revise: (event) => event });
    for (const entry of seen) this.published.set(entry.key, entry);
    const scan = { window: { from: 0, to: 1 }, after: this.state.commits };
    if (seen.length > 0) this.take(afterPage(this.state, scan, seen, []));
  }

  readRows(rows: readonly { readonly key: number; readonly shiftMs: number }[]): void {
    const { watermarkMs } = this.state;
    this.readPage(rows.map(({ key, shiftMs }) => {
      const eventTimeMs = Math.max(watermarkMs + shiftMs, 0);
      return { channel: 'accepted', key: `key-${key}`, eventTimeMs, contentHash: key, marks: '' };
    }));
  }

  endWindow(to: number): void {
    const keep = this.sealedMs === undefined ? {} : { sealFromMs: to - this.sealedMs };
    this.take(afterWindow(this.state, { window: { from: 0, to }, after: 0 }, pace, keep));
  }
}

/** What is left after compaction: the last record of each key, in the order of its writing; tombstones gone or not. */
export function compact(log: readonly OffsetRecord[], keepTombstones: boolean): readonly OffsetRecord[] {
  const last = new Map<string, OffsetRecord>();
  for (const record of log) {
    last.delete(recordKey(record));
    last.set(recordKey(record), record);
  }
  return [...last.values()].filter((record) => keepTombstones || !isTombstone(record));
}

export type Deed =
  | { readonly kind: 'page'; readonly rows: readonly { readonly key: number; readonly shiftMs: number }[] }
  | { readonly kind: 'window'; readonly byMs: number };

const anyDeed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 3, arbitrary: fc.record({
    kind: fc.constant('page' as const),
    rows: fc.array(fc.record({
      key: fc.nat(30),
      shiftMs: fc.integer({ min: -LOOKBACK_MS, max: PAGE_SPAN_MS }),
    }), { maxLength: 6 }),
  }) },
  { weight: 2, arbitrary: fc.record({
    kind: fc.constant('window' as const),
    byMs: fc.integer({ min: -20, max: 70 }),
  }) },
);
export const anyDeeds = fc.array(anyDeed, { maxLength: 80 });

export function live(deeds: readonly Deed[], afterEach: (life: Life) => void, life = new Life()): Life {
  for (const deed of deeds) {
    if (deed.kind === 'window') life.endWindow(life.state.watermarkMs + deed.byMs);
    else life.readRows(deed.rows);
    afterEach(life);
  }
  return life;
}
