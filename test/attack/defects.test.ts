import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Kafka, Partitioners, logLevel, type EachMessageHandler, type Producer, type Transaction } from 'kafkajs';
import type { ShardSession } from '../../src/sink/sink.ts';
import { entry } from '../feed/entry.ts';
import { readTopics } from '../reader/topics.ts';
import { isReopen, legEvent, step } from '../sink/sink.contract.ts';
import { withAdmin } from '../stack/admin.ts';
import { knows, openRange, publish, type ProxiedSink, type Range } from './proxy-sink.ts';

// Goal: each known defect of kafkajs is there, and does not reach us. Method: the way every example does it, on a real
// broker through a proxy, must show the defect; then our sink, under the same trouble, must not. Kafka's own client
// judges. The day a first half fails, kafkajs has been mended, and a rule of ours may go.

let range: Range;
let kafka: Kafka;
const producers: Producer[] = [];
before(async () => {
  range = await openRange();
  kafka = new Kafka({
    clientId: 'naive',
    brokers: [range.stack.proxiedBrokers],
    requestTimeout: 1_500,
    logLevel: logLevel.NOTHING,
  });
});
after(async () => {
  for (const producer of producers) await producer.disconnect();
  await range.close();
});

async function createTopic(topic: string): Promise<string> {
  const topics = [{ topic, numPartitions: 1, replicationFactor: 1 }];
  await withAdmin(range.stack.brokers, (admin) => admin.createTopics({ topics, waitForLeaders: true }));
  return topic;
}

async function openProducer(transactionalId: string): Promise<Producer> {
  const producer = kafka.producer({
    transactionalId,
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: Partitioners.DefaultPartitioner,
    retry: { initialRetryTime: 20, retries: 4 },
  });
  producers.push(producer);
  await producer.connect();
  return producer;
}

async function send(transaction: Transaction, topic: string, key: string, value: Buffer | null = null): Promise<void> {
  await transaction.send({ topic, acks: -1, messages: [{ key, value, partition: 0 }] });
}

/** As in every example of a transaction: what fails is aborted, and tried again. */
async function publishNaive(producer: Producer, topic: string, key: string, value?: Buffer): Promise<void> {
  for (let tries = 0; tries < 3; tries++) {
    const transaction = await producer.transaction();
    try {
      await send(transaction, topic, key, value);
      return await transaction.commit();
    } catch {
      await transaction.abort();
    }
  }
  throw new Error(`${key} was not published in three tries`);
}

async function keysOf(topic: string): Promise<readonly (string | null)[]> {
  return (await readTopics(range.stack, [topic])).map(({ key }) => key);
}

/** No answer arrives to what the client sends, until it gives up and ends its transaction. */
function loseProduceAnswers(): void {
  let givenUp = false;
  range.strike(({ api }) => {
    givenUp ||= api === 'EndTxn';
    return api === 'Produce' && !givenUp ? 'drop-response' : undefined;
  });
}

/** The code by which Kafka refuses an epoch that was fenced. */
const isFenced = { type: 'INVALID_PRODUCER_EPOCH' };

test('a batch aborted and tried again after a lost answer is lost, though Kafka said yes; not by us', async () => {
  const topic = await createTopic('lost-answer');
  const producer = await openProducer(topic);
  await publishNaive(producer, topic, 'first');
  loseProduceAnswers();
  await publishNaive(producer, topic, 'second');
  await publishNaive(producer, topic, 'third');
  assert.deepEqual(await keysOf(topic), ['first', 'third'], 'the second has the sequence of its aborted self');

  const sink = await range.openSink();
  await publish(sink, legEvent('first'));
  await publish(sink, legEvent('second'), () => range.strikeNext('Produce', 'drop-response'));
  await publish(sink, legEvent('third'));
  assert.deepEqual(await sink.calls(), ['first', 'second', 'third']);
});

