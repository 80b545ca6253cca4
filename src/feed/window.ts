/** A half-open span of event time, `[from, to)`, in epoch milliseconds on whole seconds. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

/** What a feed does next: read a window, pass one that is lost, skip to a time, sleep until more settles, or end. */
export type Plan =
  | { readonly kind: 'read'; readonly window: Window; readonly sweep: boolean }
  | { readonly kind: 'gap'; readonly window: Window }
  | { readonly kind: 'skip'; readonly toMs: number }
  | { readonly kind: 'wait'; readonly untilMs: number }
  | { readonly kind: 'done' };

/** How a feed moves through time. */
export interface Pace {
  /** Distance kept behind the clock, so that 8x8 has time to show a finished leg. */
  readonly settleMs: number;
  /** Shortest step: how often a feed polls when it is up to date. */
  readonly stepMinMs: number;
  /** Longest step: bounds one poll while a feed catches up. */
  readonly stepMaxMs: number;
  /**
   * How far behind the watermark every poll starts. At least {@link OVERLAP_MIN_MS}, so that a row in the
   * seam of two windows lies well inside one of them, whichever way 8x8 reads its bounds.
   */
  readonly overlapMs: number;
  /** How far behind the watermark a sweep starts, to find late legs. See {@link latenessCoveredMs}. */
  readonly lookbackMs: number;
  /** Time between two sweeps. */
  readonly sweepEveryMs: number;
  /** Ages at which all rows are looked for once more, by passes of their own. */
  readonly deepSweepsMs?: readonly number[];
  /** How far it may be behind the clock before an operator is told; absent: as the rest of the pace has it. */
  readonly lagMaxMs?: number | undefined;
}

/** Where a feed stands, in epoch milliseconds. */
export interface Progress {
  readonly watermarkMs: number;
  /** Nothing before this may be published: the keys published there are forgotten. */
  readonly seenFromMs: number;
  readonly sweptAtMs: number;
  /** A pass reads up to here; a live feed never ends. */
  readonly endMs?: number | undefined;
  /** It stands still until a person lets it go on. */
  readonly paused?: boolean;
}

/** A feed that stands still is looked at again after that time. */
const PAUSED_MS = 3_600_000;

/** 8x8 keeps the last two years. It answers a request for what is older as if there had been no calls. */
export const RETENTION_MS = 2 * 365 * 24 * 3_600_000;

/** What is about to leave the retention may do so while it is read. */
const RETENTION_GUARD_MS = 3_600_000;

/** Two seconds: one for a bound that 8x8 reads as exclusive, one for milliseconds that it cuts off. */
export const OVERLAP_MIN_MS = 2_000;

/**
 * Decides the next window of a feed.
 *
 * It ends where the data has settled, and starts behind the watermark because
 * 8x8 may show a leg long after it disconnected. Reading a leg twice is
 * harmless (`takeFresh` drops it); never reading it is a loss.
 */
export function planWindow(progress: Progress, pace: Pace, nowMs: number): Plan {
  const { watermarkMs, seenFromMs, sweptAtMs, endMs = Infinity, paused = false } = progress;
  if (watermarkMs >= endMs) return { kind: 'done' };
  if (paused) return { kind: 'wait', untilMs: nowMs + PAUSED_MS };

  const gap = retentionGap(progress, nowMs);
  if (gap !== undefined) return { kind: 'gap', window: gap };

  const settledMs = floorToSecond(nowMs - pace.settleMs);
  const dueMs = Math.min(watermarkMs + pace.stepMinMs, endMs);
  if (settledMs < dueMs) return { kind: 'wait', untilMs: dueMs + pace.settleMs };

  const to = Math.min(settledMs, watermarkMs + pace.stepMaxMs, endMs);

  // By the clock, not by the watermark: after a stop the first step must sweep, before it moves on. A clock that
  // was set back says nothing of when the last sweep was.
  const sweep = nowMs < sweptAtMs || nowMs - sweptAtMs >= pace.sweepEveryMs;
  const reachMs = sweep ? pace.lookbackMs : pace.overlapMs;
  // What lies before the time from which keys are known is read, and dropped: else its first second might be nobody's.
  const from = Math.max(seenFromMs - OVERLAP_MIN_MS, watermarkMs - reachMs);

  return { kind: 'read', window: { from, to }, sweep };
}

/**
 * The span behind the watermark that can no longer be read to its end, if there is one. It ends well within what
 * 8x8 keeps, so that a feed that cannot be read for long has one gap an hour at most.
 */
export function retentionGap(
  { watermarkMs, endMs = Infinity }: Pick<Progress, 'watermarkMs' | 'endMs'>,
  nowMs: number,
): Window | undefined {
  const safeFromMs = nowMs - RETENTION_MS + RETENTION_GUARD_MS;
  if (watermarkMs >= Math.min(safeFromMs, endMs)) return undefined;
  return { from: watermarkMs, to: floorToSecond(Math.min(safeFromMs + RETENTION_GUARD_MS, endMs)) };
}

/**
 * How late 8x8 may show a leg, counted from its disconnect, and it is surely found.
 * A later one may be lost: the last sweep came too early for it and the next one starts behind it.
 */
export function latenessCoveredMs(pace: Pace): number {
  return pace.lookbackMs - pace.sweepEveryMs - pace.stepMinMs;
}

/**
 * How far behind the watermark published keys are remembered: a sweep longer than anything is read again. A row that
 * 8x8 has moved, or shows beside the window, would be published twice if the one sweep that shows it anew is spoiled.
 */
export function memoryMs(pace: Pace): number {
  return pace.lookbackMs + pace.sweepEveryMs + pace.stepMinMs;
}

/**
 * Whether a feed has looked at the live edge just before: what it finds new has come to light since then. While it
 * catches up, the age of a row says nothing of how late 8x8 has shown it.
 */
export function isLive(watermarkMs: number, pace: Pace, nowMs: number): boolean {
  return nowMs - watermarkMs <= pace.settleMs + 2 * pace.stepMinMs;
}

/** The source has shown fewer rows than it counts. More is no wonder: calls come to light while it is being read. */
export function isShort(
  { total, received }: { readonly total: number | undefined; readonly received: number },
): boolean {
  return total !== undefined && received < total;
}

/** 8x8 takes whole seconds. Rounding down may read a second twice, but never skips one. */
export function floorToSecond(ms: number): number {
  return Math.floor(ms / 1_000) * 1_000;
}
