/** How long after their end rows were first seen, in milliseconds; null where there are none. */
export interface DelaySummary {
  /** Half of them came no later. */
  readonly delayP50Ms: number | null;
  readonly delayMaxMs: number | null;
}

export function summarizeDelays(delaysMs: readonly number[]): DelaySummary {
  const sorted = delaysMs.toSorted((a, b) => a - b);
  return { delayP50Ms: sorted[Math.floor((sorted.length - 1) / 2)] ?? null, delayMaxMs: sorted.at(-1) ?? null };
}
