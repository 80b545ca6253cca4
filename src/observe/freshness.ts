import { feedName } from '../feed/feed.ts';
import type { Feed } from '../worker/poll.ts';
import type { FeedState } from './feed-states.ts';

/** Whether what is published is as new as it should be. */
export interface Freshness {
  readonly feeds: number;
  readonly lagging: number;
  /** The first of those that lag, the furthest behind first. */
  readonly problems: readonly string[];
}

/** So many polls may fail or be slow before a feed counts as lagging. */
const STEPS = 5;
const STEPS_MIN_MS = 60_000;

const PROBLEMS_MAX = 20;

/** How far a feed may be behind the clock. Where it finds its settle for itself, the longest one counts. */
export function lagAllowedMs({ pace, auto }: Pick<Feed, 'pace' | 'auto'>): number {
  return pace.lagMaxMs ?? (auto?.settleMaxMs ?? pace.settleMs) + Math.max(STEPS * pace.stepMinMs, STEPS_MIN_MS);
}

/** How far a feed is behind the clock; undefined as long as nobody knows. */
export function lagMs({ watermarkMs }: Pick<FeedState, 'watermarkMs'>, nowMs: number): number | undefined {
  return watermarkMs === undefined ? undefined : nowMs - watermarkMs;
}

/** A feed of which nobody knows where it stands counts as lagging, and so does one that a person has stand still. */
export function isLagging(state: FeedState, nowMs: number): boolean {
  return !((lagMs(state, nowMs) ?? Infinity) <= lagAllowedMs(state.feed));
}

export function judgeFreshness(states: readonly FeedState[], nowMs: number): Freshness {
  const lagging = furthestFirst(states.filter((state) => isLagging(state, nowMs)));
  const problems = lagging.slice(0, PROBLEMS_MAX).map((state) => {
    const [behindMs, name] = [lagMs(state, nowMs), feedName(state.feed.id)];
    if (behindMs === undefined) return `${name}: not opened yet`;
    const seconds = [behindMs, lagAllowedMs(state.feed)].map((ms) => Math.round(ms / 1_000));
    return `${name}: ${seconds[0]} s behind, ${seconds[1]} s allowed${state.paused ? '; it is paused' : ''}`;
  });
  return { feeds: states.length, lagging: lagging.length, problems };
}

export function furthestFirst(states: readonly FeedState[]): readonly FeedState[] {
  return states.toSorted((a, b) => (a.watermarkMs ?? -Infinity) - (b.watermarkMs ?? -Infinity) || 0);
}
