import type { ErrorCode } from '../errors.ts';
import { feedName } from '../feed/feed.ts';
import type { SilenceReport } from '../feed/learnt.ts';
import { LIVE } from '../feed/pass.ts';
import type { Window } from '../feed/window.ts';
import type { Feed } from '../worker/poll.ts';
import type { PollReport } from '../worker/report.ts';
import type { Standing, WorkerEvent } from '../worker/worker.ts';

/**
 * A window that a feed has gone through. `late`: rows were in it that the feed had passed before; else `reread`: it was
 * a sweep, or 8x8 was asked again because it had shown too little; else `done`. `gap`: 8x8 no longer keeps it.
 */
export interface PastWindow extends Window {
  readonly state: 'done' | 'late' | 'reread' | 'gap';
  readonly rows: number;
  /** When it was done, epoch milliseconds. */
  readonly atMs: number;
}

/** What became of rows since this process owns the feed. */
export type RowTotals = Readonly<Record<(typeof ROW_COUNTS)[number], number>>;
const ROW_COUNTS = ['rows', 'published', 'corrected', 'late', 'beyond', 'rejected', 'repeats', 'outside'] as const;

/** Why the last poll of a feed has failed; the message names the cure. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly atMs: number;
}

/** What is known of a live feed that is ours. */
export interface FeedState {
  readonly feed: Feed;
  /** Undefined until its shard is open: nobody knows where it stands. */
  readonly watermarkMs: number | undefined;
  /** A person has it stand still. */
  readonly paused: boolean;
  readonly polledAtMs: number | undefined;
  readonly failure: Failure | undefined;
  readonly seen: number | undefined;
  readonly silence: SilenceReport | undefined;
  readonly totals: RowTotals;
  /** The latest ones, oldest first. */
  readonly windows: readonly PastWindow[];
}

/** The feeds that are ours, and how they stand: gauges, freshness and status are made from it. */
export interface FeedStates {
  readonly onEvent: (event: WorkerEvent) => void;
  all(): readonly FeedState[];
  /** By PBX: how many calls wait for something. */
  pendingCalls(): ReadonlyMap<string, number>;
}

const WINDOWS_MAX = 20;

export function createFeedStates(nowMs: () => number): FeedStates {
  const states = new Map<string, FeedState>();
  const pending = new Map<string, number>();
  let owned: ReadonlySet<string> | undefined;
  let outside = false;

  // A poll that ends after its shard was lost must not bring its feed back.
  const isOurs = ({ id }: Feed): boolean => id.pass === LIVE && owned?.has(feedName(id)) !== false;
  const change = (feed: Feed, next: (state: FeedState) => FeedState): void => {
    const name = feedName(feed.id);
    if (isOurs(feed)) states.set(name, next(states.get(name) ?? unknown(feed)));
  };
  const own = (feeds: readonly Feed[]): void => {
    // Out of the group nobody may be at work on our feeds, and their lag must be seen to grow.
    if (outside) return;
    owned = new Set(feeds.map(({ id }) => feedName(id)));
    for (const name of states.keys()) if (!owned.has(name)) states.delete(name);
    for (const feed of feeds) change(feed, (state) => ({ ...state, feed }));
    const pbxIds = feeds.map(({ id }) => id.pbxId);
    for (const pbxId of pending.keys()) if (!pbxIds.includes(pbxId)) pending.delete(pbxId);
  };
  const open = ({ feed, watermarkMs, paused }: Standing): void => {
    change(feed, (state) => ({ ...state, watermarkMs, paused }));
    pending.delete(feed.id.pbxId); // calls wait in the memory of a session
  };

  return {
    onEvent(event) {
      if (event.kind === 'polled') change(event.feed, (state) => afterPoll(state, event.report, nowMs()));
      else if (event.kind === 'poll-failed') {
        const { code, message } = event.error;
        change(event.feed, (state) => ({ ...state, failure: { code, message, atMs: nowMs() } }));
      } else if (event.kind === 'gap') change(event.feed, (state) => afterGap(state, event.gap, nowMs()));
      else if (event.kind === 'calls' && isOurs(event.feed)) pending.set(event.feed.id.pbxId, event.report.pending);
      else if (event.kind === 'shards-owned') own(event.feeds);
      else if (event.kind === 'shard-opened') event.feeds.forEach(open);
      else if (event.kind === 'group-left') outside = true;
      else if (event.kind === 'group-joined') outside = false;
    },
    all: () => [...states.values()],
    pendingCalls: () => pending,
  };
}

function unknown(feed: Feed): FeedState {
  return {
    feed, watermarkMs: undefined, paused: false, polledAtMs: undefined, failure: undefined, seen: undefined,
    silence: undefined, totals: totalsOf(() => 0), windows: [],
  };
}

function afterPoll(state: FeedState, report: PollReport, atMs: number): FeedState {
  const { window, watermarkMs, seen, silence, rows } = report;
  const totals = totalsOf((name) => state.totals[name] + report[name]);
  const past = { ...window, state: stateOf(state.feed, report), rows, atMs };
  return {
    ...state, watermarkMs, seen, silence, totals,
    polledAtMs: atMs, failure: undefined, windows: withWindow(state, past),
  };
}

function afterGap(state: FeedState, gap: Window, atMs: number): FeedState {
  return { ...state, watermarkMs: gap.to, windows: withWindow(state, { ...gap, state: 'gap', rows: 0, atMs }) };
}

/** Each count, by its name. */
export function totalsOf(countOf: (name: keyof RowTotals) => number): RowTotals {
  return Object.fromEntries(ROW_COUNTS.map((name) => [name, countOf(name)])) as RowTotals;
}

function withWindow({ windows }: FeedState, window: PastWindow): readonly PastWindow[] {
  return [...windows, window].slice(-WINDOWS_MAX);
}

function stateOf({ pace }: Feed, { window, fromWatermarkMs, late, attempts }: PollReport): PastWindow['state'] {
  if (late > 0) return 'late';
  return attempts > 1 || window.from < fromWatermarkMs - pace.overlapMs ? 'reread' : 'done';
}
