import { randomUUID } from 'node:crypto';
import { Kafka, type Admin, type Consumer, type KafkaMessage } from 'kafkajs';
import { withDeadline } from '../clock.ts';
import { ConnectorError } from '../errors.ts';
import { feedName, type FeedId } from '../feed/feed.ts';
import type { LedgerEntry } from '../streams/audit.ts';
import { openCodec, type RegistryOptions } from './avro.ts';
import { clientConfig } from './kafka-client.ts';

export interface LedgerOptions {
  readonly brokers: readonly string[];
  /** Name of the connector; our consumer group begins with it. */
  readonly connector: string;
  readonly topic: string;
  readonly registry: RegistryOptions;
  readonly onLog: (message: string) => void;
}

/** A partition, from the first record that is wanted to the end that it had when the reading began. */
interface Stretch {
  readonly partition: number;
  readonly from: string;
  readonly end: bigint;
}

/** An open transaction holds a reader back for as long as its time lasts, a minute at most by default. */
const READ_DEADLINE_MS = 120_000;

/**
 * Every entry of the ledger whose window ends at `fromMs` or later, each once, in the order of its feed's commits.
 *
 * Where aborted transactions of two producers overlap, kafkajs gives aborted entries for committed ones. An aborted one
 * has the number of the commit that came in its place, so of each number the last is the true one.
 *
 * @throws ConnectorError SINK_UNAVAILABLE when Kafka or the registry cannot be reached, SINK_REFUSED when they refuse
 *   us or there is no such topic.
 */
export async function readLedger(options: LedgerOptions, fromMs: number): Promise<LedgerEntry[]> {
  const { connector, topic, registry, brokers, onLog } = options;
  const kafka = new Kafka(clientConfig({ clientId: `8x8-connector-${connector}`, brokers }, onLog));
  const admin = kafka.admin();
  const codec = await openCodec({ ...registry, register: false }, `${topic}-value`, 'ledger.avsc');
  try {
    await admin.connect();
    const stretches = await stretchesOf(admin, topic, fromMs);
    const groupId = `${connector}.ledger.${randomUUID()}`;
    const messages = await readAll(kafka.consumer({ groupId, ...READING }), topic, stretches);
    await admin.deleteGroups([groupId]).catch(() => undefined); // it expires by itself
    const entries = await Promise.all(messages.map(({ value }) => codec.decode(value!) as Promise<LedgerEntry>));
    const byCommit = new Map(entries.map((entry) => [`${feedName(entry as FeedId)}/${entry.commit}`, entry]));
    return [...byCommit.values()].filter(({ windowTo }) => windowTo >= fromMs);
  } catch (error) {
    throw error instanceof ConnectorError ? error : unreadable(options, error as Error);
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}

const READING = {
  readUncommitted: false,
  allowAutoTopicCreation: false,
  maxWaitTimeInMs: 200,
  retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 5 },
};

/** A record's time is the end of its window or earlier, so none that is wanted comes before the first of that time. */
async function stretchesOf(admin: Admin, topic: string, fromMs: number): Promise<readonly Stretch[]> {
  const [ends, starts] = await Promise.all([
    admin.fetchTopicOffsets(topic),
    admin.fetchTopicOffsetsByTimestamp(topic, fromMs),
  ]);
  const firstOf = new Map(starts.map(({ partition, offset }) => [partition, offset]));
  return ends
    .map(({ partition, high }) => ({ partition, from: firstOf.get(partition) ?? '0', end: BigInt(high) }))
    .filter(({ from, end }) => BigInt(from) < end);
}

async function readAll(
  consumer: Consumer,
  topic: string,
  stretches: readonly Stretch[],
): Promise<readonly KafkaMessage[]> {
  if (stretches.length === 0) return [];
  const left = new Map(stretches.map(({ partition, end }) => [partition, end]));
  const messages: KafkaMessage[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();

  consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
  consumer.on(consumer.events.GROUP_JOIN, () => {
    for (const { partition, from } of stretches) consumer.seek({ topic, partition, offset: from });
  });
  // It tells of batches, too, that hold nothing but the end of a transaction.
  consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload: { partition, lastOffset } }) => {
    if (BigInt(lastOffset) + 1n >= (left.get(partition) ?? 0n)) left.delete(partition);
    if (left.size === 0) resolve();
  });
  try {
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        if (left.has(batch.partition)) messages.push(...batch.messages);
      },
    });
    const late = (): Error => new Error(`not read to its end in ${READ_DEADLINE_MS / 1_000} s`);
    await withDeadline(promise, READ_DEADLINE_MS, late);
    return messages;
  } finally {
    await consumer.disconnect().catch(() => undefined);
  }
}

function unreadable({ brokers, topic }: LedgerOptions, cause: Error & { readonly type?: string }): ConnectorError {
  const { type = '', message } = cause;
  if (type === 'UNKNOWN_TOPIC_OR_PARTITION') {
    const cure = 'Is it KAFKA_TOPIC_LEDGER of the connector, and has it run since the ledger came?';
    return new ConnectorError('SINK_REFUSED', `there is no topic ${topic}. ${cure}`, { cause });
  }
  if (type.includes('AUTHORIZATION')) {
    const cure = 'Grant our principal Read and Describe on it, and Read on groups that begin with CONNECTOR_NAME';
    return new ConnectorError('SINK_REFUSED', `Kafka refuses us topic ${topic} (${type}). ${cure}`, { cause });
  }
  const where = `topic ${topic} on ${brokers.join(', ')}`;
  return new ConnectorError('SINK_UNAVAILABLE', `${where} cannot be read: ${message}. Check KAFKA_BROKERS`, { cause });
}