test('a producer whose commit was not answered is of no use, and its batch is there twice; not by us', async () => {
  const topic = await createTopic('lost-commit');
  const producer = await openProducer(topic);
  const transaction = await producer.transaction();
  await send(transaction, topic, 'first');
  void range.strikeNext('EndTxn', 'drop-response');
  await assert.rejects(transaction.commit(), { name: 'KafkaJSRequestTimeoutError' });
  await assert.rejects(transaction.abort(), /Cannot continue to use transaction once ended/);
  await assert.rejects(producer.transaction(), /Cannot call "beginTransaction" in state "COMMITTING"/);
  await producer.disconnect();
  await producer.connect();
  await assert.rejects(producer.transaction(), /Cannot call "beginTransaction" in state "COMMITTING"/);
  await publishNaive(await openProducer(topic), topic, 'first');
  assert.deepEqual(await keysOf(topic), ['first', 'first'], 'it was committed, and nobody has looked');

  const sink = await range.openSink();
  await publish(sink, legEvent('first'), () => range.strikeNext('EndTxn', 'drop-response'));
  await publish(sink, legEvent('second'));
  assert.deepEqual(await sink.calls(), ['first', 'second']);
});

test('to connect fences nobody, and an empty transaction proves nothing; opening a shard and a commit do', async () => {
  const topic = await createTopic('fence');
  const zombie = await openProducer(topic);
  const transaction = await zombie.transaction();
  await send(transaction, topic, 'before');
  const owner = await openProducer(topic);
  await send(transaction, topic, 'connected');
  await transaction.commit();
  const owned = await owner.transaction();
  await (await zombie.transaction()).commit();
  await assert.rejects(send(await zombie.transaction(), topic, 'fenced'), isFenced);
  await send(owned, topic, 'owner');
  await owned.commit();
  assert.deepEqual(await keysOf(topic), ['before', 'connected', 'owner'], 'an owner who connects and reads misses one');

  const sink = await range.openSink();
  const session = await sink.openShard();
  await session.commit(step([legEvent('before')]));
  const next = await sink.openShard();
  await assert.rejects(session.commit(step([])), { code: 'SINK_FENCED' });
  assert.ok(knows(next, legEvent('before')), 'whoever opens a shard knows all that its last owner has published');
  assert.deepEqual(await sink.calls(), ['before']);
});

test('the end that fetchTopicOffsets tells is before what is committed behind an open transaction', async () => {
  const sink = await range.openSink();
  const session = await sink.openShard();
  const topic = sink.offsetsTopic;
  const foreign = await (await openProducer(`${sink.name}-foreign`)).transaction();
  await send(foreign, topic, 'another connector/');
  await session.commit(step([legEvent('behind')]));
  const [partition] = await withAdmin(range.stack.brokers, (admin) => admin.fetchTopicOffsets(topic));
  const records = await readTopics(range.stack, [topic], 'read_uncommitted');
  const key = `${sink.name}/live/call-legs/acme`;
  const committed = records.find((record) => record.key === key)!;
  assert.ok(Number(partition!.high) <= committed.offset, 'a reader who stops at this end does not see it');

  let opened = false;
  const opening = sink.openShard().finally(() => (opened = true));
  await publishNaive(await openProducer(`${sink.name}-third`), topic, 'a third connector/live/barrier');
  assert.equal(opened, false, 'nobody can read past the open transaction yet');
  await foreign.abort();
  assert.ok(knows(await opening, legEvent('behind')));
});

/** Keys that kafkajs shows to a reader of committed records that continues at `offset`, up to the key `last`. */
async function readWithKafkajs(topic: string, offset: number, last: string): Promise<readonly string[]> {
  const groupId = `${topic}-${offset}`;
  const partitions = [{ partition: 0, offset: String(offset) }];
  await withAdmin(range.stack.brokers, (admin) => admin.setOffsets({ groupId, topic, partitions }));
  const consumer = kafka.consumer({ groupId, readUncommitted: false, maxWaitTimeInMs: 300 });
  await consumer.connect();
  await consumer.subscribe({ topic });
  const keys: string[] = [];
  try {
    await new Promise<void>((resolve, reject) => {
      const eachMessage: EachMessageHandler = async ({ message }) => {
        keys.push(String(message.key));
        if (keys.at(-1) === last) resolve();
      };
      consumer.run({ eachMessage }).catch(reject);
    });
  } finally {
    await consumer.disconnect();
  }
  return keys;
}

