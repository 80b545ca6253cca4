import { randomUUID } from 'node:crypto';
import type { Admin, Consumer, Kafka, KafkaMessage } from 'kafkajs';
import { withDeadline } from '../clock.ts';
import { ConnectorError } from '../errors.ts';
import { reachCure } from './kafka-client.ts';

/** What to read: all of a topic that is there when the reading begins. */
export interface ReadOptions {
  readonly topic: string;
  /** Our consumer group is one of our own that begins with it. */
  readonly group: string;
  /** Records of an earlier time may be left out. */
  readonly fromMs?: number;
}

/** A partition, from the first record that is wanted to the end that it had when the reading began. */
interface Stretch {
  readonly partition: number;
  readonly from: string;
  readonly end: bigint;
}

/** An open transaction holds a reader back for as long as its time lasts, a minute at most by default. */
const READ_DEADLINE_MS = 120_000;

const READING = {
  readUncommitted: false,
  allowAutoTopicCreation: false,
  maxWaitTimeInMs: 200,
  retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 5 },
};

/**
 * Every committed record of a topic, by partition, in the order of its log.
 *
 * Where aborted transactions of two producers overlap, kafkajs gives aborted records for committed ones: whoever reads
 * a partition that has several producers must know them apart.
 *
 * @throws ConnectorError SINK_UNAVAILABLE when it cannot be read, SINK_REFUSED when Kafka refuses us or there is none.
 */
export async function readTopic(kafka: Kafka, options: ReadOptions): Promise<ReadonlyMap<number, KafkaMessage[]>> {
  const { topic, group, fromMs } = options;
  const admin = kafka.admin();
  const groupId = `${group}.${randomUUID()}`;
  try {
    await admin.connect();
    const stretches = await stretchesOf(admin, topic, fromMs);
    const read = await readAll(kafka.consumer({ groupId, ...READING }), topic, stretches);
    await admin.deleteGroups([groupId]).catch(() => undefined); // it expires by itself
    return read;
  } catch (error) {
    throw unreadable(options, error as Error);
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}

/** Before the first record of that time all are of an earlier one. */
async function stretchesOf(admin: Admin, topic: string, fromMs: number | undefined): Promise<readonly Stretch[]> {
  const ends = await admin.fetchTopicOffsets(topic);
  const starts = fromMs === undefined ? [] : await admin.fetchTopicOffsetsByTimestamp(topic, fromMs);
  const firstOf = new Map(starts.map(({ partition, offset }) => [partition, offset]));
  return ends.map(({ partition, low, high }) =>
    ({ partition, from: firstOf.get(partition) ?? low, end: BigInt(high) }));
}

async function readAll(
  consumer: Consumer,
  topic: string,
  stretches: readonly Stretch[],
): Promise<ReadonlyMap<number, KafkaMessage[]>> {
  const read = new Map<number, KafkaMessage[]>(stretches.map(({ partition }) => [partition, []]));
  const wanted = stretches.filter(({ from, end }) => BigInt(from) < end);
  const left = new Map(wanted.map(({ partition, end }) => [partition, end]));
  if (left.size === 0) return read;
  const { promise, resolve, reject } = Promise.withResolvers<void>();

  consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
  consumer.on(consumer.events.GROUP_JOIN, () => {
    for (const { partition, from } of wanted) consumer.seek({ topic, partition, offset: from });
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
        if (left.has(batch.partition)) read.get(batch.partition)!.push(...batch.messages);
      },
    });
    const late = (): Error => new Error(`not read to its end in ${READ_DEADLINE_MS / 1_000} s`);
    await withDeadline(promise, READ_DEADLINE_MS, late);
    return read;
  } finally {
    await consumer.disconnect().catch(() => undefined);
  }
}

/** Every committed record of a topic, and each that is still to come, until `signal` aborts. */
export async function followTopic(
  kafka: Kafka,
  options: ReadOptions,
  take: (message: KafkaMessage) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { topic, group } = options;
  const consumer = kafka.consumer({ groupId: `${group}.${randomUUID()}`, ...READING });
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => resolve(), { once: true });
  consumer.on(consumer.events.CRASH, ({ payload: { restart, error } }) => {
    if (!restart) reject(error);
  });
  try {
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({ autoCommit: false, eachMessage: ({ message }) => take(message) });
    await ended;
  } catch (error) {
    throw unreadable(options, error as Error);
  } finally {
    await consumer.disconnect().catch(() => undefined);
  }
}

function unreadable({ topic, group }: ReadOptions, cause: Error & { readonly type?: string }): ConnectorError {
  const { type = '', message } = cause;
  if (type === 'UNKNOWN_TOPIC_OR_PARTITION') {
    const cure = 'Is it the topic in the settings of the connector, and has the connector run?';
    return new ConnectorError('SINK_REFUSED', `there is no topic ${topic}. ${cure}`, { cause });
  }
  if (type.includes('AUTHORIZATION')) {
    const cure = `Grant our principal Read and Describe on it, and Read on groups that begin with ${group}`;
    return new ConnectorError('SINK_REFUSED', `Kafka refuses us topic ${topic} (${type}). ${cure}`, { cause });
  }
  const what = `topic ${topic} cannot be read: ${message}. ${reachCure(message)}`;
  return new ConnectorError('SINK_UNAVAILABLE', what, { cause });
}
