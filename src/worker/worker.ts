import type { Clock } from '../clock.ts';
import { ConnectorError, reactionTo } from '../errors.ts';
import type { SignalAnswer } from '../feed/ask.ts';
import { shardOf, type Shard } from '../feed/feed.ts';
import type { Window } from '../feed/window.ts';
import type { Sink } from '../sink/sink.ts';
import type { Source } from '../source/source.ts';
import { CallDesk, type CallsReport } from './call-desk.ts';
import { oneAtATime } from './one-at-a-time.ts';
import { Groups } from './group.ts';
import { deepFeeds, passFeeds } from './passes.ts';
import type { Feed } from './poll.ts';
import type { PollReport } from './report.ts';
import { runShard, type Outcome, type ShardMemory } from './shard-loop.ts';

/** What a worker tells. Metrics, logs, health and the demo screen listen to it; the flow never calls them. */
export type WorkerEvent =
  | { readonly kind: 'polled'; readonly feed: Feed; readonly report: PollReport }
  | { readonly kind: 'poll-failed'; readonly feed: Feed; readonly error: ConnectorError }
  /** What has become of the calls of the feed's PBX. */
  | { readonly kind: 'calls'; readonly feed: Feed; readonly report: CallsReport }
  /** A span that 8x8 no longer keeps was passed unread. */
  | { readonly kind: 'gap'; readonly feed: Feed; readonly gap: Window }
  /** The shards that are ours now and have feeds, those feeds, and how many shards have feeds in all. */
  | {
    readonly kind: 'shards-owned';
    readonly shards: ReadonlySet<Shard>;
    readonly feeds: readonly Feed[];
    readonly of: number;
  }
  | {
    readonly kind: 'shard-opened';
    readonly shard: Shard;
    readonly durationMs: number;
    readonly seen: number;
    readonly feeds: readonly Standing[];
  }
  | { readonly kind: 'shard-failed'; readonly shard: Shard; readonly error: ConnectorError; readonly retryInMs: number }
  | { readonly kind: 'shard-closed'; readonly shard: Shard }
  /** Out of the group nothing is ours, until we are in it again. Told by the sink. */
  | { readonly kind: 'group-left'; readonly error: ConnectorError }
  | { readonly kind: 'group-joined' }
  /** What became of a signal. Told by who reads them. */
  | { readonly kind: 'signal-answered'; readonly answer: SignalAnswer };

/** Where a live feed stands when its shard is opened. */
export interface Standing {
  readonly feed: Feed;
  readonly watermarkMs: number;
  readonly paused: boolean;
}

export interface WorkerOptions {
  readonly feeds: readonly Feed[];
  readonly source: Source;
  readonly sink: Sink;
  readonly clock: Clock;
  /** How many feeds one request may read when requests are short; absent: each is read alone. */
  readonly groupMax?: number;
  /** Spreads the reopening of many shards; from 0 to 1, as Math.random. */
  readonly random: () => number;
  readonly listen: (event: WorkerEvent) => void;
}

/** Time between losing a session and opening the next: doubled from first to last, then kept. */
const REOPEN_MIN_MS = 100;
const REOPEN_MAX_MS = 10_000;

/**
 * A fenced session means that another worker believes the shard is its own. The group tells which of us is
 * wrong; reopening before it has spoken would fence the rightful owner in turn.
 */
const FENCED_REST_MS = 2_000;

interface RunningShard {
  readonly stop: () => void;
  readonly ended: Promise<void>;
}

/**
 * Polls every feed of every shard that the sink says is ours, until `signal` aborts.
 *
 * @throws ConnectorError `stop`, or an error that nobody foresaw: one shard's ends the whole worker.
 */
export async function runWorker(options: WorkerOptions, signal: AbortSignal): Promise<void> {
  const { feeds, sink, listen } = options;
  const failure = new AbortController();
  const either = AbortSignal.any([signal, failure.signal]);
  const feedsOf = Map.groupBy(feeds, (feed) => shardOf(feed.id, sink.shardCount));
  const running = new Map<Shard, RunningShard>();

  const start = (shard: Shard, previous: Promise<void> | undefined): void => {
    const stop = new AbortController();
    const ended = Promise.resolve(previous)
      .then(() => keepShard(shard, feedsOf.get(shard)!, options, AbortSignal.any([either, stop.signal])))
      .catch((error: unknown) => failure.abort(error));
    running.set(shard, { stop: () => stop.abort(), ended });
  };

  const ending = new Map<Shard, Promise<void>>();
  const follow = (owned: ReadonlySet<Shard>): void => {
    const shards = new Set([...owned].filter((shard) => feedsOf.has(shard)));
    for (const [shard, loop] of running) {
      if (shards.has(shard)) continue;
      loop.stop();
      ending.set(shard, loop.ended);
      running.delete(shard);
    }
    for (const shard of shards) if (!running.has(shard)) start(shard, ending.get(shard));
    const ours = [...shards].flatMap((shard) => feedsOf.get(shard)!);
    listen({ kind: 'shards-owned', shards, feeds: ours, of: feedsOf.size });
  };

  try {
    for await (const owned of sink.ownedShards(either)) follow(owned);
  } catch (error) {
    failure.abort(error); // without the group nothing is ours, so nothing may go on
  }
  await Promise.all([...ending.values(), ...[...running.values()].map((loop) => loop.ended)]);
  if (failure.signal.aborted) throw failure.signal.reason;
}

