import type { PhoneSystem } from './phone-system.ts';
import type { RowBucket } from './row-bucket.ts';
import { Row } from './row.ts';
import type { JsonRow, Report } from './rows.ts';
import { walkRows } from './walk.ts';

/** What there is to know of one row that can be read by now, whether or not anyone ever read it. */
export interface LedgerEntry {
  readonly report: Report;
  /** `pbxId/callId/legId` or `pbxId/callId`; the true key, also where a poison row hides it. */
  readonly key: string;
  readonly pbxId: string;
  readonly disconnectedTimeUTC: number;
  /** When its first content became readable, epoch milliseconds. */
  readonly visibleFromMs: number;
  readonly firstServedMs: number | null;
  /** In whole answers only: a page that was cut, truncated or left hanging was not served. */
  readonly timesServed: number;
  /** How often a `damaged-row` fault showed a damaged copy of this good row. Those are not in `timesServed`. */
  readonly timesDamaged: number;
  /** When that was last; null if never. */
  readonly lastDamagedMs: number | null;
  /** Nobody can map this row, in any of its contents. */
  readonly poison: boolean;
  /** Every content that is or was readable by now, oldest first. Their `timesServed` add up to the row's. */
  readonly revisions: readonly LedgerRevision[];
  /** The content of now, text times in UTC; only if asked for. */
  readonly row?: JsonRow;
}

/** One content of a row. */
export interface LedgerRevision {
  readonly visibleFromMs: number;
  readonly timesServed: number;
  /** Text times in UTC; only if asked for. */
  readonly row?: JsonRow;
}

/** Rows with `fromMs <= disconnectedTimeUTC < toMs`. */
export interface LedgerQuery {
  readonly report: Report;
  readonly fromMs: number;
  readonly toMs: number;
  readonly nowMs: number;
  /** All PBXes if absent. */
  readonly pbxIds?: readonly string[];
  readonly rows?: boolean;
}

/** Remembers what was shown, so that a checker can compare it with what arrived on the bus. */
export interface Ledger {
  served(rows: readonly Row[], atMs: number): void;
  damaged(row: Row, atMs: number): void;
  /** Newest first by start time, as the reports are. */
  entries(query: LedgerQuery): Generator<LedgerEntry>;
}

/** Columns, one place per row of a bucket: they stay while the bucket itself may be forgotten and made again. */
interface Tally {
  readonly firstServedMs: Float64Array;
  readonly timesServed: Uint32Array;
  /** Of revised rows only: times served by revision. */
  readonly byRevision: Map<number, number[]>;
  readonly damaged: Map<number, { readonly times: number; readonly lastMs: number }>;
}

export function createLedger(system: PhoneSystem): Ledger {
  const tallies = new Map<string, Tally>();

  const tallyOf = (bucket: RowBucket): Tally => {
    const known = tallies.get(bucket.id);
    if (known !== undefined) return known;
    const fresh: Tally = {
      firstServedMs: new Float64Array(bucket.count),
      timesServed: new Uint32Array(bucket.count),
      byRevision: new Map(),
      damaged: new Map(),
    };
    tallies.set(bucket.id, fresh);
    return fresh;
  };

  return {
    served(rows, atMs) {
      for (const { bucket, index, revision } of rows) {
        const tally = tallyOf(bucket);
        if (tally.timesServed[index] === 0) tally.firstServedMs[index] = atMs;
        tally.timesServed[index]! += 1;
        if (!bucket.earlier.has(index)) continue;
        const counts = tally.byRevision.get(index) ?? [];
        counts[revision] = (counts[revision] ?? 0) + 1;
        tally.byRevision.set(index, counts);
      }
    },

    damaged({ bucket, index }, lastMs) {
      const { damaged } = tallyOf(bucket);
      damaged.set(index, { times: (damaged.get(index)?.times ?? 0) + 1, lastMs });
    },

    *entries({ report, fromMs, toMs, nowMs, pbxIds = system.pbxIds(), rows = false }) {
      const span = { report, pbxIds, nowMs, timeOf: 'disconnect', lowMs: fromMs, highMs: toMs - 1 } as const;
      for (const row of walkRows(system, { ...span, simplified: false, matches: undefined })) {
        const entry = makeEntry(row, tallies.get(row.bucket.id), nowMs);
        yield rows ? withContents(entry, row) : entry;
      }
    },
  };
}

function makeEntry(row: Row, tally: Tally | undefined, nowMs: number): LedgerEntry {
  const timesServed = tally?.timesServed[row.index] ?? 0;
  const counts = tally?.byRevision.get(row.index) ?? [];
  const visibleFromMs = row.visibleFromMs;
  const revised = visibleFromMs.length > 1;
  return {
    report: row.report,
    key: row.key,
    pbxId: row.pbxId,
    disconnectedTimeUTC: row.disconnectMs,
    visibleFromMs: visibleFromMs[0]!,
    firstServedMs: timesServed === 0 ? null : tally!.firstServedMs[row.index]!,
    timesServed,
    timesDamaged: tally?.damaged.get(row.index)?.times ?? 0,
    lastDamagedMs: tally?.damaged.get(row.index)?.lastMs ?? null,
    poison: row.poison,
    revisions: visibleFromMs
      .map((fromMs, index) => ({ visibleFromMs: fromMs, timesServed: revised ? (counts[index] ?? 0) : timesServed }))
      .filter((revision) => revision.visibleFromMs <= nowMs),
  };
}

function withContents(entry: LedgerEntry, row: Row): LedgerEntry {
  const contentAt = (ms: number): JsonRow => new Row(row.bucket, row.index, ms).value();
  const revisions = entry.revisions.map((revision) => ({ ...revision, row: contentAt(revision.visibleFromMs) }));
  return { ...entry, row: row.value(), revisions };
}
