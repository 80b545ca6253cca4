import { parentPort, workerData } from 'node:worker_threads';
import { Kafka, type Producer } from 'kafkajs';
import { clientConfig, type ClientOptions } from './kafka-client.ts';
import { planSends } from './kafka-messages.ts';
import type { Call, PublisherOptions, Reply, Transaction } from './kafka-publisher.ts';

/** The publishing thread: kafkajs's producers, and nothing that decides. See {@link Call} for what it is asked. */
const kafka = new Kafka(clientConfig(workerData as ClientOptions, (log) => reply({ log })));
const publishers = new Map<number, { readonly producer: Producer; readonly options: Options }>();

/** Its leaders become more. */
type Options = PublisherOptions & { readonly leaders: Map<string, number> };

parentPort!.on('message', (call: Call) => {
  answer(call).then(
    () => reply({ call: call.call }),
    ({ message, type }: Error & { type?: string }) => reply({ call: call.call, failure: { message, type } }),
  );
});

async function answer(call: Call): Promise<void> {
  const { publisher } = call;
  if (call.kind === 'open') return open(publisher, call.options);
  if (call.kind === 'publish') return publish(publisher, call.transaction);
  const { producer } = publishers.get(publisher)!;
  publishers.delete(publisher);
  return producer.disconnect();
}

async function open(publisher: number, asked: PublisherOptions): Promise<void> {
  const options = { ...asked, leaders: new Map(asked.leaders) };
  const producer = createProducer(options);
  try {
    await producer.connect();
    publishers.set(publisher, { producer, options });
  } catch (error) {
    await producer.disconnect().catch(() => undefined);
    throw error;
  }
}

/** One transaction. Any error is the end of the producer; see `kafka-session.ts`. */
async function publish(publisher: number, { messages, headers, leaders = new Map() }: Transaction): Promise<void> {
  const { producer, options } = publishers.get(publisher)!;
  for (const [place, leader] of leaders) options.leaders.set(place, leader);
  const leaderOf = (topic: string, partition: number): number => options.leaders.get(`${topic}/${partition}`) ?? -1;
  // Whoever waited for it may have given up meanwhile: then nothing more is sent. Only a first request that hangs and
  // takes its epoch late can still fence his next session, which then is opened anew and reads again.
  const stillWanted = (): void => {
    if (!publishers.has(publisher)) throw new Error('the session has ended meanwhile');
  };
  const transaction = await producer.transaction();
  for (const topicMessages of planSends(messages, leaderOf, headers)) {
    stillWanted();
    await transaction.sendBatch({ topicMessages, acks: -1, compression: options.compression });
  }
  stillWanted();
  await transaction.commit();
}

function createProducer({ transactionalId, transactionTimeoutMs, leaders }: PublisherOptions): Producer {
  return kafka.producer({
    transactionalId,
    idempotent: true,
    maxInFlightRequests: 1,
    transactionTimeout: transactionTimeoutMs,
    allowAutoTopicCreation: false,
    // Decided once, not at every retry. But each attempt comes by here, with the leaders that kafkajs knows by then.
    createPartitioner: () => ({ topic, partitionMetadata, message }) => {
      const partition = message.partition!;
      const leader = partitionMetadata.find(({ partitionId }) => partitionId === partition)?.leader;
      // A send that goes to two brokers may be written twice; nothing of this attempt has been sent yet.
      if (leader !== leaders.get(`${topic}/${partition}`)) throw new Error(`${topic}/${partition} has another leader`);
      return partition;
    },
    // We split sends by leader, so kafkajs must not learn of new leaders between two errors.
    metadataMaxAge: 24 * 3_600_000,
    // CONCURRENT_TRANSACTIONS is answered while the broker ends the last transaction, and takes of these retries.
    retry: { initialRetryTime: 20, maxRetryTime: 1_000, retries: 8 },
  });
}

function reply(message: Reply): void {
  parentPort!.postMessage(message);
}
