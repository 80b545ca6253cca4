import { BUCKETS, type DelayState } from '../feed/auto-pace.ts';
import { HOURS_OF_WEEK, HOUR_MS, type SilenceState } from '../feed/silence.ts';

/** Of `schemas/offset.avsc`. */
export interface SilenceValue {
  readonly quietSince: number;
  readonly hour: number;
  readonly hourRows: number;
  readonly tenths: readonly number[];
  readonly weeks: readonly number[];
}

export function silenceValue(silence: SilenceState | undefined): SilenceValue | null {
  if (silence === undefined) return null;
  const { profile, quietSinceMs: quietSince, hourMs: hour, hourRows } = silence;
  return { quietSince, hour, hourRows, ...profile };
}

/** @throws Error what is wrong with it: an hour before 1970 would be counted from there, hour by hour. */
export function silenceOf(value: SilenceValue | null): SilenceState | undefined {
  if (value === null) return undefined;
  const { quietSince, hour, hourRows, tenths, weeks } = value;
  const counts = [quietSince, hour, hourRows, ...tenths, ...weeks];
  const lengths = [tenths.length, weeks.length];
  const sound = counts.every((count) => count >= 0) && hour % HOUR_MS === 0
    && lengths.every((length) => length === lengths[0] && (length === 0 || length === HOURS_OF_WEEK));
  if (!sound) throw new Error('knows of a silence what cannot be');
  return { profile: { tenths, weeks }, quietSinceMs: quietSince, hourMs: hour, hourRows };
}

/** Of `schemas/offset.avsc`. */
export interface DelaysValue {
  readonly histogram: readonly number[];
  readonly settleMs: number;
  readonly tooShortMs: number;
  readonly since: number;
  readonly rows: number;
  readonly late: number;
  readonly lookbackMs: number;
  readonly lookbackSince: number;
}

export function delaysValue(delays: DelayState | undefined): DelaysValue | null {
  if (delays === undefined) return null;
  const { sinceMs: since, lookbackSinceMs: lookbackSince, ...rest } = delays.auto;
  return { histogram: delays.histogram, since, lookbackSince, ...rest };
}

/** @throws Error what is wrong with it. */
export function delaysOf(value: DelaysValue | null): DelayState | undefined {
  if (value === null) return undefined;
  const { histogram, since: sinceMs, lookbackSince: lookbackSinceMs, ...rest } = value;
  const sound = [...histogram, ...Object.values(rest)].every((count) => count >= 0)
    && (histogram.length === 0 || histogram.length === BUCKETS);
  if (!sound) throw new Error('knows of delays what cannot be');
  return { histogram, auto: { ...rest, sinceMs, lookbackSinceMs } };
}
