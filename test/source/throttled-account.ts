import { createRateLimit } from '../../src/source/rate-limit.ts';

/** An account whose limit is not the one that is configured, and those who use it. */
export interface Account {
  readonly perMinute: number;
  /** What the server really allows, in any 60 seconds. */
  readonly allowedPerMinute: number;
  /** Whether a 429 names the time to wait. If not, the pauses are ours. */
  readonly namesTime: boolean;
  readonly latencyMs: number;
  readonly seed: number;
}

/** How many requests may be in flight: when the limit is passed, so many 429s come at once. */
const CALLERS = 8;

interface Use {
  readonly sentMs: readonly number[];
  /** When a 429 has come. */
  readonly refusedMs: readonly number[];
}

interface Flight {
  readonly backMs: number;
  /** 0: it was let in. */
  readonly waitMs: number;
}

/** Sends as much as the budget allows, in virtual time. From `liftedMs` on the server lets everything in. */
export function useUp(account: Account, { untilMs, liftedMs = Infinity }: { untilMs: number; liftedMs?: number }): Use {
  const limit = createRateLimit(account.perMinute);
  const random = randomOf(account.seed);
  const [sentMs, refusedMs, letIn]: number[][] = [[], [], []];
  const flights: Flight[] = [];
  let refusedInARow = 0;

  const land = ({ backMs, waitMs }: Flight): void => {
    refusedInARow = waitMs > 0 ? refusedInARow + 1 : 0;
    if (waitMs === 0) return;
    refusedMs!.push(backMs);
    limit.slowDown(backMs);
    const pauseMs = account.namesTime ? waitMs : random() * 1_000 * 2 ** Math.min(refusedInARow - 1, 6);
    limit.pause(backMs + pauseMs + random() * 1_000);
  };
  const askServer = (nowMs: number): number => {
    if (nowMs >= liftedMs) return 0;
    const first = letIn!.at(-account.allowedPerMinute) ?? -Infinity;
    if (nowMs - first < 60_000) return first + 60_000 - nowMs;
    letIn!.push(nowMs);
    return 0;
  };

  for (let nowMs = 0; nowMs < untilMs;) {
    while (flights[0] !== undefined && flights[0].backMs <= nowMs) land(flights.shift()!);
    const nextBackMs = flights[0]?.backMs ?? Infinity;
    const waitMs = flights.length === CALLERS ? Infinity : limit.take(nowMs);
    if (waitMs > 0) {
      nowMs = Math.min(nowMs + waitMs, nextBackMs);
      continue;
    }
    sentMs!.push(nowMs);
    flights.push({ backMs: nowMs + account.latencyMs, waitMs: askServer(nowMs) });
  }
  return { sentMs: sentMs!, refusedMs: refusedMs! };
}

/** The minimal standard generator of Park and Miller, 0 to 1. */
function randomOf(seed: number): () => number {
  let state = (Math.abs(seed) % 2_147_483_646) + 1;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}
