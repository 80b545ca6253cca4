/** A budget of requests. It holds no timer: it answers with a wait, and the caller sleeps. */
export interface RateLimit {
  /** Takes one request out of the budget: 0 if it may go now, otherwise the wait in ms; then ask again. */
  take(nowMs: number): number;
  /** Lets no request go before `untilMs`: 8x8 has asked for silence. The longest pause asked for wins. */
  pause(untilMs: number): void;
  /** What is left of the pause, in ms; 0 if there is none. */
  pausedForMs(nowMs: number): number;
  /** Our part of the account's budget, 0 to 1. With 0 nothing goes out until there is a part again. */
  setShare(share: number): void;
}

/** No pause is longer. It also bounds the harm when the wall clock is set back during one. */
export const PAUSE_MAX_MS = 60 * 60_000;

/**
 * A token bucket, written as the time at which the next request is due (GCRA,
 * https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm), so it needs no timer that refills it.
 *
 * A tenth of a minute's budget may go in a burst. The steady rate gives that tenth back, so no
 * span of 60 seconds ever sees more than `requestsPerMinute` while the share stays the same.
 */
export function createRateLimit(requestsPerMinute: number): RateLimit {
  let share = 1;
  let dueMs = 0;
  let pausedUntilMs = 0;

  const pausedForMs = (nowMs: number): number => {
    pausedUntilMs = Math.min(pausedUntilMs, nowMs + PAUSE_MAX_MS);
    return Math.max(pausedUntilMs - nowMs, 0);
  };

  return {
    take(nowMs) {
      const pauseMs = pausedForMs(nowMs);
      if (pauseMs > 0) return pauseMs;
      if (share === 0) return Infinity;

      const perMinute = requestsPerMinute * share;
      const burst = Math.max(Math.floor(perMinute / 10), 1);
      const intervalMs = 60_000 / (perMinute - (burst - 1));

      // The upper bound matters only after the wall clock was set back: we then wait one burst, not an hour.
      dueMs = Math.min(Math.max(dueMs, nowMs), nowMs + burst * intervalMs);
      const waitMs = Math.ceil(dueMs - (burst - 1) * intervalMs - nowMs);
      if (waitMs > 0) return waitMs;
      dueMs += intervalMs;
      return 0;
    },
    pause(untilMs) {
      pausedUntilMs = Math.max(pausedUntilMs, untilMs);
    },
    pausedForMs,
    setShare(part) {
      share = Math.min(Math.max(part, 0), 1);
    },
  };
}
