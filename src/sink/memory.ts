import { decideChange, type ChangeRequest, type Decision } from '../feed/change.ts';
import { feedName, shardOf, type FeedId, type Shard } from '../feed/feed.ts';
import { contentsOf } from '../feed/manifest.ts';
import {
  isTombstone, nextGeneration, OffsetState, recordKey, restoreOffsets, type OffsetRecord,
} from '../feed/offset.ts';
import { ConnectorError } from '../errors.ts';
import type { Commit, ShardSession, Sink } from './sink.ts';

/** What goes wrong with a commit: tests ask for it, nothing else does. */
export type Fault = 'none' | 'lost-before-commit' | 'lost-after-commit';

export interface MemorySinkOptions {
  readonly shardCount?: number;
  /** Decides the fate of the n-th commit, counted from 0 over all sessions. */
  readonly faultOf?: (index: number) => Fault;
  /** Called with each commit as it becomes visible. */
  readonly onCommit?: (commit: Commit) => void;
}

/**
 * The promises of a sink without a bus: for fast tests and for `run --dry-run`.
 *
 * It keeps offset records, not offsets, and a new session reads them back, as on Kafka. The events go to
 * `onCommit` and nowhere else.
 */
export class MemorySink implements Sink {
  readonly guarantee = 'exactly-once';
  readonly shardCount: number;
  /** As a compacted topic keeps them: the last record of each key, by shard. */
  readonly #records: readonly Map<string, OffsetRecord>[];
  readonly #epochs: number[];
  readonly #options: MemorySinkOptions;
  #commits = 0;

  constructor(options: MemorySinkOptions = {}) {
    this.#options = options;
    this.shardCount = options.shardCount ?? 1;
    this.#records = Array.from({ length: this.shardCount }, () => new Map());
    this.#epochs = Array.from({ length: this.shardCount }, () => 0);
  }

  async check(): Promise<void> {}

  async *ownedShards(signal: AbortSignal): AsyncIterable<ReadonlySet<Shard>> {
    yield new Set(this.#epochs.keys());
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  }

  async openShard(shard: Shard): Promise<ShardSession> {
    const epoch = (this.#epochs[shard]! += 1);
    const offsets = restoreOffsets(this.#records[shard]!.values());
    for (const [feed, offset] of offsets) {
      const contradiction = offset.contradiction();
      if (contradiction !== undefined) throw new ConnectorError('OFFSETS_INVALID', `${feed}: ${contradiction}`);
    }
    const generation = nextGeneration(offsets);
    let dead = false;

    return {
      offsetOf: (feed) => offsets.get(feedName(feed)),
      offsets: () => offsets.values(),
      stage: () => undefined,
      commit: async ({ feed, events, step }) => {
        if (dead) throw new ConnectorError('SINK_OUTCOME_UNKNOWN', `shard ${shard}: this session has failed before`);
        if (epoch !== this.#epochs[shard]) {
          dead = true;
          throw new ConnectorError('SINK_FENCED', `shard ${shard}: another session owns it now`);
        }
        const fault = this.#options.faultOf?.(this.#commits++) ?? 'none';
        const offset = offsets.get(feedName(feed)) ?? new OffsetState(feed, step.seenFromMs);
        const records = offset.recordsFor(step, contentsOf(generation, events));
        if (fault !== 'lost-before-commit') {
          for (const record of records) this.#keep(shard, record);
          this.#options.onCommit?.({ feed, events, step });
        }
        if (fault !== 'none') {
          dead = true;
          throw new ConnectorError('SINK_OUTCOME_UNKNOWN', `shard ${shard}: commit ${fault}`);
        }
        for (const record of records) offset.apply(record);
        offsets.set(feedName(feed), offset);
      },
      close: async () => {
        dead = true;
      },
    };
  }

  /** As on Kafka: whoever has the shard is fenced, and the feed goes on from what is decided. */
  changeOffset(feed: FeedId, request: ChangeRequest): Decision {
    const shard = shardOf(feed, this.shardCount);
    this.#epochs[shard]! += 1;
    const offsets = restoreOffsets(this.#records[shard]!.values());
    const decision = decideChange(offsets, feed, request);
    if ('unchanged' in decision) return decision;
    const number = 1_000_000 + this.#commits++;
    const state = offsets.get(feedName(feed)) ?? new OffsetState(feed, decision.change.watermarkMs ?? 0);
    for (const record of state.changeTo(decision.change, contentsOf(number, []), number)) this.#keep(shard, record);
    return decision;
  }

  async close(): Promise<void> {}

  #keep(shard: Shard, record: OffsetRecord): void {
    const records = this.#records[shard]!;
    records.delete(recordKey(record));
    if (!isTombstone(record)) records.set(recordKey(record), record);
  }
}
