/** What the last 429 that counted has taught us. Parts are parts of the configured rate, 0 to 1. */
export interface Throttle {
  readonly atMs: number;
  /** Where the part fell to. */
  readonly low: number;
  /** Where it rests on its way up again. */
  readonly aim: number;
}

/** The part falls to this much of itself, and rests a little below what was too much. */
const FALL_TO = 0.7;
const AIM_AT = 0.95;

/** The time of the climb from {@link FALL_TO} to the full rate, if it rested there. */
const CLIMB_MS = 30 * 60_000;

/**
 * A round of requests and what 8x8 says to it. 429s within one count once: those in flight, and those of a server
 * that holds against us for a minute what went out before the fall.
 */
const ROUND_MS = 60_000;

/**
 * The part falls once a round.
 *
 * @param least the part below which it never falls
 */
export function fall(last: Throttle | undefined, nowMs: number, least: number): Throttle {
  if (last !== undefined && nowMs - last.atMs < ROUND_MS) return last;
  const from = partAt(last, nowMs);
  const low = Math.max(from * FALL_TO, Math.min(least, 1));
  return { atMs: nowMs, low, aim: Math.max(from * AIM_AT, low) };
}

/**
 * The part of the configured rate that may be used, by the curve of CUBIC: steep at first, flat where the last 429
 * came, then steeper and steeper, for 8x8's limit may have been lifted. An hour after the last 429 it is 1.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9438#name-cubic-window-increase
 */
export function partAt(throttle: Throttle | undefined, nowMs: number): number {
  if (throttle === undefined) return 1;
  const { atMs, low, aim } = throttle;
  const flatAfterMs = CLIMB_MS * Math.cbrt((aim - low) / (1 - FALL_TO));
  return Math.min(aim + (1 - FALL_TO) * ((nowMs - atMs - flatAfterMs) / CLIMB_MS) ** 3, 1);
}
