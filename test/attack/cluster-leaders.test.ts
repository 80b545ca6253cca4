import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { KafkaSink } from '../../src/sink/kafka.ts';
import type { Commit, ShardSession } from '../../src/sink/sink.ts';
import { readTopics } from '../reader/topics.ts';
import { legEvent, ownsAll, step } from '../sink/sink.contract.ts';
import { smallSink } from '../sink/small-sink.ts';
import { withAdmin } from '../stack/admin.ts';
import { startCluster, type Cluster } from '../stack/cluster.ts';
import { startProxy, type Proxy } from './proxy.ts';

// Goal: leaders that move within a session, and a second failure, write nothing twice. Method: two partitions that one
// broker leads when the session is opened are given to one broker each; from then on one of these cuts a connection
// in each transaction, while the answer of the other is still to come.

/** kafkajs asks a broker of its choice for the new leaders; only if it is not the slow one does the trouble bite. */
const ROUNDS = 10;
const LATE_MAX_MS = 300;

const topics = { 'call-legs': 'l', 'call-records': 'r', 'rejected': 'x', 'offsets': 'o' };
const [FIRST, CUTTING, SLOW] = [1, 2, 3] as const;
const proxies = new Map<number, Proxy>();
const struck = new Set<number>();
const stop = new AbortController();
let striking = false;
let cluster: Cluster;
let sink: KafkaSink;

before(async () => {
  cluster = await startCluster({ proxied: true });
  for (const node of cluster.nodes) {
    const { port, proxyPort } = cluster.listenerOf(node);
    proxies.set(node, await startProxy({
      port: proxyPort,
      upstreamPort: port,
      decide: ({ api }) => {
        if (!striking || api !== 'Produce' || node === FIRST || struck.has(node)) return undefined;
        struck.add(node);
        return node === CUTTING ? 'cut-request' : 'hold-request';
      },
    }));
  }
  await createTopics();
  const brokers = cluster.nodes.map((node) => `127.0.0.1:${proxies.get(node)!.port}`).join(',');
  sink = new KafkaSink({
    ...smallSink('leaders', { ...cluster, brokers }), topics, create: false, partitions: 2, replicationFactor: 3,
    transactionTimeoutMs: 20_000,
  });
  await sink.check();
  await ownsAll(sink, stop.signal);
});
after(async () => {
  stop.abort();
  await sink.close();
  for (const proxy of proxies.values()) await proxy.close();
  await cluster.stop();
});

/** All led by one broker, those of events and offsets in the partitions that matter. */
async function createTopics(): Promise<void> {
  const led = [[FIRST, CUTTING, SLOW], [FIRST, SLOW, CUTTING]];
  const replicaAssignment = led.map((replicas, partition) => ({ partition, replicas }));
  const compacted = [{ name: 'cleanup.policy', value: 'compact' }];
  await withAdmin(cluster.brokers, (admin) => admin.createTopics({
    waitForLeaders: false,
    topics: [
      ...[topics['call-legs'], topics['call-records'], topics.rejected].map((topic) => ({ topic, replicaAssignment })),
      { topic: topics.offsets, replicaAssignment: replicaAssignment.slice(0, 1), configEntries: compacted },
    ],
  }));
  await cluster.inSync(Object.values(topics));
}

/** Gives the two partitions away, as a rebalance of the brokers does. */
async function moveLeaders(): Promise<void> {
  const places = [[CUTTING, SLOW], [SLOW, CUTTING]];
  await withAdmin(cluster.brokers, (admin) => admin.alterPartitionReassignments({
    topics: [{
      topic: topics['call-legs'],
      partitionAssignment: places.map((replicas, partition) => ({ partition, replicas })),
    }],
  }));
  for (let tries = 0; tries < 300; tries += 1) {
    const leaders = await Promise.all([0, 1].map((partition) => cluster.leaderOf(topics['call-legs'], partition)));
    if (leaders[0] === CUTTING && leaders[1] === SLOW) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('The leaders have not moved.');
}

/** One commit under both failures. The slow broker answers when the other has been asked again, or soon after all. */
async function commitUnderFire(session: ShardSession, commit: Commit): Promise<void> {
  const [cutting, slow] = [proxies.get(CUTTING)!, proxies.get(SLOW)!];
  const before = cutting.seen.get('Produce') ?? 0;
  let heldMs = 0;
  const releasing = setInterval(() => {
    if (slow.held > 0) heldMs += 20;
    if ((cutting.seen.get('Produce') ?? 0) < before + 2 && heldMs < LATE_MAX_MS) return;
    slow.release();
    heldMs = 0;
  }, 20);
  struck.clear();
  striking = true;
  try {
    await session.commit(commit);
  } finally {
    striking = false;
    clearInterval(releasing);
    slow.release();
  }
}

test('leaders that move within a session, and a second failure, lose and double nothing', async () => {
  let session = await sink.openShard(0);
  await session.commit(step([legEvent('before')]));
  await moveLeaders();
  const expected = ['before'];
  let bothStruck = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const ids = Array.from({ length: 6 }, (_, index) => `${round}-${index}`);
    const commit = step(ids.map((id) => legEvent(id)));
    for (let tries = 0; tries < 5; tries += 1) {
      const failed = await commitUnderFire(session, commit).then(() => false, () => true);
      if (!failed) break;
      await session.close();
      session = await sink.openShard(0);
      if (session.offsetOf(commit.feed)!.seenEntry(commit.step.seen[0]!.key) !== undefined) break;
    }
    if (struck.size === 2) bothStruck += 1;
    expected.push(...ids);
  }
  await session.close();
  const published = (await readTopics(cluster, [topics['call-legs']])).map(({ value }) => String(value!['callId']));
  assert.deepEqual(published.toSorted(), expected.toSorted());
  assert.ok(bothStruck >= ROUNDS / 2, `both brokers had their trouble: ${bothStruck} of ${ROUNDS}`);
});
