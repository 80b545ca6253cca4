import type { Clock } from '../clock.ts';
import { ConnectorError } from '../errors.ts';
import { untilAborted } from './abort.ts';
import { createRateLimit } from './rate-limit.ts';
import { REST_MAX_MS } from './retry-after.ts';

/** The account's requests, dealt out in the order in which they are asked for. */
export interface Budget {
  /**
   * Waits until one request may go.
   *
   * @returns the milliseconds waited
   * @throws ConnectorError SOURCE_THROTTLED if 8x8 wants silence for longer than {@link REST_MAX_MS};
   *   the reason of `signal` when it aborts
   */
  takeTurn(signal: AbortSignal): Promise<number>;
  /** 8x8 has throttled us: lets nothing go for `waitMs`, and less from then on. */
  pause(waitMs: number): void;
  setShare(share: number): void;
}

/** How soon a waiting request notices that the share has changed. */
const CHECK_MS = 1_000;

/** One queue in front of the rate limit: without it, whoever wakes first would go first. */
export function createBudget(requestsPerMinute: number, clock: Clock): Budget {
  const limit = createRateLimit(requestsPerMinute);
  let lastTurn: Promise<void> = Promise.resolve();

  async function waitForBudget(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const nowMs = clock.nowMs();
      // A long pause is sat out by the caller, who can say meanwhile why nothing happens.
      const pauseMs = limit.pausedForMs(nowMs);
      if (pauseMs > REST_MAX_MS) throw throttled(pauseMs);
      const waitMs = limit.take(nowMs);
      if (waitMs === 0) return;
      await clock.sleepUntil(nowMs + Math.min(waitMs, CHECK_MS), signal);
    }
  }

  return {
    async takeTurn(signal) {
      const startedMs = clock.nowMs();
      const turn = lastTurn.then(() => waitForBudget(signal));
      lastTurn = turn.catch(() => undefined);
      await untilAborted(turn, signal);
      return Math.max(clock.nowMs() - startedMs, 0);
    },
    pause(waitMs) {
      const nowMs = clock.nowMs();
      limit.pause(nowMs + waitMs);
      limit.slowDown(nowMs);
    },
    setShare: limit.setShare,
  };
}

/** 8x8 wants silence for `waitMs`. */
export function throttled(waitMs: number): ConnectorError {
  const seconds = Math.ceil(waitMs / 1_000);
  return new ConnectorError('SOURCE_THROTTLED', `8x8 throttles us (429): silence for ${seconds} s`, {
    retryAfterMs: waitMs,
  });
}
