import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { Kafka, Partitioners, logLevel, type TopicMessages } from 'kafkajs';
import { planSends, type PlacedMessage } from '../../src/sink/kafka-messages.ts';
import { readTopics } from '../reader/topics.ts';
import { withAdmin } from '../stack/admin.ts';
import { startCluster, type Cluster } from '../stack/cluster.ts';
import { freePort } from '../stack/port.ts';
import { startProxy, type Proxy } from './proxy.ts';

// Goal: a send that goes to two brokers is written twice by kafkajs, and ours are not, for each goes to one. Method:
// a proxy before each broker; one of them cuts the connection while the answer of the other is still to come.

const topic = 'brokers';
const transactionalId = 'brokers';
const NAIVE_TRIES_MAX = 20;
const OURS_ROUNDS = 4;
const TICK_MS = 20;
const HELD_MAX_TICKS = 50;
let cluster: Cluster;
let kafka: Kafka;
/** By the port of the broker behind it. */
const proxies = new Map<number, Proxy>();
/** Two partitions whose leaders do not coordinate our transactions, and the ports of these leaders. */
let partitions: readonly number[];
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
  const topics = [{ topic, numPartitions: 3, replicationFactor: 3 }];
  await withAdmin(cluster.brokers, (admin) => admin.createTopics({ topics, waitForLeaders: true }));
  await cluster.inSync([topic]); // every broker knows of it then
  const leaders = await Promise.all([0, 1, 2].map((partition) => cluster.leaderOf(topic, partition)));
  const coordinator = await cluster.coordinatorOf(transactionalId);
  partitions = [0, 1, 2].filter((partition) => leaders[partition] !== coordinator);
  [failing, slow] = partitions.map((partition) => portOf(leaders[partition]!)) as [number, number];
  assert.equal(new Set(leaders).size, 3, 'each broker leads a partition');
});
after(async () => {
  for (const proxy of proxies.values()) await proxy.close();
  await cluster.stop();
});

/** Of the brokers, in the order of the cluster's nodes. */
function ports(): readonly number[] {
  return cluster.brokers.split(',').map((address) => Number(address.split(':')[1]));
}

function portOf(node: number): number {
  return ports()[cluster.nodes.indexOf(node)]!;
}

/** One transaction; a broker fails, and the other answers when the first has been asked again, or in a second. */
async function publish(sends: readonly TopicMessages[][]): Promise<void> {
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
  let ticks = 0;
  const releasing = setInterval(() => {
    if (late.held > 0) ticks += 1;
    if (bad.seen.get('Produce')! >= before + 2 || ticks > HELD_MAX_TICKS) late.release();
  }, TICK_MS);
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

/** One for each of the two brokers. */
function messages(name: string): readonly PlacedMessage[] {
  return partitions.map((partition) => ({ topic, partition, key: `${name}/${partition}`, value: null }));
}

async function keys(name: string): Promise<readonly string[]> {
  const records = await readTopics(cluster, [topic]);
  return records.map(({ key }) => key!).filter((key) => key.startsWith(`${name}/`)).toSorted();
}

test('a send to two brokers is written twice and called a success; sends to one broker each are not', async () => {
  let doubled = false;
  // Every second time kafkajs reads metadata from the slow broker, which has answered before the first is asked again.
  for (let tries = 0; tries < NAIVE_TRIES_MAX && !doubled; tries++) {
    await publish(planSends(messages(`naive-${tries}`), () => 0));
    doubled = (await keys(`naive-${tries}`)).length > 2;
  }
  assert.ok(doubled, `kafkajs has written a batch twice within ${NAIVE_TRIES_MAX} tries`);
  for (let round = 0; round < OURS_ROUNDS; round++) {
    await publish(planSends(messages(`ours-${round}`), (_, partition) => partition));
    assert.deepEqual(await keys(`ours-${round}`), messages(`ours-${round}`).map(({ key }) => key));
  }
});
