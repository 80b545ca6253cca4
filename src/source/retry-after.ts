import { PAUSE_MAX_MS } from './rate-limit.ts';

const BACKOFF_BASE_MS = 1_000;

/** The longest rest we choose ourselves, and the longest one that is sat out inside a call. */
export const REST_MAX_MS = 5 * 60_000;

/**
 * How long an answer asks us to wait, in ms; `undefined` if it does not ask or asks nonsense: text,
 * nothing, the past, or more than an hour. The caller then backs off.
 *
 * `Retry-After` (seconds or an HTTP date) wins over `x-ratelimit-reset` (seconds or an epoch).
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-retry-after
 *
 * UNVERIFIED: whether Work Analytics sends either. Its documentation knows no 429; sibling 8x8 APIs send the
 * one or the other. A throttled live account would settle it.
 */
export function askedWaitMs(headers: Headers, nowMs: number): number | undefined {
  const waits = [retryAfterMs(headers.get('retry-after'), nowMs), resetMs(headers.get('x-ratelimit-reset'), nowMs)];
  return waits.find((waitMs) => waitMs !== undefined && waitMs > 0 && waitMs <= PAUSE_MAX_MS);
}

/** Exponential backoff with full jitter: anything from 0 to 1 s, 2 s, 4 s, ... at most five minutes. */
export function backoffMs(attemptNumber: number, random: () => number): number {
  return random() * Math.min(BACKOFF_BASE_MS * 2 ** (attemptNumber - 1), REST_MAX_MS);
}

/** A date of HTTP, in ms; `undefined` if it is none: `Date.parse` also takes "-5" and "soon 1" for dates. */
export function parseHttpDate(text: string | null): number | undefined {
  if (!/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text ?? '')) return undefined;
  const ms = Date.parse(text ?? '');
  return Number.isNaN(ms) ? undefined : ms;
}

function retryAfterMs(text: string | null, nowMs: number): number | undefined {
  const seconds = readSeconds(text);
  if (seconds !== undefined) return seconds * 1_000;
  const untilMs = parseHttpDate(text);
  return untilMs === undefined ? undefined : untilMs - nowMs;
}

/** Seconds from now, an epoch in seconds or one in milliseconds: the three are a thousandfold apart. */
function resetMs(text: string | null, nowMs: number): number | undefined {
  const value = readSeconds(text);
  if (value === undefined) return undefined;
  if (value > 1e12) return value - nowMs;
  if (value > 1e9) return value * 1_000 - nowMs;
  return value * 1_000;
}

function readSeconds(text: string | null): number | undefined {
  return /^\d{1,14}(\.\d{1,9})?$/.test(text ?? '') ? Number(text) : undefined;
}
