import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { loadLibrdkafka } from '../../src/sink/kafka-librdkafka.ts';
import type { PlacedMessage } from '../../src/sink/kafka-messages.ts';
import { PublisherThread, type Publisher, type Publishers } from '../../src/sink/kafka-publisher.ts';
import { readTopics } from '../reader/topics.ts';
import { withAdmin } from '../stack/admin.ts';
import { startStack, type Stack } from '../stack/stack.ts';
import { CLIENT } from './small-sink.ts';

// Goal: a transaction that breaks in its middle leaves nothing behind, neither at once nor later. Method: its second
// send holds a message that the broker refuses; Kafka's own client reads what is visible, and what was ever written.

let stack: Stack;
let publishers: Publishers;
const topic = `transaction-${randomUUID().slice(0, 8)}`;

before(async () => {
  stack = await startStack();
  const client = { clientId: topic, brokers: stack.brokers.split(',') };
  const onLog = (): void => undefined;
  publishers = CLIENT === 'librdkafka' ? await loadLibrdkafka(client, onLog) : new PublisherThread(client, onLog);
  const topics = [{ topic, numPartitions: 1 }];
  await withAdmin(stack.brokers, (admin) => admin.createTopics({ topics, waitForLeaders: true }));
});
after(async () => {
  await publishers.close();
  await stack.stop();
});

/** Of one shard: each new one shuts out those before. */
function openPublisher(): Promise<Publisher> {
  const leaders = new Map([[`${topic}/0`, 1]]);
  return publishers.openPublisher({ transactionalId: topic, transactionTimeoutMs: 10_000, compression: 0, leaders });
}

const small = (key: string): PlacedMessage => ({ topic, partition: 0, key, value: null });
const tooLarge: PlacedMessage = { ...small('too large'), value: Buffer.alloc(2_000_000) };

async function keys(isolation: 'read_committed' | 'read_uncommitted'): Promise<readonly (string | null)[]> {
  return (await readTopics(stack, [topic], isolation)).map(({ key }) => key);
}

test('a transaction that breaks in its middle is never visible, and its producer publishes nothing more', async () => {
  const broken = await openPublisher();
  await broken.publish({ messages: [small('whole')] });
  await assert.rejects(broken.publish({ messages: [small('half'), tooLarge] }), /larger than the max|too large/i);
  await assert.rejects(broken.publish({ messages: [small('behind it')] }), /./);
  await broken.close();

  const next = await openPublisher();
  await next.publish({ messages: [small('next')] });
  await next.close();
  assert.deepEqual(await keys('read_committed'), ['whole', 'next']);
  assert.deepEqual(await keys('read_uncommitted'), ['whole', 'half', 'next'], 'the half was written, once');
});
