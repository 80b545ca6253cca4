import { pieces } from './coverage.ts';
import type { Window } from './window.ts';

/**
 * How many rows a feed has in each hour of the week, in UTC; the first hour is that of Thursday, as 1970 began. Whole
 * numbers; none at all mean that nothing is known yet.
 */
export interface WeekProfile {
  /** Tenths of a row in an hour, a mean of the last weeks. */
  readonly tenths: readonly number[];
  /** How many weeks each hour is known from; no more than {@link WEEKS_MAX} are counted. */
  readonly weeks: readonly number[];
}

/** What a feed knows of its silence. */
export interface SilenceState {
  readonly profile: WeekProfile;
  /** Event time of the last row, or where the feed began: since then it is quiet. */
  readonly quietSinceMs: number;
  /** The hour that is counted, and its rows so far. Ahead where a feed begins: a part of an hour is not learnt. */
  readonly hourMs: number;
  readonly hourRows: number;
}

/** A silence, and whether it is more than chance. */
export interface Silence {
  /** Event time of the last row, or where the feed began. */
  readonly sinceMs: number;
  /** How many rows there should have been, at least. */
  readonly expectedRows: number;
  /** With more expected, silence is suspicious. */
  readonly limitRows: number;
  readonly suspicious: boolean;
}

export const HOUR_MS = 3_600_000;
export const HOURS_OF_WEEK = 168;
const WEEK_MS = HOURS_OF_WEEK * HOUR_MS;

/** From then on a new week counts a quarter: a holiday is soon forgotten, and a change of habits soon learnt. */
const WEEKS_MAX = 4;

/** An hour that is known from fewer weeks promises no rows. */
const WEEKS_MIN = 2;

/** A silence has taught all there is to learn by so many weeks, and need not be gone through from its beginning. */
const SILENT_WEEKS_MAX = 52;

/** One false alarm in so many weeks, were calls independent of one another. */
const QUIET_WEEKS = 1_000;

/** A feed that begins, or goes on behind a gap, which says nothing of the calls in it. */
export function beginSilence(profile: WeekProfile, atMs: number): SilenceState {
  return { profile, quietSinceMs: atMs, hourMs: Math.ceil(atMs / HOUR_MS) * HOUR_MS, hourRows: 0 };
}

/** The profile with one more hour, which begins at `hourStartMs`. */
export function learnHour({ tenths, weeks }: WeekProfile, hourStartMs: number, rows: number): WeekProfile {
  const hour = hourOfWeek(hourStartMs);
  const known = Math.min((weeks[hour] ?? 0) + 1, WEEKS_MAX);
  const before = tenths[hour] ?? 0;
  const after = Math.round(before + (10 * rows - before) / known);
  return {
    tenths: Array.from({ length: HOURS_OF_WEEK }, (_, index) => index === hour ? after : tenths[index] ?? 0),
    weeks: Array.from({ length: HOURS_OF_WEEK }, (_, index) => index === hour ? known : weeks[index] ?? 0),
  };
}

/**
 * What is known after the feed has read on over a span, from its old watermark to its new one. `timesMs` are the
 * event times of all rows received, also of those that were published before; what is outside the span is left out.
 *
 * Hours of silence are learnt when it is over: else an outage would lower what is expected of it while it lasts.
 */
export function passWindow(state: SilenceState, { from, to }: Window, timesMs: readonly number[]): SilenceState {
  const own = timesMs.filter((timeMs) => timeMs >= from && timeMs < to);
  if (own.length === 0) return state;
  let { profile, hourMs, hourRows } = state;
  const counted = (untilMs: number): number =>
    hourRows + own.filter((timeMs) => timeMs >= hourMs && timeMs < untilMs).length;
  const skippedMs = Math.floor((to - hourMs) / HOUR_MS) * HOUR_MS - SILENT_WEEKS_MAX * WEEK_MS;
  if (skippedMs > 0) [hourMs, hourRows] = [hourMs + skippedMs, 0];
  for (; hourMs + HOUR_MS <= to; hourMs += HOUR_MS) {
    profile = learnHour(profile, hourMs, counted(hourMs + HOUR_MS));
    hourRows = 0;
  }
  const quietSinceMs = own.reduce((latest, timeMs) => Math.max(latest, timeMs), state.quietSinceMs);
  return { profile, quietSinceMs, hourMs, hourRows: counted(to) };
}

/**
 * Judges the whole silence up to the watermark, however many windows it took.
 *
 * With n rows expected, none come with a chance of exp(-n). Each row begins a silence of its own, so a feed of many
 * rows has as many occasions for a false alarm: more must be expected, by the logarithm of its rows in a week.
 * Of silences that are longer than a week the last one is judged.
 */
export function judgeSilence({ profile, quietSinceMs }: SilenceState, watermarkMs: number): Silence {
  const span = { from: Math.min(Math.max(quietSinceMs, watermarkMs - WEEK_MS), watermarkMs), to: watermarkMs };
  const expectedRows = pieces(span, HOUR_MS)
    .reduce((sum, { from, to }) => sum + expectedIn(profile, from) * (to - from) / HOUR_MS, 0);
  const weekRows = profile.tenths.reduce((sum, tenths) => sum + tenths, 0) / 10;
  const limitRows = Math.log(QUIET_WEEKS * Math.max(weekRows, 1));
  return { sinceMs: quietSinceMs, expectedRows, limitRows, suspicious: expectedRows > limitRows };
}

/**
 * Rows in the hour of that time: the least of it and its two neighbours. When summer time begins or ends, a PBX does
 * everything an hour sooner or later by UTC; and nobody comes to work on the minute.
 */
function expectedIn({ tenths, weeks }: WeekProfile, timeMs: number): number {
  const hours = [-HOUR_MS, 0, HOUR_MS].map((shiftMs) => hourOfWeek(timeMs + shiftMs));
  return Math.min(...hours.map((hour) => (weeks[hour] ?? 0) < WEEKS_MIN ? 0 : tenths[hour]! / 10));
}

function hourOfWeek(timeMs: number): number {
  return Math.floor(timeMs / HOUR_MS) % HOURS_OF_WEEK;
}
