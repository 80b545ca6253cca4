import type { Registry } from 'prom-client';
import { systemClock, type Clock } from './clock.ts';
import { originMs, type Config } from './config.ts';
import { createHealth, type Health } from './observe/health.ts';
import { createMetrics, type RequestReport } from './observe/metrics.ts';
import type { ConnectorError } from './errors.ts';
import { LIVE } from './feed/pass.ts';
import { openSink, openSource } from './parts.ts';
import type { Sink } from './sink/sink.ts';
import type { Source } from './source/source.ts';
import { streams } from './streams/index.ts';
import type { Feed } from './worker/poll.ts';
import { runWorker, type WorkerEvent } from './worker/worker.ts';

export { loadConfig, type Config } from './config.ts';
export { ConnectorError, reactionTo, type ErrorCode, type Reaction } from './errors.ts';
export type { FeedId, Shard, StreamName } from './feed/feed.ts';
export { OffsetState, recordKey, restoreOffsets } from './feed/offset.ts';
export type { FeedOffset, HeadRecord, OffsetRecord, OffsetStep, SeenEntry } from './feed/offset.ts';
export type { Pace, Window } from './feed/window.ts';
export type { Commit, ShardSession, Sink } from './sink/sink.ts';
export { MemorySink } from './sink/memory.ts';
export type { Reading, ReadRequest, RowPage, Source } from './source/source.ts';
export type { CallLeg } from './streams/call-legs.ts';
export type { CallRecord } from './streams/call-records.ts';
export type { DriftEvent, LedgerEntry, WatermarkEvent } from './streams/audit.ts';
export type { RejectedRow } from './streams/rejected.ts';
export { changeOffsets, followHeads, readLedger, readOffsets } from './operate.ts';
export type { BusEvent, RawRow, Stream } from './streams/stream.ts';
export type { Feed } from './worker/poll.ts';
export type { PollReport } from './worker/report.ts';
export type { Clock, WorkerEvent };

export interface ConnectorOptions {
  /** From {@link loadConfig}. */
  readonly config: Config;
  /** Instead of 8x8 itself: whatever yields the rows of a window. */
  readonly source?: Source;
  /** Instead of Kafka. It must keep the promises of {@link Sink}. */
  readonly sink?: Sink;
  readonly clock?: Clock;
  /** Hears everything that the connector tells: each poll, each failure, each shard. */
  readonly listen?: (event: WorkerEvent) => void;
  /** What kafkajs says, for debugging. */
  readonly onSinkLog?: (message: string) => void;
}

export interface Connector {
  readonly feeds: readonly Feed[];
  /** prom-client's registry with all metrics of this connector. */
  readonly metrics: Registry;
  readonly health: Health;

  /**
   * Proves that 8x8, Kafka and the registry are there and accept us. Call it once, before `run`.
   *
   * @throws ConnectorError: what is wrong, where, and the cure.
   */
  check(signal: AbortSignal): Promise<void>;

  /** Reads and publishes until `signal` aborts. @throws ConnectorError `stop` when only a person can help. */
  run(signal: AbortSignal): Promise<void>;
}

/**
 * Joins the parts: the only place where they are chosen.
 *
 * @throws ConnectorError CONFIG_INVALID
 */
export function createConnector(options: ConnectorOptions): Connector {
  const { config, clock = systemClock } = options;
  const metrics = createMetrics(clock.nowMs);
  const onRequest = (request: RequestReport): void => {
    metrics.onRequest(request);
    health.onRequest();
  };
  const budgeted = options.source === undefined ? openSource(config, clock, onRequest) : undefined;
  const source = options.source ?? budgeted!;
  const onMembership = (error?: ConnectorError): void =>
    listen(error === undefined ? { kind: 'group-joined' } : { kind: 'group-left', error });
  const onLog = options.onSinkLog ?? (() => undefined);
  const ears = { onTransaction: metrics.onTransaction, onMembership, onLog };
  const sink = options.sink ?? openSink(config, ears);
  const health = createHealth(sink.guarantee, clock.nowMs);
  const feeds = planFeeds(config, clock.nowMs());

  const listen = (event: WorkerEvent): void => {
    if (event.kind === 'shards-owned') budgeted?.setShare(event.shards.size / event.of);
    metrics.onEvent(event);
    health.onEvent(event);
    options.listen?.(event);
  };
  return {
    feeds,
    metrics: metrics.registry,
    health,
    async check(signal) {
      try {
        await source.check(signal);
        await sink.check();
      } catch (error) {
        await sink.close();
        throw error;
      }
    },
    async run(signal) {
      try {
        await runWorker({ feeds, source, sink, clock, random: Math.random, listen }, signal);
      } finally {
        await sink.close();
      }
    },
  };
}

function planFeeds({ connector, source, pace, auto }: Config, nowMs: number): readonly Feed[] {
  const { rejectedPayload } = connector;
  const from = originMs(connector.startFrom, nowMs);
  return streams
    .filter(({ name }) => source.streams.includes(name))
    .flatMap((stream) => source.pbxIds.map((pbxId) => {
      const id = { stream: stream.name, pbxId, pass: LIVE };
      return { id, stream, pace, auto, originMs: from, rejectedPayload };
    }));
}
