import { CompressionTypes, Kafka, logLevel, type Admin, type KafkaConfig, type PartitionMetadata } from 'kafkajs';
import { ConnectorError } from '../errors.ts';
import type { Shard } from '../feed/feed.ts';
import { streams } from '../streams/index.ts';
import { openCodec, type Codec, type RegistryOptions } from './avro.ts';
import { KafkaGroup } from './kafka-group.ts';
import { createPlacer, topicOf, type EventEncoder } from './kafka-messages.ts';
import type { OffsetsTopic } from './kafka-offsets.ts';
import { openKafkaSession, type SessionParts, type TransactionReport } from './kafka-session.ts';
import { prepareTopics, readPartitions, type TopicOptions } from './kafka-topics.ts';
import type { ShardSession, Sink } from './sink.ts';

export interface KafkaSinkOptions extends TopicOptions {
  /** Name of the connector: workers of one name share the feeds, and continue from its offsets. */
  readonly connector: string;
  readonly pass: string;
  readonly registry: RegistryOptions;
  readonly compression: 'none' | 'gzip';
  readonly transactionTimeoutMs: number;
  readonly sessionTimeoutMs: number;
  /** Transport and credentials, as kafkajs takes them. */
  readonly client?: Pick<KafkaConfig, 'ssl' | 'sasl'>;
  readonly onTransaction?: (report: TransactionReport) => void;
  /** What kafkajs says; most of it is said of errors that it then heals. */
  readonly onLog?: (message: string) => void;
}

/** What `check` finds out and everything after it needs. */
interface Prepared {
  readonly partitions: ReadonlyMap<string, PartitionMetadata[]>;
  readonly offsets: OffsetsTopic;
  readonly encoder: EventEncoder;
}

/** The sink on Kafka: shards are partitions of the offsets topic, a consumer group assigns them. */
export class KafkaSink implements Sink {
  readonly guarantee = 'exactly-once';
  readonly #options: KafkaSinkOptions;
  readonly #kafka: Kafka;
  readonly #admin: Admin;
  readonly #group: KafkaGroup;
  #prepared: Prepared | undefined;

  constructor(options: KafkaSinkOptions) {
    this.#options = options;
    this.#kafka = new Kafka({
      ...options.client,
      clientId: `8x8-connector-${options.connector}`,
      brokers: [...options.brokers],
      connectionTimeout: 5_000,
      requestTimeout: 10_000,
      retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 5 },
      logLevel: logLevel.WARN,
      logCreator: () => ({ namespace, log }) => options.onLog?.(`${namespace}: ${log.message}`),
    });
    this.#admin = this.#kafka.admin();
    this.#group = new KafkaGroup(this.#kafka, {
      groupId: `${options.connector}.${options.pass}`,
      offsetsTopic: options.topics.offsets,
      sessionTimeoutMs: options.sessionTimeoutMs,
    });
  }

  get shardCount(): number {
    return this.#ready().offsets.shardCount;
  }

  async check(): Promise<void> {
    const { topics, registry, connector, pass } = this.#options;
    const partitions = await this.#prepareTopics();
    const offsets = {
      topic: topics.offsets,
      connector,
      pass,
      shardCount: partitions.get(topics.offsets)!.length,
      codec: await openCodec(registry, `${topics.offsets}-value`, 'offset.avsc'),
    };
    const codecs: Record<string, Codec> = {
      rejected: await openCodec(registry, `${topics.rejected}-value`, 'rejected.avsc'),
    };
    for (const { name, schemaFile } of streams) {
      codecs[name] = await openCodec(registry, `${topicOf(topics, name)}-value`, schemaFile);
    }
    const placers = new Map([...partitions].map(([topic, list]) => [topic, createPlacer(list)]));
    this.#prepared = { partitions, offsets, encoder: { topics, codecs: codecs as EventEncoder['codecs'], placers } };
  }

  ownedShards(signal: AbortSignal): AsyncIterable<ReadonlySet<Shard>> {
    return this.#group.ownedShards(signal);
  }

  async openShard(shard: Shard): Promise<ShardSession> {
    const { offsets, encoder } = this.#ready();
    const { transactionTimeoutMs, compression, onTransaction } = this.#options;
    const parts: SessionParts = {
      kafka: this.#kafka,
      offsets,
      encoder,
      transactionTimeoutMs,
      compression: compression === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None,
      leaderOf: await this.#readLeaders(),
      read: (owned, isLast) => this.#group.read(owned, isLast),
      onTransaction: onTransaction ?? (() => undefined),
    };
    return openKafkaSession(parts, shard);
  }

  async close(): Promise<void> {
    await this.#group.leave();
    await this.#admin.disconnect();
  }

  async #prepareTopics(): Promise<ReadonlyMap<string, PartitionMetadata[]>> {
    try {
      await this.#admin.connect();
      return await prepareTopics(this.#admin, this.#options);
    } catch (error) {
      throw error instanceof ConnectorError ? error : unreachable(this.#options.brokers, error);
    }
  }

  /** Leaders are read anew for each session, for a session ends with the first error. */
  async #readLeaders(): Promise<SessionParts['leaderOf']> {
    try {
      const partitions = await readPartitions(this.#admin, [...this.#ready().partitions.keys()]);
      const leaders = new Map(
        [...partitions].flatMap(([topic, list]) => list.map((p) => [`${topic}/${p.partitionId}`, p.leader] as const)),
      );
      return (topic, partition) => leaders.get(`${topic}/${partition}`) ?? -1;
    } catch (error) {
      throw unreachable(this.#options.brokers, error);
    }
  }

  #ready(): Prepared {
    if (this.#prepared === undefined) throw new Error('KafkaSink: check() comes first');
    return this.#prepared;
  }
}

function unreachable(brokers: readonly string[], cause: unknown): ConnectorError {
  return new ConnectorError(
    'SINK_UNAVAILABLE',
    `Kafka at ${brokers.join(', ')} cannot be reached: ${(cause as Error).message}. ` +
      'Check KAFKA_BROKERS, that it runs, and that its advertised listeners can be reached from here',
    { cause },
  );
}
