import type { Learning, SilenceReport } from '../feed/learnt.ts';
import type { Sifted } from '../feed/seen.ts';
import { latenessCoveredMs, type Pace, type Window } from '../feed/window.ts';
import type { Reading } from '../source/source.ts';
import type { RowCounts } from '../streams/audit.ts';
import type { Drift } from '../streams/drift.ts';
import type { BusEvent } from '../streams/stream.ts';

/** What the pages of a poll came to. */
export interface Count extends RowCounts {
  /** Of the delays: those of rows that ended before what the feed had already read to the end. */
  readonly lateDelaysMs: readonly number[];
  /** What was told for the first time of rows that are not as 8x8 documents them. */
  readonly drift: readonly Drift[];
}

/** What one poll did. Metrics, logs, the ledger and the demo screen are made from this and nothing else. */
export interface PollReport extends Omit<Count, 'lateDelaysMs'>, Reading {
  readonly outcome: 'whole' | 'short';
  readonly window: Window;
  /** Of the feed, when the poll began and when it ended. */
  readonly fromWatermarkMs: number;
  readonly watermarkMs: number;
  /** Rows that readings of the window have published before, which came to no end. */
  readonly recovered: number;
  /** Of a live feed: how long it is quiet. */
  readonly silence: SilenceReport | undefined;
  /** The pace from now on, if the feed has found another for itself. */
  readonly adapted: Learning['adapted'];
  /** Keys remembered after the poll. */
  readonly seen: number;
  readonly durationMs: number;
}

export const NOTHING: Count = {
  pages: 0, rows: 0, published: 0, corrected: 0, late: 0, beyond: 0, rejected: 0, repeats: 0, outside: 0,
  delaysMs: [], lateDelaysMs: [],
  drift: [],
};

/** What counting needs to know besides a page: where the feed stood when the poll began, and what is told of it. */
export interface PageContext {
  readonly drift: readonly Drift[];
  readonly fromWatermarkMs: number;
  readonly live: boolean;
  /** It finds what no sweep of the live feed has found. */
  readonly deep: boolean;
  readonly pace: Pace;
}

/** The count with one more page. */
export function countPage(
  count: Count,
  rows: number,
  sifted: Sifted<BusEvent>,
  { fromWatermarkMs, live, deep, pace, drift }: PageContext,
): Count {
  const { fresh, corrected, repeats, outside } = sifted;
  const accepted = fresh.filter(({ channel }) => channel === 'accepted');
  const first = accepted.filter(({ value }) => value['revision'] === 1);
  const late = first.filter(({ eventTimeMs }) => eventTimeMs < fromWatermarkMs);
  const delaysOf = (events: readonly BusEvent[]): readonly number[] =>
    live ? events.map(({ value, eventTimeMs }) => Number(value['observedAt']) - eventTimeMs) : [];
  const delaysMs = delaysOf(first);
  const beyond = deep ? first.length : delaysMs.filter((delayMs) => delayMs > latenessCoveredMs(pace)).length;
  return {
    pages: count.pages + Math.min(rows, 1),
    rows: count.rows + rows,
    published: count.published + accepted.length,
    corrected: count.corrected + corrected,
    late: count.late + late.length,
    beyond: count.beyond + beyond,
    rejected: count.rejected + fresh.length - accepted.length,
    repeats: count.repeats + repeats,
    outside: count.outside + outside,
    delaysMs: [...count.delaysMs, ...delaysMs],
    lateDelaysMs: [...count.lateDelaysMs, ...delaysOf(late)],
    drift: [...count.drift, ...drift],
  };
}
