import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Kafka, KafkaMessage } from 'kafkajs';
import type { ConnectorError } from '../../src/errors.ts';
import type { Shard } from '../../src/feed/feed.ts';
import { KafkaGroup } from '../../src/sink/kafka-group.ts';

// Goal: what a member of the group believes to own, and reads, follows what the group says and nothing else. Method: a
// consumer of a few lines in place of kafkajs's, whose group the test plays.

type Told = (event: { readonly payload: unknown }) => void;
type EachBatch = (given: {
  readonly batch: { readonly partition: Shard; readonly messages: readonly KafkaMessage[] };
  readonly isStale: () => boolean;
}) => Promise<void>;

/** A member, the shards it has told to own so far, and what it has asked of its consumer. */
async function member() {
  const listeners = new Map<string, Told>();
  const asked: string[] = [];
  const running = Promise.withResolvers<EachBatch>();
  const consumer = {
    events: { GROUP_JOIN: 'join', CRASH: 'crash' },
    on: (event: string, listener: Told) => void listeners.set(event, listener),
    async connect() {},
    async subscribe() {},
    async run({ eachBatch }: { readonly eachBatch: EachBatch }) {
      running.resolve(eachBatch);
    },
    async disconnect() {},
    seek: ({ partition, offset }: { readonly partition: Shard; readonly offset: string }) =>
      void asked.push(`seek ${partition} to ${offset}`),
    resume: ([{ partitions }]: [{ readonly partitions: readonly Shard[] }]) => void asked.push(`resume ${partitions}`),
    pause: ([{ partitions }]: [{ readonly partitions: readonly Shard[] }]) => void asked.push(`pause ${partitions}`),
  };
  const left: (ConnectorError | undefined)[] = [];
  const group = new KafkaGroup({ consumer: () => consumer } as unknown as Kafka, {
    groupId: '8x8.live', offsetsTopic: 'offsets', sessionTimeoutMs: 6_000, onMembership: (error) => left.push(error),
  });
  const stop = new AbortController();
  const owned: Shard[][] = [];
  const following = (async () => {
    for await (const shards of group.ownedShards(stop.signal)) owned.push([...shards]);
  })();
  const eachBatch = await running.promise;
  return {
    group, asked, owned, left,
    join: (...shards: Shard[]) => listeners.get('join')!({ payload: { memberAssignment: { offsets: shards } } }),
    crash: () => listeners.get('crash')!({ payload: { error: new Error('unknown member'), restart: true } }),
    give: (partition: Shard, messages: readonly KafkaMessage[], { stale = false } = {}) =>
      eachBatch({ batch: { partition, messages }, isStale: () => stale }),
    async leave() {
      stop.abort();
      await following;
    },
  };
}

function record(key: string): KafkaMessage {
  return { key: Buffer.from(key), value: null, timestamp: '0', attributes: 0, offset: '0', headers: {} };
}

const isLast = ({ key }: KafkaMessage): boolean => String(key) === 'last';
const keysOf = (messages: readonly KafkaMessage[]): readonly string[] => messages.map(({ key }) => String(key));
/** Until all that can run has run. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a member tells the shards that the group gives it, now and after every change', async () => {
  const { join, owned, leave } = await member();
  join(0, 1);
  await settle();
  join(1);
  await settle();
  assert.deepEqual(owned, [[0, 1], [1]]);
  await leave();
});

test('a member that crashes out of the group owns nothing, until it has joined again', async () => {
  const { join, crash, owned, left, leave } = await member();
  join(0, 1);
  await settle();
  crash();
  await settle();
  assert.deepEqual(owned, [[0, 1], []]);
  assert.match(left.at(-1)!.message, /out of consumer group 8x8.live on offsets: unknown member/);
  join(0);
  await settle();
  assert.deepEqual([owned.at(-1), left.at(-1)], [[0], undefined]);
  await leave();
});

test('a shard is read from its start to its last record, and only while it is asked for', async () => {
  const { group, join, give, asked, leave } = await member();
  join(0);
  await give(0, [record('before anybody asks')]);
  const reading = group.read(0, isLast);
  await give(0, [record('a'), record('b')]);
  await give(1, [record('of another shard')]);
  await give(0, [record('c'), record('last'), record('behind it')]);
  assert.deepEqual(keysOf(await reading), ['a', 'b', 'c']);
  assert.deepEqual(asked, ['pause 0', 'seek 0 to 0', 'resume 0', 'pause 0']);
  await leave();
});

test('a join forgets positions, so what is being read is read again from its start', async () => {
  const { group, join, give, asked, leave } = await member();
  join(0, 1);
  const reading = group.read(0, isLast);
  await give(0, [record('a'), record('b')]);
  asked.length = 0;
  join(0, 1);
  assert.deepEqual(asked, ['seek 0 to 0', 'resume 0', 'pause 1']);
  await give(0, [record('from before the join')], { stale: true });
  await give(0, [record('a'), record('b'), record('last')]);
  assert.deepEqual(keysOf(await reading), ['a', 'b']);
  await leave();
});

test('a shard that is taken away while it is read is not ours to read', async () => {
  const { group, join, give, leave } = await member();
  join(0, 1);
  const reading = group.read(0, isLast);
  await give(0, [record('a')]);
  join(1);
  await assert.rejects(reading, { code: 'SINK_FENCED' });
  await leave();
});
