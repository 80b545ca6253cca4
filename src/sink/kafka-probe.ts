import { randomUUID } from 'node:crypto';
import { Kafka, type Admin, type Producer } from 'kafkajs';
import { withDeadline } from '../clock.ts';
import { inspectSubject, type RegistryOptions, type SubjectFinding } from './avro.ts';
import { SCHEMA_FILES, unreachable } from './kafka.ts';
import { clientConfig, clientOf, type Client } from './kafka-client.ts';
import type { EventTopic } from './kafka-messages.ts';
import type { Right } from './kafka-rights.ts';
import { inspectTopics, plannedTopic, type TopicFinding, type TopicOptions } from './kafka-topics.ts';

export interface ProbeOptions extends TopicOptions, Client {
  readonly registry: RegistryOptions;
  readonly transactionTimeoutMs: number;
}

/** What came of trying something: `undefined` is as it should be. */
export type Refusal = (Error & { readonly type?: string }) | undefined;

/** What can be found out at Kafka and at the registry without changing anything. */
export interface KafkaProbe {
  /** How many brokers there are. @throws ConnectorError SINK_UNAVAILABLE or SINK_REFUSED */
  brokers(): Promise<number>;
  /** Whether a transaction can be had, under an id of our own: it fences nobody. */
  transaction(): Promise<Refusal>;
  topics(): Promise<readonly TopicFinding[]>;
  /** Whether we have a right on a topic or a group; of topics that are there, but for Create. */
  right(right: Right): Promise<Refusal>;
  subjects(): Promise<readonly SubjectReport[]>;
  close(): Promise<void>;
}

export interface SubjectReport {
  readonly subject: string;
  /** @throws ConnectorError SINK_UNAVAILABLE or SINK_REFUSED */
  readonly look: () => Promise<SubjectFinding>;
}

const WAIT_MAX_MS = 15_000;

/**
 * A record that no topic of ours takes: without a key, far in the future, and larger than a topic allows by default.
 * Kafka looks at our right to write before it looks at the record, so that it is known without writing. What is left is
 * the marker of an aborted transaction, which no consumer sees; a broker before Kafka 4 whose topic takes two megabytes
 * and is not compacted would keep it as a record of an aborted transaction.
 */
const REFUSED = { key: null, value: Buffer.alloc(2 * 1_024 ** 2), timestamp: String(Date.UTC(9999)) };

const RECORD_REFUSED = ['INVALID_RECORD', 'INVALID_TIMESTAMP', 'MESSAGE_TOO_LARGE'];

export function openProbe(options: ProbeOptions): KafkaProbe {
  const { connector, topics, transactionTimeoutMs } = options;
  const kafka = new Kafka(clientConfig(clientOf(options), () => undefined));
  const admin = kafka.admin();
  const producer = kafka.producer({
    transactionalId: `${connector}.doctor`,
    idempotent: true,
    maxInFlightRequests: 1,
    transactionTimeout: transactionTimeoutMs,
    allowAutoTopicCreation: false,
    retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 5 },
  });
  return {
    async brokers() {
      try {
        await admin.connect();
        return (await admin.describeCluster()).brokers.length;
      } catch (error) {
        throw unreachable(options.brokers, error);
      }
    },
    transaction: () => refusalOf(async () => {
      await producer.connect();
      await (await producer.transaction()).abort();
    }),
    topics: () => inspectTopics(admin, options),
    right(right) {
      const { resource, operation, name } = right;
      if (resource === 'group') return canConsume(kafka, connector, { topic: topics.offsets, until: 'GROUP_JOIN' });
      if (operation === 'Write') return canWrite(producer, name);
      if (operation === 'Read') return canConsume(kafka, connector, { topic: name, until: 'FETCH' });
      if (operation === 'Create') return canCreate(admin, options, name);
      return refusalOf(() => admin.describeConfigs({ includeSynonyms: false, resources: [{ type: 2, name }] }));
    },
    async subjects() {
      const named = Object.entries(SCHEMA_FILES).map(([of, file]) => [topics[of as EventTopic], file] as const);
      return [...named, [topics.offsets, 'offset.avsc'] as const].flatMap(([topic, file]) =>
        topic === undefined ? [] : [{
          subject: `${topic}-value`,
          look: () => inspectSubject(options.registry, `${topic}-value`, file),
        }]);
    },
    async close() {
      await Promise.allSettled([admin.disconnect(), producer.disconnect()]);
    },
  };
}

/** Kafka refuses the record, or us. */
function canWrite(producer: Producer, topic: string): Promise<Refusal> {
  return refusalOf(async () => {
    const transaction = await producer.transaction();
    try {
      await transaction.send({ topic, acks: -1, messages: [REFUSED] });
    } catch (error) {
      if (!RECORD_REFUSED.includes((error as Refusal)!.type ?? '')) throw error;
    } finally {
      await transaction.abort().catch(() => undefined);
    }
  });
}

/** As a member of a group of our own: joins it, or also fetches once. */
async function canConsume(
  kafka: Kafka,
  connector: string,
  { topic, until }: { readonly topic: string; readonly until: 'GROUP_JOIN' | 'FETCH' },
): Promise<Refusal> {
  const consumer = kafka.consumer({
    groupId: `${connector}.doctor.${randomUUID()}`, allowAutoTopicCreation: false, maxWaitTimeInMs: 200,
    retry: { retries: 2 },
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  consumer.on(consumer.events[until], () => resolve());
  consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
  try {
    return await refusalOf(async () => {
      await consumer.connect();
      await consumer.subscribe({ topic });
      await consumer.run({ autoCommit: false, eachBatch: async () => undefined });
      await withDeadline(promise, WAIT_MAX_MS, () => new Error(`no answer in ${WAIT_MAX_MS / 1_000} s`));
    });
  } finally {
    await consumer.disconnect().catch(() => undefined);
  }
}

async function canCreate(admin: Admin, options: TopicOptions, topic: string): Promise<Refusal> {
  const plan = await plannedTopic(admin, options, topic);
  return refusalOf(() => admin.createTopics({ topics: [plan], validateOnly: true, waitForLeaders: false }));
}

async function refusalOf(trial: () => Promise<unknown>): Promise<Refusal> {
  try {
    await trial();
    return undefined;
  } catch (error) {
    const { errors } = error as { readonly errors?: readonly Error[] };
    return errors?.[0] ?? (error as Error);
  }
}
