import type { FeedId, Shard } from '../feed/feed.ts';
import type { FeedOffset, OffsetStep } from '../feed/offset.ts';
import type { BusEvent } from '../streams/stream.ts';

/** One all-or-nothing step of a feed: its events become visible together with the offset that says so. */
export interface Commit {
  readonly feed: FeedId;
  readonly events: readonly BusEvent[];
  readonly step: OffsetStep;
}

/** Where the events of one pass go. Every implementation must pass `test/sink/sink.contract.ts`. */
export interface Sink {
  /** What `commit` can promise on this bus. Without transactions: events first, then the offset. */
  readonly guarantee: 'exactly-once' | 'at-least-once';

  /** In how many shards the feeds are split. */
  readonly shardCount: number;

  /**
   * Proves that the bus can be reached and is set up as we need it, and sets it up where it may. Called once, first.
   *
   * @throws ConnectorError SINK_UNAVAILABLE when it cannot be reached, SINK_REFUSED when a person must act.
   */
  check(): Promise<void>;

  /** Yields the full set of shards this process owns, now and after every change, until `signal` aborts. */
  ownedShards(signal: AbortSignal): AsyncIterable<ReadonlySet<Shard>>;

  /**
   * Takes a shard over: first fences every earlier owner, then reads the
   * offsets. In that order nothing can be written behind what we have read.
   *
   * @throws ConnectorError `reopen` when the bus is down, `stop` when it refuses us or the offsets are unreadable.
   */
  openShard(shard: Shard): Promise<ShardSession>;

  /** Lets go of all that is held open. Sessions must be closed before. */
  close(): Promise<void>;
}

/** The exclusive right to publish for one shard. After a failed commit it is dead; open a new one. */
export interface ShardSession {
  /** The feed's last committed offset; `undefined` before its first commit. Nobody else keeps a copy. */
  offsetOf(feed: FeedId): FeedOffset | undefined;

  /** Every feed that has an offset in the shard, also those that nobody has configured. */
  offsets(): Iterable<FeedOffset>;

  /**
   * Gets events ready for a commit to come, while another is under way. It spares `commit` the work, and promises
   * nothing: it may be left out, and may be given events that are never committed.
   */
  stage(events: readonly BusEvent[]): void;

  /**
   * Makes the events and the offset visible together, or neither. One at a time.
   *
   * @throws ConnectorError `reopen` when another owner has taken the shard, or
   *   when the outcome cannot be known; `retry` when nothing was sent, because a replay cannot use its topic.
   */
  commit(commit: Commit): Promise<void>;

  /** Gives the right back. Never throws: a session may be dead already. */
  close(): Promise<void>;
}
