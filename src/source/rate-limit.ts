import { fall, partAt, type Throttle } from './throttle.ts';

/** A budget of requests. It holds no timer: it answers with a wait, and the caller sleeps. */
export interface RateLimit {
  /**
   * Takes one request out of the budget: 0 if it may go now, otherwise the wait in ms; then ask again.
   *
   * @param background see {@link ReadRequest.background}
   */
  take(nowMs: number, background?: boolean): number;
  /** Lets no request go before `untilMs`: 8x8 has asked for silence. The longest pause asked for wins. */
  pause(untilMs: number): void;
  /** What is left of the pause, in ms; 0 if there is none. */
  pausedForMs(nowMs: number): number;
  /** 8x8 has throttled us: less goes out from now on, and slowly more again. See {@link fall}. */
  slowDown(nowMs: number): void;
  /** Our part of the account's budget, 0 to 1. With 0 nothing goes out until there is a part again. */
  setShare(share: number): void;
  /** How many requests may go out within a minute at most, as things are: our part, and what 429s have left of it. */
  perMinute(nowMs: number): number;
}

/** No pause is longer. It also bounds the harm when the wall clock is set back during one. */
export const PAUSE_MAX_MS = 60 * 60_000;

/** However often 8x8 throttles us, it is asked so often, or we would not notice that it has ceased to. */
const PER_MINUTE_LEAST = 1;

/**
 * A token bucket, written as the time at which the next request is due (GCRA,
 * https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm), so it needs no timer that refills it.
 *
 * A tenth of a minute's budget may go in a burst. The steady rate gives that tenth back, so no
 * span of 60 seconds ever sees more than `requestsPerMinute` while the share stays the same.
 *
 * Background requests also take from a bucket of their own, which gets `backgroundShare` of the rate, and they leave
 * the last request of a burst to live ones. Where no burst may go, a live request waits for its interval at most.
 */
export function createRateLimit(requestsPerMinute: number, backgroundShare = 1): RateLimit {
  let share = 1;
  let dueMs = 0;
  let backgroundDueMs = 0;
  let pausedUntilMs = 0;
  let throttle: Throttle | undefined;

  const pausedForMs = (nowMs: number): number => {
    pausedUntilMs = Math.min(pausedUntilMs, nowMs + PAUSE_MAX_MS);
    return Math.max(pausedUntilMs - nowMs, 0);
  };
  const partNow = (nowMs: number): number => {
    // A 429 that is still to come was told by a clock that has been set back since: the climb begins anew.
    if (throttle !== undefined && nowMs < throttle.atMs) throttle = { ...throttle, atMs: nowMs };
    return partAt(throttle, nowMs);
  };

  return {
    take(nowMs, background = false) {
      const pauseMs = pausedForMs(nowMs);
      if (pauseMs > 0) return pauseMs;
      if (share === 0) return Infinity;

      const part = partNow(nowMs);
      const all = flowOf(requestsPerMinute * share, part);
      const behind = flowOf(requestsPerMinute * share * backgroundShare, part);
      dueMs = dueWithin(dueMs, nowMs, all);
      backgroundDueMs = dueWithin(backgroundDueMs, nowMs, behind);
      const goesMs = background
        ? Math.max(dueMs - Math.max(all.burstMs - all.intervalMs, 0), backgroundDueMs - behind.burstMs)
        : dueMs - all.burstMs;
      const waitMs = Math.ceil(goesMs - nowMs);
      if (waitMs > 0) return waitMs;
      dueMs += all.intervalMs;
      if (background) backgroundDueMs += behind.intervalMs;
      return 0;
    },
    pause(untilMs) {
      pausedUntilMs = Math.max(pausedUntilMs, untilMs);
    },
    pausedForMs,
    slowDown(nowMs) {
      partNow(nowMs);
      throttle = fall(throttle, nowMs, PER_MINUTE_LEAST / requestsPerMinute);
    },
    setShare(part) {
      share = Math.min(Math.max(part, 0), 1);
    },
    perMinute: (nowMs) => requestsPerMinute * share * partNow(nowMs),
  };
}

/** How requests go out: one per interval, and as many sooner as fit into `burstMs`. */
interface Flow {
  readonly intervalMs: number;
  readonly burstMs: number;
}

/**
 * With less than the full rate there is no burst: a server that minds bursts would throttle the one after each pause.
 * The interval is never shorter and the burst never longer than at the full rate, so its promise holds while `part`
 * changes.
 */
function flowOf(perMinute: number, part: number): Flow {
  const burst = Math.max(Math.floor(perMinute / 10), 1);
  const intervalMs = 60_000 / (perMinute - (burst - 1));
  return { intervalMs: intervalMs / part, burstMs: part < 1 ? 0 : (burst - 1) * intervalMs };
}

/** The upper bound matters only after the wall clock was set back: we then wait one burst, not an hour. */
function dueWithin(dueMs: number, nowMs: number, { burstMs, intervalMs }: Flow): number {
  return Math.min(Math.max(dueMs, nowMs), nowMs + burstMs + intervalMs);
}
