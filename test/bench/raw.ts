import { Kafka, logLevel, type Message, type PartitionMetadata } from 'kafkajs';

/**
 * The ceiling: messages that the connector has written, written again by kafkajs alone, in transactions of as many,
 * over and over. Arguments: brokers, source topic, target topic, messages per transaction, seconds. Prints one JSON
 * line.
 */
const [brokers, source, target, perTransaction, seconds] = process.argv.slice(2);
/** They are held in memory. */
const MESSAGES_MAX = 100_000;
const kafka = new Kafka({ clientId: 'raw', brokers: brokers!.split(','), logLevel: logLevel.NOTHING });

const admin = kafka.admin();
await admin.connect();
const { topics } = await admin.fetchTopicMetadata({ topics: [source!] });
const partitions: readonly PartitionMetadata[] = topics[0]!.partitions;
await admin.createTopics({ topics: [{ topic: target!, numPartitions: partitions.length }] });
const messages = await readSome();
await admin.disconnect();

const producer = kafka.producer({
  transactionalId: target!,
  idempotent: true,
  maxInFlightRequests: 1,
  retry: { initialRetryTime: 20, maxRetryTime: 1_000, retries: 8 },
});
await producer.connect();
await write(1); // warm, as the connector is after its first pages
const [cpu, startedMs] = [process.cpuUsage(), performance.now()];
const { records, transactions } = await write(Number(seconds));
const { user, system } = process.cpuUsage(cpu);
const took = (performance.now() - startedMs) / 1_000;
await producer.disconnect();
const peakMiB = Math.round(process.resourceUsage().maxRSS / 1_024);
console.log(JSON.stringify({
  records, seconds: took, cpuSeconds: (user + system) / 1e6, peakMiB, transactionMs: (took * 1_000) / transactions,
}));

async function write(forSeconds: number): Promise<{ readonly records: number; readonly transactions: number }> {
  let [records, transactions, at] = [0, 0, 0];
  for (const endMs = performance.now() + forSeconds * 1_000; performance.now() < endMs;) {
    const page = messages.slice(at, at + Number(perTransaction));
    const transaction = await producer.transaction();
    await transaction.sendBatch({ topicMessages: [{ topic: target!, messages: page }], acks: -1 });
    await transaction.commit();
    records += page.length;
    transactions += 1;
    at = at + 2 * page.length > messages.length ? 0 : at + page.length;
  }
  return { records, transactions };
}

/** In the order of their time, as they were written: partitions take turns as they do in the connector's pages. */
async function readSome(): Promise<readonly Message[]> {
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
    if (left.size === 0 || found.length >= MESSAGES_MAX) done.resolve();
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
  return found.toSorted((a, b) => Number(b.timestamp) - Number(a.timestamp)).slice(0, MESSAGES_MAX);
}
