import { CompressionTypes, Kafka, type Admin, type PartitionMetadata } from 'kafkajs';
import { ConnectorError } from '../errors.ts';
import type { Shard, StreamName } from '../feed/feed.ts';
import { callLegs } from '../streams/call-legs.ts';
import { callRecords } from '../streams/call-records.ts';
import { openCodec, type Codec, type RegistryOptions } from './avro.ts';
import { clientConfig, clientOf, reachCure, type KafkaSecurity } from './kafka-client.ts';
import { topicRefused, type DetourTopic } from './kafka-detours.ts';
import { eraseRows, type Erasure } from './kafka-erase.ts';
import { KafkaGroup } from './kafka-group.ts';
import { loadLibrdkafka } from './kafka-librdkafka.ts';
import type { EventEncoder, EventTopic } from './kafka-messages.ts';
import type { OffsetsTopic } from './kafka-offsets.ts';
import { createPlacer } from './kafka-placement.ts';
import { PublisherThread, type Publishers } from './kafka-publisher.ts';
import { changeOffsets, type ChangeReport, type OffsetsChange } from './kafka-change.ts';
import { openKafkaSession, type SessionParts, type TransactionReport } from './kafka-session.ts';
import { prepareEventTopic, prepareTopics, readPartitions, type TopicOptions } from './kafka-topics.ts';
import type { ShardSession, Sink } from './sink.ts';

export interface KafkaSinkOptions extends TopicOptions {
  /** Name of the connector: workers of one name share the feeds, and continue from its offsets. */
  readonly connector: string;
  readonly pass: string;
  readonly security?: KafkaSecurity;
  /** Consumer group that shares the shards out; a command beside running workers takes one of its own. */
  readonly groupId?: string;
  readonly registry: RegistryOptions;
  readonly compression: 'none' | 'gzip';
  /** What publishes; all else is kafkajs. */
  readonly client?: 'kafkajs' | 'librdkafka';
  readonly transactionTimeoutMs: number;
  readonly sessionTimeoutMs: number;
  readonly onTransaction?: (report: TransactionReport) => void;
  /** Called with the error when we are out of the consumer group, and without one when we are in it. */
  readonly onMembership?: (error?: ConnectorError) => void;
  /** What kafkajs says; most of it is said of errors that it then heals. */
  readonly onLog?: (message: string) => void;
}

/** What the values of each topic of events are, in `schemas/`. */
export const SCHEMA_FILES: Readonly<Record<EventTopic, string>> = {
  'call-legs': callLegs.schemaFile,
  'call-records': callRecords.schemaFile,
  'call-legs.latest': callLegs.schemaFile,
  'call-records.latest': callRecords.schemaFile,
  'rejected': 'rejected.avsc',
  'ledger': 'ledger.avsc',
  'watermarks': 'watermark.avsc',
  'drift': 'drift.avsc',
  'calls': 'call.avsc',
};

/** What `check` finds out and everything after it needs. */
interface Prepared {
  readonly partitions: ReadonlyMap<string, PartitionMetadata[]>;
  readonly offsets: OffsetsTopic;
  readonly encoder: EventEncoder;
  readonly publishers: Publishers;
}

/** The sink on Kafka: shards are partitions of the offsets topic, a consumer group assigns them. */
export class KafkaSink implements Sink {
  readonly guarantee = 'exactly-once';
  readonly #options: KafkaSinkOptions;
  readonly #openPublishers: () => Promise<Publishers>;
  readonly #admin: Admin;
  readonly #group: KafkaGroup;
  #prepared: Prepared | undefined;

  constructor(options: KafkaSinkOptions) {
    this.#options = options;
    const client = clientOf(options);
    const onLog = options.onLog ?? (() => undefined);
    const kafka = new Kafka(clientConfig(client, onLog));
    this.#openPublishers = async () =>
      options.client === 'librdkafka' ? loadLibrdkafka(client, onLog) : new PublisherThread(client, onLog);
    this.#admin = kafka.admin();
    this.#group = new KafkaGroup(kafka, {
      groupId: options.groupId ?? `${options.connector}.${options.pass}`,
      offsetsTopic: options.topics.offsets,
      sessionTimeoutMs: options.sessionTimeoutMs,
      onMembership: options.onMembership ?? (() => undefined),
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
    const codecs: Partial<Record<EventTopic, Codec>> = {};
    for (const [of, file] of Object.entries(SCHEMA_FILES) as [EventTopic, string][]) {
      const topic = topics[of];
      if (topic !== undefined) codecs[of] = await openCodec(registry, `${topic}-value`, file);
    }
    const placers = new Map([...partitions].map(([topic, list]) => [topic, createPlacer(list)]));
    const publishers = await this.#openPublishers(); // before a takeover, which would wait for it
    this.#prepared = { partitions, offsets, encoder: { topics, codecs, placers }, publishers };
  }