// It takes aborted transactions in the order in which they ended, one with each record: not all that have begun.
test('kafkajs shows aborted records to a reader of committed ones where two aborted transactions overlap', async () => {
  const topic = await createTopic('aborted');
  const producers = [await openProducer('aborted-1'), await openProducer('aborted-2')] as const;
  for (const ends of [[0, 1], [1, 0]] as const) {
    const transactions = [await producers[0].transaction(), await producers[1].transaction()] as const;
    for (const who of [0, 1, 1] as const) await send(transactions[who], topic, `of ${who}`);
    for (const who of ends) await transactions[who].abort();
  }
  await publishNaive(producers[0], topic, 'committed');
  assert.deepEqual(await readWithKafkajs(topic, 2, 'committed'), ['of 1', 'of 0', 'committed'], 'in the first of both');
  assert.deepEqual(await readWithKafkajs(topic, 5, 'committed'), ['of 0', 'committed'], 'in the second of both');
  assert.deepEqual(await keysOf(topic), ['committed']);
});

/** Aborts a commit of ours: it is sent, all but its end, and the next session fences it. */
async function breakCommit(session: ShardSession, seenCount: number): Promise<void> {
  const commit = step([legEvent('aborted')], '10:00:00');
  const call = 'x'.repeat(50);
  const page = Array.from({ length: seenCount }, (_, n) => entry(`acme/${call}/${n}`, 0, n));
  void range.strikeNext('EndTxn', 'cut-request');
  const whole = { ...commit, step: { ...commit.step, seen: [...commit.step.seen, ...page] } };
  await assert.rejects(session.commit(whole), isReopen);
  await session.close();
}

/** What the other connector has committed is there, so nobody takes aborted offsets for committed ones. */
async function assertRefused(sink: ProxiedSink): Promise<void> {
  await assert.rejects(sink.openShard(), { code: 'OFFSETS_INVALID', message: /"another\/live\/.*for this name alone/ });
  assert.deepEqual(await sink.calls(), ['committed']);
}

test('a takeover is refused where another connector has written and has aborted meanwhile', async () => {
  const sink = await range.openSink();
  await publish(sink, legEvent('committed'));
  const session = await sink.openShard();
  const producer = await openProducer(`${sink.name}-another`);
  await publishNaive(producer, sink.offsetsTopic, 'another/live/call-legs/acme', Buffer.from('an offset'));
  const another = await producer.transaction();
  await breakCommit(session, 0);
  await send(another, sink.offsetsTopic, 'another/live/call-legs/acme');
  await another.abort();
  await assertRefused(sink);
});

for (const others of [1, 2]) {
  test(`a takeover is refused where a fetch begins in ${others} aborted transactions of others`, async () => {
    const sink = await range.openSink();
    await publish(sink, legEvent('committed'));
    const session = await sink.openShard();
    const transactions: Transaction[] = [];
    for (let other = 0; other < others; other++) {
      transactions.push(await (await openProducer(`${sink.name}-${other}`)).transaction());
      await send(transactions[other]!, sink.offsetsTopic, `another/live/call-legs/${other}`);
    }
    // With a full page of keys it is more than a fetch brings at once.
    const third = await openProducer(`${sink.name}-third`);
    await publishNaive(third, sink.offsetsTopic, 'another/live/call-legs/acme', Buffer.alloc(700_000));
    await breakCommit(session, 7_000);
    for (const transaction of transactions) await transaction.abort();
    await assertRefused(sink);
  });
}
