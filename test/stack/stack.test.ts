import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Kafka, Partitioners, logLevel } from 'kafkajs';
import { startStack } from './stack.ts';

test('a stack keeps its records over a crash of the broker, and leaves no process behind', async () => {
  const stack = await startStack({ ownBroker: true });
  const { broker } = stack;
  assert.ok(broker?.pid);
  const pids = [broker.pid];
  try {
    const kafka = new Kafka({ brokers: [stack.brokers], logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
    await Promise.all([admin.connect(), producer.connect()]);
    await admin.createTopics({ topics: [{ topic: 'calls', numPartitions: 1 }] });
    await producer.send({ topic: 'calls', acks: -1, messages: [{ value: 'one' }] });
    await Promise.all([admin.disconnect(), producer.disconnect()]);

    await broker.kill();
    assert.equal(broker.pid, undefined);
    await broker.start();
    pids.push(broker.pid!);

    assert.deepEqual(await firstValue(kafka, 'calls'), 'one');
    const subjects = await fetch(`${stack.registryUrl}/subjects`);
    assert.equal(subjects.status, 200);
  } finally {
    await stack.stop();
  }
  for (const pid of pids) assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
});

async function firstValue(kafka: Kafka, topic: string): Promise<string> {
  const consumer = kafka.consumer({ groupId: 'stack-test', maxWaitTimeInMs: 300 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  try {
    return await new Promise<string>((resolve, reject) => {
      consumer.run({ eachMessage: async ({ message }) => resolve(String(message.value)) }).catch(reject);
    });
  } finally {
    await consumer.disconnect();
  }
}