  ownedShards(signal: AbortSignal): AsyncIterable<ReadonlySet<Shard>> {
    return this.#group.ownedShards(signal);
  }

  async openShard(shard: Shard): Promise<ShardSession> {
    return openKafkaSession(await this.#sessionParts(), shard);
  }

  /** Takes a shard over for one transaction. The worker that owned it is fenced, and goes on from there. */
  async changeOffsets(shard: Shard, change: OffsetsChange): Promise<readonly ChangeReport[]> {
    return changeOffsets(await this.#sessionParts(), shard, change);
  }

  /** Takes rows out of the table of their stream. No shard is taken over. */
  async eraseRows(erasure: Erasure): Promise<void> {
    return eraseRows(await this.#sessionParts(), erasure);
  }

  /** Makes a topic that a replay names ready for rows of a stream. @throws ConnectorError SINK_TOPIC_REFUSED */
  async openTopic(topic: string, stream: StreamName): Promise<DetourTopic> {
    try {
      const partitions = await prepareEventTopic(this.#admin, this.#options, topic);
      const codec = await openCodec(this.#options.registry, `${topic}-value`, SCHEMA_FILES[stream]);
      return { codec, placer: createPlacer(partitions), leaders: leadersOf(new Map([[topic, partitions]])) };
    } catch (error) {
      throw topicRefused(topic, error);
    }
  }

  async #sessionParts(): Promise<SessionParts> {
    const { offsets, encoder, publishers } = this.#ready();
    const { transactionTimeoutMs, compression, onTransaction } = this.#options;
    return {
      offsets,
      encoder,
      openPublisher: (publisher) => publishers.openPublisher(publisher),
      publishing: {
        transactionTimeoutMs,
        compression: compression === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None,
        leaders: await this.#readLeaders(),
      },
      read: (owned, isLast) => this.#group.read(owned, isLast),
      openTopic: (topic, stream) => this.openTopic(topic, stream),
      onTransaction: onTransaction ?? (() => undefined),
    };
  }

  async close(): Promise<void> {
    // Whatever of it fails: the error that brought us here is the one to tell.
    await Promise.allSettled([this.#group.leave(), this.#admin.disconnect(), this.#prepared?.publishers.close()]);
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
  async #readLeaders(): Promise<ReadonlyMap<string, number>> {
    try {
      return leadersOf(await readPartitions(this.#admin, [...this.#ready().partitions.keys()]));
    } catch (error) {
      throw unreachable(this.#options.brokers, error);
    }
  }

  #ready(): Prepared {
    if (this.#prepared === undefined) throw new Error('KafkaSink: check() comes first');
    return this.#prepared;
  }
}

function leadersOf(partitions: ReadonlyMap<string, readonly PartitionMetadata[]>): ReadonlyMap<string, number> {
  return new Map(
    [...partitions].flatMap(([topic, list]) => list.map((p) => [`${topic}/${p.partitionId}`, p.leader] as const)),
  );
}

/** Why brokers cannot be reached, or what they refuse us, and the cure. */
export function unreachable(brokers: readonly string[], cause: unknown): ConnectorError {
  const { type = '', message } = cause as Error & { type?: string };
  if (type.includes('AUTHORIZATION')) {
    const cure = 'Grant our principal Describe, DescribeConfigs and Create on the topics, or create them yourself';
    return new ConnectorError('SINK_REFUSED', `Kafka refuses us (${type}): ${message}. ${cure}`, { cause });
  }
  return new ConnectorError(
    'SINK_UNAVAILABLE',
    `Kafka at ${brokers.join(', ')} cannot be reached: ${message.trim()}. ${reachCure(message)}`,
    { cause },
  );
}
