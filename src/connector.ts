import type { Registry } from 'prom-client';
import { systemClock, type Clock } from './clock.ts';
import { originMs, type Config } from './config.ts';
import { createHealth, type Health } from './observe/health.ts';
import { createMetrics, type Metrics, type RequestReport } from './observe/metrics.ts';
import { ConnectorError } from './errors.ts';
import { shardOf } from './feed/feed.ts';
import { KafkaSink, type KafkaSinkOptions } from './sink/kafka.ts';
import { readLedger as readEntries } from './sink/kafka-ledger.ts';
import { readOffsets as readShown, type ShownOffset } from './sink/kafka-show.ts';
import type { OffsetReset, ResetReport } from './sink/kafka-reset.ts';
import type { Sink } from './sink/sink.ts';
import type { LedgerEntry } from './streams/audit.ts';
import type { Source } from './source/source.ts';
import { createWorkAnalytics } from './source/work-analytics.ts';
import { streams } from './streams/index.ts';
import type { Feed } from './worker/poll.ts';
import { runWorker, type WorkerEvent } from './worker/worker.ts';

export { loadConfig, type Config } from './config.ts';
export { ConnectorError, reactionTo, type ErrorCode, type Reaction } from './errors.ts';
export type { FeedId, Shard, StreamName } from './feed/feed.ts';
export { OffsetState, recordKey, restoreOffsets, type FeedOffset, type OffsetRecord } from './feed/offset.ts';
export type { OffsetStep, SeenEntry } from './feed/offset.ts';
export type { Pace, Window } from './feed/window.ts';
export type { Commit, ShardSession, Sink } from './sink/sink.ts';
export { MemorySink } from './sink/memory.ts';
export type { Reading, ReadRequest, RowPage, Source } from './source/source.ts';
export type { CallLeg } from './streams/call-legs.ts';
export type { CallRecord } from './streams/call-records.ts';
export type { DriftEvent, LedgerEntry, WatermarkEvent } from './streams/audit.ts';
export type { RejectedRow } from './streams/rejected.ts';
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

function planFeeds({ connector, source, pace }: Config, nowMs: number): readonly Feed[] {
  const { rejectedPayload } = connector;
  const from = originMs(connector.startFrom, nowMs);
  return streams
    .filter(({ name }) => source.streams.includes(name))
    .flatMap((stream) => source.pbxIds.map((pbxId) => {
      const id = { stream: stream.name, pbxId, pass: 'live' };
      return { id, stream, pace, originMs: from, rejectedPayload };
    }));
}

function openSource(
  config: Config,
  clock: Clock,
  onRequest: Metrics['onRequest'],
): ReturnType<typeof createWorkAnalytics> {
  const { isConnectTime, isSimplified, caller, callee, callerOrCallee, ...source } = config.source;
  const filters = Object.entries({ caller, callee, callerOrCallee }).filter(([, extensions]) => extensions !== '');
  return createWorkAnalytics({
    ...source,
    credentials: config.credentials,
    parameters: {
      isConnectTime: String(isConnectTime),
      isSimplified: String(isSimplified),
      ...Object.fromEntries(filters),
    },
    clock,
    random: Math.random,
    onRequest,
  });
}

/**
 * Sets where a feed continues from. It needs no 8x8, and workers may run: the one that owns the feed is fenced and
 * goes on from the new offset.
 *
 * @throws ConnectorError when Kafka or the registry cannot be reached or refuse us, or nobody gives us the shard.
 */
export async function resetOffset(config: Config, reset: OffsetReset): Promise<ResetReport> {
  const stop = new AbortController();
  const sink = openSink(config, { groupId: `${config.connector.name}.${reset.feed.pass}.reset` });
  try {
    await sink.check();
    const shard = shardOf(reset.feed, sink.shardCount);
    for await (const shards of sink.ownedShards(stop.signal)) if (shards.has(shard)) break;
    return await sink.resetOffset(reset);
  } finally {
    stop.abort();
    await sink.close();
  }
}

/**
 * Every entry of the ledger whose window ends at `fromMs` or later. It needs no 8x8, and workers may run.
 *
 * @throws ConnectorError CONFIG_INVALID when the ledger is switched off; SINK_UNAVAILABLE, SINK_REFUSED.
 */
export async function readLedger({ kafka, registry, connector }: Config, fromMs: number): Promise<LedgerEntry[]> {
  const topic = orNone(kafka.topicLedger);
  if (topic === undefined) throw new ConnectorError('CONFIG_INVALID', 'KAFKA_TOPIC_LEDGER: it is off, so none is kept');
  const { brokers } = kafka;
  return readEntries({ brokers, connector: connector.name, topic, registry }, fromMs);
}

/** Where every live feed stands. It needs no 8x8, takes nothing over, and workers may run. */
export async function readOffsets({ kafka, registry, connector }: Config): Promise<readonly ShownOffset[]> {
  const { brokers, topicOffsets: topic } = kafka;
  return readShown({ brokers, connector: connector.name, pass: 'live', topic, registry });
}

function orNone(topic: string): string | undefined {
  return topic === 'off' ? undefined : topic;
}

function openSink(
  config: Config,
  options: Pick<KafkaSinkOptions, 'onTransaction' | 'onMembership' | 'onLog' | 'groupId'>,
): KafkaSink {
  const { kafka, registry, connector } = config;
  return new KafkaSink({
    ...kafka,
    connector: connector.name,
    pass: 'live',
    topics: {
      'call-legs': kafka.topicCallLegs,
      'call-records': kafka.topicCallRecords,
      'call-legs.latest': orNone(kafka.topicCallLegsLatest),
      'call-records.latest': orNone(kafka.topicCallRecordsLatest),
      'rejected': kafka.topicRejected,
      'ledger': orNone(kafka.topicLedger),
      'watermarks': orNone(kafka.topicWatermarks),
      'drift': orNone(kafka.topicDrift),
      'offsets': kafka.topicOffsets,
    },
    create: kafka.createTopics,
    registry,
    ...options,
  });
}
