import { OVERLAP_MIN_MS, type Pace } from './window.ts';

/** Name of the pass that never ends. */
export const LIVE = 'live';

/** `PAUSED`: it stands still until a person lets it go on. `CANCELLED`: it has ended before its time. */
export type FeedState = 'RUNNING' | 'PAUSED' | 'CANCELLED';

/** What a pass over history was asked for: calls that ended within `[fromMs, endMs)`. */
export interface PassPlan {
  readonly fromMs: number;
  readonly endMs: number;
  /** It publishes again on purpose, also what the live pass has published. */
  readonly replay: boolean;
  /** Where a replay puts its rows, instead of the topic of their stream. */
  readonly topic?: string;
}

/** What Kafka takes for the name of a topic. */
export const TOPIC_NAME = /^[\w.-]{1,249}$/;

/**
 * Up to where a pass reads. Behind its end, so that a row in the seam to the live pass lies well inside a window,
 * whichever way 8x8 reads its bounds; what ends there is not published.
 */
export function readToMs({ endMs }: Pick<PassPlan, 'endMs'>): number {
  return endMs + OVERLAP_MIN_MS;
}

/** History does not move any more: each window is read once, and not swept. */
export function passPace(pace: Pace): Pace {
  return { ...pace, lookbackMs: pace.overlapMs };
}

/** How far a pass has come, 0 to 1. */
export function progressOf(watermarkMs: number, plan: PassPlan): number {
  return Math.min(1, Math.max(0, watermarkMs - plan.fromMs) / Math.max(1, readToMs(plan) - plan.fromMs));
}
