import type { PollReport } from '../worker/report.ts';

/** How many events were published in a minute. */
export interface Minute {
  readonly atMs: number;
  readonly events: number;
}

/** How many rows were first seen within so many seconds after the end of their call; null: later than all others. */
export interface Arrivals {
  readonly upToSeconds: number | null;
  readonly rows: number;
}

/** What has happened of late, for plots. */
export interface Recent {
  readonly onPolled: (report: Pick<PollReport, 'published' | 'delaysMs'>) => void;
  /** Without a hole, oldest first; the last minute is not over yet. */
  minutes(): readonly Minute[];
  /** Of rows that feeds at the live edge have read. */
  arrivals(): readonly Arrivals[];
}

const MINUTE_MS = 60_000;
export const MINUTES_MAX = 120;

const UP_TO_SECONDS = [10, 30, 60, 120, 300, 600, 1_800, 3_600, 21_600, null] as const;

export function createRecent(nowMs: () => number): Recent {
  const rows = UP_TO_SECONDS.map(() => 0);
  let minutes: readonly Minute[] = [{ atMs: minuteOf(nowMs()), events: 0 }];

  /** Up to this minute; a clock that was set back stays in the last one. */
  const current = (): readonly Minute[] => {
    const atMs = minuteOf(nowMs());
    const first = Math.max(minutes.at(-1)!.atMs, atMs - MINUTES_MAX * MINUTE_MS) + MINUTE_MS;
    const more = Array.from({ length: Math.max((atMs - first) / MINUTE_MS + 1, 0) }, (_, index) =>
      ({ atMs: first + index * MINUTE_MS, events: 0 }));
    return (minutes = [...minutes, ...more].slice(-MINUTES_MAX));
  };

  return {
    onPolled({ published, delaysMs }) {
      const all = current();
      const last = all.at(-1)!;
      minutes = [...all.slice(0, -1), { ...last, events: last.events + published }];
      for (const delayMs of delaysMs) rows[bucketOf(delayMs / 1_000)]! += 1;
    },
    minutes: current,
    arrivals: () => UP_TO_SECONDS.map((upToSeconds, index) => ({ upToSeconds, rows: rows[index]! })),
  };
}

function bucketOf(seconds: number): number {
  return UP_TO_SECONDS.findIndex((upTo) => upTo === null || seconds <= upTo);
}

function minuteOf(ms: number): number {
  return Math.floor(ms / MINUTE_MS) * MINUTE_MS;
}
