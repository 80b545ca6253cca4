import type { Pace } from './window.ts';

/**
 * Rows by how long after their end they were first seen: {@link BOUNDS_MS}. About the last 20,000 rows count. All are
 * whole numbers; none at all mean that nothing is known yet.
 */
export type DelayHistogram = readonly number[];

/** Upper bounds of the buckets: 1 s, each next one 1.64 as long, up to 30 days; the last one takes what is longer. */
const BOUNDS_MS: readonly number[] = [
  ...Array.from({ length: 31 }, (_, index) => Math.ceil(1_000 * (30 * 86_400) ** (index / 30))),
  Infinity,
];

/** More rows than that are halved, all buckets alike: the older a row, the less it counts. */
const ROWS_MAX = 20_000;

/** How many buckets a histogram has. */
export const BUCKETS = BOUNDS_MS.length;

/** How much must be known before a pace is changed by it. */
export interface Caution {
  /** Fewer rows say nothing of their longest delay. */
  readonly delays: number;
  /** Fewer rows say nothing of a share of one in a hundred. */
  readonly rows: number;
  /** So many sweeps must have looked for late rows: else those are taken for punctual that nobody has found yet. */
  readonly sweeps: number;
  /** The lookback shrinks once in that time. */
  readonly shrinkEveryMs: number;
}

/** What is right for a PBX. A world of a few hours would change nothing by it. */
export const CAUTION: Caution = { delays: 100, rows: 2_000, sweeps: 6, shrinkEveryMs: 86_400_000 };

/** The histogram with more rows. A clock that is behind makes delays below zero: they are short ones. */
export function learnDelays(histogram: DelayHistogram, delaysMs: readonly number[]): DelayHistogram {
  let counts = BOUNDS_MS.map((_, index) => histogram[index] ?? 0);
  for (const delayMs of delaysMs) {
    const bucket = BOUNDS_MS.findIndex((boundMs) => delayMs <= boundMs);
    if (bucket >= 0) counts[bucket]! += 1; // not a number: in none
  }
  // Rounded down, so that a single row of long ago is forgotten.
  while (rowsOf(counts) > ROWS_MAX) counts = counts.map((count) => Math.floor(count / 2));
  return counts;
}

/**
 * The delay within which the share `q` of all rows were seen: the upper bound of its bucket, so never too short, and
 * Infinity if it is more than 30 days. Undefined while too few rows are known.
 */
export function quantileMs(histogram: DelayHistogram, q: number, rowsMin: number): number | undefined {
  const rows = rowsOf(histogram);
  if (rows < rowsMin) return undefined;
  let below = 0;
  return BOUNDS_MS.find((_, index) => {
    below += histogram[index] ?? 0;
    return below > 0 && below >= q * rows;
  });
}

function rowsOf(histogram: DelayHistogram): number {
  return histogram.reduce((sum, count) => sum + count, 0);
}

/** What of a pace a feed has found for itself, and what it judges it by. Whole numbers; times are milliseconds. */
export interface AutoPace {
  readonly settleMs: number;
  /** The last settle that too many rows came after; 0 if there is none. */
  readonly tooShortMs: number;
  /** Rows that ended since then are counted: when settle was changed last. */
  readonly sinceMs: number;
  /** How many rows came, and how many of them after their window had been read first. */
  readonly rows: number;
  readonly late: number;
  readonly lookbackMs: number;
  /** When the lookback was changed last. */
  readonly lookbackSinceMs: number;
}

/** What is configured: the bounds of what a feed may find, and the rest of its pace. */
export interface AutoLimits {
  readonly settleMinMs: number;
  readonly settleMaxMs: number;
  readonly lookbackMinMs: number;
  readonly lookbackMaxMs: number;
  readonly pace: Pace;
  readonly caution: Caution;
}

/** What a feed knows of how late its PBX shows rows. */
export interface DelayState {
  readonly histogram: DelayHistogram;
  readonly auto: AutoPace;
}

/** The pace of a feed: as configured, or as it has found it. */
export function paceOf(
  { pace, auto: limits }: { readonly pace: Pace; readonly auto?: AutoLimits | undefined },
  delays: DelayState | undefined,
): Pace {
  return limits === undefined || delays === undefined ? pace : { ...pace, ...bounded(delays.auto, limits) };
}

/** What is known after a poll; `arrivals` are undefined if it was not at the live edge. */
export function learnPace(
  before: DelayState | undefined,
  arrivals: Arrivals | undefined,
  limits: AutoLimits,
  nowMs: number,
): DelayState {
  const known = before ?? { histogram: [], auto: beginAutoPace(limits, nowMs) };
  if (arrivals === undefined) return known;
  const histogram = learnDelays(known.histogram, arrivals.delaysMs);
  return { histogram, auto: autoPace(countArrivals(known.auto, arrivals, limits), histogram, limits, nowMs) };
}

/** Bounds may be configured anew. */
function bounded(auto: AutoPace, limits: AutoLimits): Pick<AutoPace, 'settleMs' | 'lookbackMs'> {
  return {
    settleMs: clamp(auto.settleMs, limits.settleMinMs, limits.settleMaxMs),
    lookbackMs: clamp(auto.lookbackMs, limits.lookbackMinMs, limits.lookbackMaxMs),
  };
}

/** The rows that one poll at the live edge has seen for the first time: one that `isLive`. */
export interface Arrivals {
  /** Of all of them. */
  readonly delaysMs: readonly number[];
  /** Of those that ended before the watermark that the poll began with: their window had been read before. */
  readonly lateMs: readonly number[];
  /** When they were seen. */
  readonly nowMs: number;
}

