import type { Shard } from '../feed/feed.ts';
import { totalsOf, type FeedState, type PastWindow, type RowTotals } from './feed-states.ts';
import { furthestFirst, isLagging, lagAllowedMs, lagMs, type Freshness } from './freshness.ts';
import type { Answer } from './health.ts';
import type { Build } from './metrics.ts';
import type { Arrivals } from './recent.ts';

/** What `/status` answers: all that a page about this process needs. Times are ISO texts; null is not known. */
export interface Status {
  readonly connector: Build & { readonly name: string; readonly guarantee: string };
  readonly at: string;
  readonly startedAt: string;
  readonly alive: Answer;
  readonly ready: Answer;
  readonly fresh: Answer & Freshness;
  readonly shards: {
    readonly owned: readonly Shard[];
    /** How many shards have feeds, here or elsewhere. */
    readonly of: number | null;
    readonly open: readonly Shard[];
    /** Of owned shards: why the last session was lost, until the next one is open. */
    readonly failures: readonly (Problem & { readonly shard: Shard })[];
  };
  /** The last request to 8x8. */
  readonly request: {
    readonly at: string;
    readonly status: number | string;
    readonly budgetPerMinute: number;
    readonly clockAheadSeconds: number | null;
  } | null;
  /** Of all feeds. */
  readonly totals: RowTotals;
  /** By this process, minute by minute, oldest first; the last minute is not over yet. */
  readonly published: readonly { readonly at: string; readonly events: number }[];
  /** How long after the end of its call a row was first seen, by feeds at the live edge. */
  readonly arrivals: readonly Arrivals[];
  /** At most {@link FEEDS_MAX}, the furthest behind first. */
  readonly feeds: readonly FeedStatus[];
  readonly feedsLeftOut: number;
}

export interface FeedStatus {
  readonly stream: string;
  readonly pbx: string;
  readonly state: 'unknown' | 'paused' | 'failing' | 'lagging' | 'fresh';
  readonly watermark: string | null;
  readonly lagSeconds: number | null;
  readonly lagAllowedSeconds: number;
  readonly polledAt: string | null;
  readonly failure: Problem | null;
  readonly silent: boolean;
  /** What became of rows since this process owns the feed; `rejected` are dead letters. */
  readonly totals: RowTotals;
  /** The latest ones, oldest first. */
  readonly windows: readonly {
    readonly from: string;
    readonly to: string;
    readonly state: PastWindow['state'];
    readonly rows: number;
    readonly at: string;
  }[];
}

/** An error by its class; the message names the cure. */
export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly at: string;
}

export const FEEDS_MAX = 1_000;

/** The feeds as the status shows them, and their sum. */
export function feedStatuses(
  states: readonly FeedState[],
  nowMs: number,
): Pick<Status, 'totals' | 'feeds' | 'feedsLeftOut'> {
  const feeds = furthestFirst(states).slice(0, FEEDS_MAX).map((state) => feedStatus(state, nowMs));
  const totals = totalsOf((name) => states.reduce((sum, state) => sum + state.totals[name], 0));
  return { totals, feeds, feedsLeftOut: states.length - feeds.length };
}

function feedStatus(state: FeedState, nowMs: number): FeedStatus {
  const { feed, watermarkMs, polledAtMs, failure, silence, totals, windows } = state;
  const behindMs = lagMs(state, nowMs);
  return {
    stream: feed.id.stream,
    pbx: feed.id.pbxId,
    state: stateOf(state, nowMs),
    watermark: iso(watermarkMs),
    lagSeconds: behindMs === undefined ? null : behindMs / 1_000,
    lagAllowedSeconds: lagAllowedMs(feed) / 1_000,
    polledAt: iso(polledAtMs),
    failure: failure === undefined ? null : problemOf(failure, failure.atMs),
    silent: silence?.suspicious ?? false,
    totals,
    windows: windows.map(({ from, to, state: how, rows, atMs }) =>
      ({ from: iso(from), to: iso(to), state: how, rows, at: iso(atMs) })),
  };
}

function stateOf(state: FeedState, nowMs: number): FeedStatus['state'] {
  if (state.watermarkMs === undefined) return 'unknown';
  if (state.paused) return 'paused';
  if (state.failure !== undefined) return 'failing';
  return isLagging(state, nowMs) ? 'lagging' : 'fresh';
}

export function problemOf({ code, message }: Pick<Problem, 'code' | 'message'>, atMs: number): Problem {
  return { code, message, at: iso(atMs) };
}

export function iso(ms: number): string;
export function iso(ms: number | undefined): string | null;
export function iso(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
