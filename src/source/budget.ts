import type { Clock } from '../clock.ts';
import { ConnectorError } from '../errors.ts';
import { untilAborted } from './abort.ts';
import type { RateLimit } from './rate-limit.ts';
import { REST_MAX_MS } from './retry-after.ts';

/** The account's requests, dealt out in the order in which they are asked for, and live ones before background ones. */
export interface Budget {
  /**
   * Waits until one request may go. A background one may wait for as long as live ones leave it nothing.
   *
   * @returns the milliseconds waited
   * @throws ConnectorError SOURCE_THROTTLED if 8x8 wants silence for longer than {@link REST_MAX_MS};
   *   the reason of `signal` when it aborts
   */
  takeTurn(signal: AbortSignal, background?: boolean): Promise<number>;
  /** 8x8 has throttled us: lets nothing go for `waitMs`, and less from then on. */
  pause(waitMs: number): void;
  setShare(share: number): void;
  /** See {@link RateLimit.perMinute}. */
  perMinute(): number;
}

/** How soon a waiting request notices that the share has changed. */
const CHECK_MS = 1_000;

/** One queue for each kind in front of the rate limit: without them, whoever wakes first would go first. */
export function createBudget(limit: RateLimit, clock: Clock): Budget {
  let lastLive: Promise<void> = Promise.resolve();
  let lastBackground: Promise<void> = Promise.resolve();
  let liveWaiting = 0;

  async function waitForBudget(signal: AbortSignal, background: boolean): Promise<void> {
    for (;;) {
      // From here to `take` nobody else has a turn, so no live request can come in between.
      while (background && liveWaiting > 0) await lastLive;
      signal.throwIfAborted();
      const nowMs = clock.nowMs();
      // A long pause is sat out by the caller, who can say meanwhile why nothing happens.
      const pauseMs = limit.pausedForMs(nowMs);
      if (pauseMs > REST_MAX_MS) throw throttled(pauseMs);
      const waitMs = limit.take(nowMs, background);
      if (waitMs === 0) return;
      await clock.sleepUntil(nowMs + Math.min(waitMs, CHECK_MS), signal);
    }
  }

  function queueLive(signal: AbortSignal): Promise<void> {
    liveWaiting += 1;
    const turn = lastLive.then(() => waitForBudget(signal, false)).finally(() => void (liveWaiting -= 1));
    lastLive = turn.catch(() => undefined);
    return turn;
  }

  function queueBackground(signal: AbortSignal): Promise<void> {
    const turn = lastBackground.then(() => waitForBudget(signal, true));
    lastBackground = turn.catch(() => undefined);
    return turn;
  }

  return {
    async takeTurn(signal, background = false) {
      const startedMs = clock.nowMs();
      await untilAborted(background ? queueBackground(signal) : queueLive(signal), signal);
      return Math.max(clock.nowMs() - startedMs, 0);
    },
    pause(waitMs) {
      const nowMs = clock.nowMs();
      limit.pause(nowMs + waitMs);
      limit.slowDown(nowMs);
    },
    setShare: limit.setShare,
    perMinute: () => limit.perMinute(clock.nowMs()),
  };
}

/** 8x8 wants silence for `waitMs`. */
export function throttled(waitMs: number): ConnectorError {
  const seconds = Math.ceil(waitMs / 1_000);
  return new ConnectorError('SOURCE_THROTTLED', `8x8 throttles us (429): silence for ${seconds} s`, {
    retryAfterMs: waitMs,
  });
}
