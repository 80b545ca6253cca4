import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { Kafka, Partitioners, logLevel, type TopicMessages } from 'kafkajs';
import { planSends, type PlacedMessage } from '../../src/sink/kafka-messages.ts';
import { readTopics } from '../reader/topics.ts';
import { startCluster, type Cluster } from '../stack/cluster.ts';
import { freePort } from '../stack/port.ts';
import { startProxy, type Proxy } from './proxy.ts';

// Goal: a send that goes to two brokers is written twice by kafkajs, and ours are not, for each goes to one. Method:
// a proxy before each broker; one of them cuts the connection while the answer of the other is still to come.

const topic = 'brokers';
let cluster: Cluster;
let kafka: Kafka;
/** By the port of the broker behind it. */
const proxies = new Map<number, Proxy>();
/** Ports of the brokers that lead the first two partitions. */
let failing: number;
let slow: number;
let striking = false;
const struck = new Set<number>();

before(async () => {
  cluster = await startCluster();
  for (const upstreamPort of ports()) {
    const decide = ({ api }: { readonly api: string }) => {
      if (!striking || api !== 'Produce' || struck.has(upstreamPort)) return undefined;
      struck.add(upstreamPort);
      return upstreamPort === failing ? 'cut-request' : 'hold-request';
    };
    proxies.set(upstreamPort, await startProxy({ port: await freePort(), upstreamPort, decide }));
  }
  kafka = new Kafka({
    clientId: 'brokers',
    brokers: cluster.brokers.split(','),
    logLevel: logLevel.NOTHING,
    socketFactory: ({ port, onConnect }) => connect(proxies.get(port)!.port, '127.0.0.1', onConnect),
  });
  const admin = kafka.admin();
  await admin.createTopics({ topics: [{ topic, numPartitions: 3, replicationFactor: 3 }], waitForLeaders: true });
  await admin.disconnect();
  await cluster.inSync([topic]); // every broker knows of it then
  [failing, slow] = [await leaderPort(0), await leaderPort(1)];
  assert.notEqual(failing, slow);
});
after(async () => {
  for (const proxy of proxies.values()) await proxy.close();
  await cluster.stop();
});

/** Of the brokers, in the order of the cluster's nodes. */
function ports(): readonly number[] {
  return cluster.brokers.split(',').map((address) => Number(address.split(':')[1]));
}

async function leaderPort(partition: number): Promise<number> {
  const leader = await cluster.leaderOf(topic, partition);
  return ports()[cluster.nodes.indexOf(leader)]!;
}

/** One transaction of these sends, while a broker fails, and the other answers when the first has been asked again. */
async function publish(transactionalId: string, sends: readonly TopicMessages[][]): Promise<void> {
  const producer = kafka.producer({
    transactionalId, idempotent: true, maxInFlightRequests: 1,
    createPartitioner: Partitioners.DefaultPartitioner,
    retry: { initialRetryTime: 20, retries: 8 },
  });
  await producer.connect();
  const transaction = await producer.transaction();
  const [bad, late] = [proxies.get(failing)!, proxies.get(slow)!];
  const before = bad.seen.get('Produce') ?? 0;
  struck.clear();
  striking = true;
  const releasing = setInterval(() => {
    if (bad.seen.get('Produce')! >= before + 2) late.release();
  }, 20);
  try {
    for (const topicMessages of sends) await transaction.sendBatch({ topicMessages, acks: -1 });
  } finally {
    clearInterval(releasing);
    striking = false;
  }
  await transaction.commit();
  await producer.disconnect();
  assert.deepEqual(struck, new Set([failing, slow]), 'both have had their trouble');
}

const message = (partition: number): PlacedMessage => ({ topic, partition, key: String(partition), value: null });
const messages = [message(0), message(1)];

async function keys(): Promise<readonly (string | null)[]> {
  return (await readTopics(cluster, [topic])).map(({ key }) => key).toSorted();
}

test('a send to two brokers is written twice and called a success; sends to one broker each are not', async () => {
  await publish('naive', planSends(messages, () => 0));
  const naive = await keys();
  assert.deepEqual(naive, ['0', '1', '1']);
  await publish('ours', planSends(messages, (_, partition) => partition));
  assert.deepEqual(await keys(), [...naive, '0', '1'].toSorted());
});