/** Serves a shard until `signal` aborts: after `reopen`, fence and read again. There is no repair. */
async function keepShard(
  shard: Shard,
  feeds: readonly Feed[],
  options: WorkerOptions,
  signal: AbortSignal,
): Promise<void> {
  const { clock, random, listen } = options;
  let restMs = REOPEN_MIN_MS;
  const memories: ShardMemory = new Map();
  const groups = new Groups(options.groupMax ?? 1);
  const progressed = (): void => {
    restMs = REOPEN_MIN_MS;
  };
  while (!signal.aborted) {
    try {
      return await serveShard({ shard, feeds, memories, groups, progressed }, options, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ConnectorError) || reactionTo(error) === 'stop') throw error;
      const retryInMs = Math.max(restMs * (0.5 + random() / 2), error.code === 'SINK_FENCED' ? FENCED_REST_MS : 0);
      listen({ kind: 'shard-failed', shard, error, retryInMs });
      await clock.sleepUntil(clock.nowMs() + retryInMs, signal);
      restMs = Math.min(restMs * 2, REOPEN_MAX_MS);
    }
  }
}

interface Service {
  readonly shard: Shard;
  readonly feeds: readonly Feed[];
  readonly memories: ShardMemory;
  readonly groups: Groups;
  /** Called after each poll that came to its end. */
  readonly progressed: () => void;
}

/** One session of a shard, from its opening to its end. */
async function serveShard(
  { shard, feeds, memories, groups, progressed }: Service,
  { sink, source, clock, listen }: WorkerOptions,
  signal: AbortSignal,
): Promise<void> {
  const startedMs = clock.nowMs();
  const session = await sink.openShard(shard);
  try {
    const seen = feeds.reduce((sum, feed) => sum + (session.offsetOf(feed.id)?.seenCount ?? 0), 0);
    const standing = (feed: Feed): Standing => {
      const { watermarkMs = feed.originMs, state } = session.offsetOf(feed.id) ?? {};
      return { feed, watermarkMs, paused: state === 'PAUSED' };
    };
    const durationMs = clock.nowMs() - startedMs;
    listen({ kind: 'shard-opened', shard, durationMs, seen, feeds: feeds.map(standing) });

    const report = (feed: Feed, outcome: Outcome): void => {
      if (outcome instanceof ConnectorError) return listen({ kind: 'poll-failed', feed, error: outcome });
      progressed();
      if ('calls' in outcome) listen({ kind: 'calls', feed, report: outcome.calls });
      else if ('gap' in outcome) listen({ kind: 'gap', feed, ...outcome });
      else listen({ kind: 'polled', feed, report: outcome });
    };
    // Side by side, so that a pass over history never has the live feeds wait for a page of its own.
    const shared = oneAtATime(session);
    const desks = new Map(feeds.flatMap(({ id, callLegCount: rule }) =>
      (rule === undefined ? [] : [[id.pbxId, new CallDesk(id, rule)] as const])));
    const lanes = [feeds, [...deepFeeds(feeds), ...passFeeds(feeds, session)]].filter(({ length }) => length > 0);
    await together(lanes.map((lane) => (either) => {
      const state = lane === feeds ? { memories, desks, groups } : { memories };
      return runShard(lane, { source, session: shared, clock, signal: either }, report, state);
    }), signal);
  } finally {
    await session.close();
    listen({ kind: 'shard-closed', shard });
  }
}

/** Runs all until they end; the first that fails stops the others, and its error is thrown when they have stopped. */
async function together(acts: readonly ((signal: AbortSignal) => Promise<void>)[], signal: AbortSignal): Promise<void> {
  const failure = new AbortController();
  const either = AbortSignal.any([signal, failure.signal]);
  await Promise.all(acts.map((act) => act(either).catch((error: unknown) => failure.abort(error))));
  if (failure.signal.aborted) throw failure.signal.reason;
}