/** Between these shares of late rows settle stays as it is. */
const LATE_ENOUGH = 0.01;
const LATE_TOO_MANY = 0.02;

/** How much longer the lookback is than the longest delay that was seen. */
const LOOKBACK_FACTOR = 4;

/** Where a feed begins that has found nothing yet: with the pace as configured. */
export function beginAutoPace({ pace }: AutoLimits, nowMs: number): AutoPace {
  const { settleMs, lookbackMs } = pace;
  return { settleMs, tooShortMs: 0, sinceMs: nowMs, rows: 0, late: 0, lookbackMs, lookbackSinceMs: nowMs };
}

/**
 * Counts what one poll has seen, for {@link autoPace} to judge.
 *
 * Rows that ended before the last change of settle say nothing of it. Those that no settle within the bounds would
 * have waited for are not held against it: a PBX with three calls of a hundred an hour late would wait in vain.
 */
export function countArrivals(auto: AutoPace, arrivals: Arrivals, { settleMaxMs, pace }: AutoLimits): AutoPace {
  const { delaysMs, lateMs, nowMs } = arrivals;
  const counted = (delayMs: number): boolean => nowMs - delayMs >= auto.sinceMs;
  // A row that misses its window may be seen a sweep later than it was shown.
  const curableMs = settleMaxMs + pace.sweepEveryMs + 2 * pace.stepMinMs;
  return {
    ...auto,
    rows: auto.rows + delaysMs.filter(counted).length,
    late: auto.late + lateMs.filter((delayMs) => counted(delayMs) && delayMs <= curableMs).length,
  };
}

/**
 * Settle and lookback by what was seen of late.
 *
 * Delays do not tell how short settle could be: no row is seen before settle has passed, so all seem to take that
 * long. Settle is tried out instead: a tenth shorter while fewer than 1 % of rows come late, a quarter longer above
 * 2 %. What was too short is not tried again for 20,000 rows, else it would swing where 1 % and 2 % lie close.
 *
 * The lookback is four times the longest delay. It has to be longer than what was seen, for what comes later than it
 * reaches is never seen. It grows at once, and shrinks by a tenth a day. Both are safe at any time: a longer one
 * helps from then on only, since `seenFromMs` never goes back and nothing before it is read; a shorter one moves
 * `seenFromMs` on together with what is forgotten.
 */
export function autoPace(auto: AutoPace, histogram: DelayHistogram, limits: AutoLimits, nowMs: number): AutoPace {
  // A clock that was set back says nothing of how long anything was tried.
  const [sinceMs, lookbackSinceMs] = [Math.min(auto.sinceMs, nowMs), Math.min(auto.lookbackSinceMs, nowMs)];
  const known = { ...auto, ...bounded(auto, limits), sinceMs, lookbackSinceMs };
  return withLookback(withSettle(known, limits, nowMs), histogram, limits, nowMs);
}

function withSettle(auto: AutoPace, limits: AutoLimits, nowMs: number): AutoPace {
  const { settleMinMs, settleMaxMs, pace, caution } = limits;
  const { settleMs, tooShortMs, sinceMs, rows, late } = auto;
  if (rows < caution.rows || nowMs - sinceMs < settleMs + caution.sweeps * pace.sweepEveryMs) return auto;

  const anew = { ...auto, sinceMs: nowMs, rows: 0, late: 0 };
  const longerMs = Math.min(Math.max(ceilToSecond(settleMs * 1.25), settleMs + 1_000), settleMaxMs);
  const shorterMs = Math.max(Math.floor(settleMs * 0.9 / 1_000) * 1_000, settleMinMs);
  if (late > LATE_TOO_MANY * rows && longerMs > settleMs) {
    return { ...anew, settleMs: longerMs, tooShortMs: settleMs };
  }
  if (late < LATE_ENOUGH * rows && shorterMs < settleMs && (shorterMs > tooShortMs || rows >= ROWS_MAX)) {
    return { ...anew, settleMs: shorterMs, tooShortMs: shorterMs > tooShortMs ? tooShortMs : 0 };
  }
  return rows < ROWS_MAX ? auto : { ...auto, rows: Math.floor(rows / 2), late: Math.floor(late / 2) };
}

function withLookback(auto: AutoPace, histogram: DelayHistogram, limits: AutoLimits, nowMs: number): AutoPace {
  const { lookbackMinMs, lookbackMaxMs, pace, caution } = limits;
  const longestMs = quantileMs(histogram, 1, caution.delays);
  if (longestMs === undefined) return auto;
  const reachMs = LOOKBACK_FACTOR * longestMs + pace.sweepEveryMs + 2 * pace.stepMinMs;
  const wantedMs = clamp(reachMs, lookbackMinMs, lookbackMaxMs);
  if (wantedMs > auto.lookbackMs * 1.2) {
    return { ...auto, lookbackMs: ceilToSecond(wantedMs), lookbackSinceMs: nowMs };
  }
  if (wantedMs < auto.lookbackMs / 1.2 && nowMs - auto.lookbackSinceMs >= caution.shrinkEveryMs) {
    return { ...auto, lookbackMs: ceilToSecond(Math.max(wantedMs, auto.lookbackMs * 0.9)), lookbackSinceMs: nowMs };
  }
  return auto;
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), max);
}

function ceilToSecond(ms: number): number {
  return Math.ceil(ms / 1_000) * 1_000;
}
