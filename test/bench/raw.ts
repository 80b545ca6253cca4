import { Kafka, logLevel, type Message, type PartitionMetadata } from 'kafkajs';

/**
 * The ceiling: the messages that the connector has written, written again by kafkajs alone, in transactions of as
 * many. Arguments: brokers, source topic, target topic, messages per transaction. Prints one JSON line.
 */
const [brokers, source, target, perTransaction] = process.argv.slice(2);
const kafka = new Kafka({ clientId: 'raw', brokers: brokers!.split(','), logLevel: logLevel.NOTHING });

const admin = kafka.admin();
await admin.connect();
const { topics } = await admin.fetchTopicMetadata({ topics: [source!] });
const partitions: readonly PartitionMetadata[] = topics[0]!.partitions;
await admin.createTopics({ topics: [{ topic: target!, numPartitions: partitions.length }] });
const messages = await readAll();
await admin.disconnect();

const producer = kafka.producer({
  transactionalId: target!,
  idempotent: true,
  maxInFlightRequests: 1,
  retry: { initialRetryTime: 20, maxRetryTime: 1_000, retries: 8 },
});
await producer.connect();
await write(messages.slice(0, 5_000)); // warm, as the connector is after its first pages
const startedMs = performance.now();
const transactions = await write(messages);
const durationMs = performance.now() - startedMs;
await producer.disconnect();
console.log(JSON.stringify({ records: messages.length, transactions, durationMs, bytes: bytesOf(messages) }));

async function write(list: readonly Message[]): Promise<number> {
  let count = 0;
  for (let at = 0; at < list.length; at += Number(perTransaction)) {
    const transaction = await producer.transaction();
    const page = list.slice(at, at + Number(perTransaction));
    await transaction.sendBatch({ topicMessages: [{ topic: target!, messages: page }], acks: -1 });
    await transaction.commit();
    count += 1;
  }
  return count;
}

/** In the order of their time, as they were written: partitions take turns as they do in the connector's pages. */
async function readAll(): Promise<readonly Message[]> {
  const found: Message[] = [];
  const ends = await admin.fetchTopicOffsets(source!);
  const left = new Set(ends.filter(({ high }) => Number(high) > 0).map(({ partition }) => partition));
  const consumer = kafka.consumer({ groupId: `raw-${target}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic: source!, fromBeginning: true });
  const done = Promise.withResolvers<void>();
  consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
    const end = ends.find(({ partition }) => partition === payload.partition)!;
    if (Number(payload.lastOffset) >= Number(end.high) - 1) left.delete(payload.partition);
    if (left.size === 0) done.resolve();
  });
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      for (const { key, value, headers, timestamp } of batch.messages) {
        found.push({ key, value, headers: headers!, timestamp, partition: batch.partition });
      }
    },
  });
  await done.promise;
  await consumer.disconnect();
  return found.toSorted((a, b) => Number(b.timestamp) - Number(a.timestamp));
}

function bytesOf(list: readonly Message[]): number {
  return list.reduce((sum, { value }) => sum + (value as Buffer).length, 0);
}
