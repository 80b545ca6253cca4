import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KafkaMessage } from 'kafkajs';
import { ConnectorError } from '../../src/errors.ts';
import type { FeedId } from '../../src/feed/feed.ts';
import { contentsOf } from '../../src/feed/manifest.ts';
import { OffsetState } from '../../src/feed/offset.ts';
import type { Codec } from '../../src/sink/avro.ts';
import type { PlacedMessage } from '../../src/sink/kafka-messages.ts';
import type { Transaction } from '../../src/sink/kafka-publisher.ts';
import { offsetMessage } from '../../src/sink/kafka-offsets.ts';
import { openKafkaSession, type SessionParts } from '../../src/sink/kafka-session.ts';
import { callLegs } from '../../src/streams/call-legs.ts';
import { legEvent, step } from './sink.contract.ts';

// Goal: what a session asks of Kafka, and in which order. Method: a Kafka of a few lines that notes what it is asked,
// and lets the n-th transaction go through, fail or hang. What Kafka makes of it, the contract shows on a real one.

type Fate = 'yes' | 'no' | 'silence';
/** What becomes of the n-th transaction, counted from 0. */
type FateOf = (number: number) => Fate;

const feed: FeedId = { stream: 'call-legs', pbxId: 'acme', pass: 'live' };
const topics = { 'call-legs': 'legs', 'call-records': 'records', 'rejected': 'rejected', 'offsets': 'offsets' };
const absent = { entries: [], fingerprints: '', watermark: null, seenFrom: null, manifest: null };
const jsonCodec: Codec = {
  encode: (value) => Buffer.from(JSON.stringify(value)),
  decode: async (bytes) => ({ ...absent, ...JSON.parse(String(bytes)) }),
};
const window = { from: Date.parse('2026-03-01T09:00:00Z'), to: Date.parse('2026-03-01T11:00:00Z') };
const rejected = callLegs.toEvent({ pbxId: 'acme' }, { pbxId: 'acme', window, observedAtMs: window.to });

interface World {
  /** What the offsets topic holds already. */
  readonly before?: readonly KafkaMessage[];
  readonly fateOf?: FateOf;
  readonly timeoutMs?: number;
  /** Whether the topic of a replay can be used. */
  readonly topicIsThere?: () => boolean;
}

function kafka({ before = [], fateOf = () => 'yes', timeoutMs = 60_000, topicIsThere = () => true }: World = {}) {
  const deeds: string[] = [];
  const transactions: Transaction[] = [];
  const log = [...before];
  const parts: SessionParts = {
    offsets: { topic: topics.offsets, connector: '8x8', pass: 'live', shardCount: 8, codec: jsonCodec },
    encoder: {
      topics,
      codecs: { 'call-legs': jsonCodec, 'call-records': jsonCodec, 'rejected': jsonCodec },
      placers: new Map(Object.values(topics).map((topic) => [topic, () => 0])),
    },
    publishing: { transactionTimeoutMs: timeoutMs, compression: 0, leaders: new Map() },
    async openPublisher({ transactionalId }) {
      deeds.push(`open ${transactionalId}`);
      return {
        async publish(transaction) {
          deeds.push('publish');
          const fate = fateOf(transactions.push(transaction) - 1);
          if (fate === 'silence') await new Promise(() => undefined);
          if (fate === 'no') throw new Error('connection reset');
          for (const message of transaction.messages) {
            if (message.topic === topics.offsets) log.push(asRead(message, log.length));
          }
        },
        async close() {
          deeds.push('close');
        },
      };
    },
    async read(_, isLast) {
      deeds.push('read');
      const end = log.findIndex(isLast);
      return log.slice(0, end + 1);
    },
    async openTopic(topic) {
      deeds.push(`open topic ${topic}`);
      if (!topicIsThere()) throw new ConnectorError('SINK_TOPIC_REFUSED', 'away');
      return { codec: jsonCodec, placer: () => 3, leaders: new Map([[`${topic}/3`, 1]]) };
    },
    onTransaction: () => undefined,
  };
  return { parts, deeds, transactions, log };
}

function asRead({ key, value }: PlacedMessage, offset: number): KafkaMessage {
  const bytes = value === null ? null : Buffer.from(value);
  return { key: Buffer.from(key), value: bytes, timestamp: '0', attributes: 0, offset: String(offset), headers: {} };
}

function topicsOf({ messages }: Transaction): readonly string[] {
  return [...new Set(messages.map(({ topic }) => topic))].sort();
}

const isCode = (code: string) => (error: unknown): boolean => error instanceof ConnectorError && error.code === code;

test('a takeover fences first, and reads then', async () => {
  const { parts, deeds, transactions } = kafka();
  await openKafkaSession(parts, 0);
  assert.deepEqual(deeds, ['open 8x8.live.0', 'publish', 'read']);
  assert.deepEqual(topicsOf(transactions[0]!), [topics.offsets], 'an empty transaction would fence nobody');
});

test('every owner of a shard has the same transactional id, for it is what fences', async () => {
  const { parts, deeds } = kafka();
  for (const shard of [3, 3, 4]) await openKafkaSession(parts, shard);
  const opened = deeds.filter((deed) => deed.startsWith('open'));
  assert.deepEqual(opened, ['open 8x8.live.3', 'open 8x8.live.3', 'open 8x8.live.4']);
});

test('a takeover reads up to its own mark, past those of the owners before', async () => {
  const { parts, log } = kafka();
  const first = await openKafkaSession(parts, 0);
  await first.commit(step([legEvent('a')], '10:00:00'));
  const second = await openKafkaSession(kafka({ before: log }).parts, 0);
  assert.equal(second.offsetOf(feed)?.watermarkMs, Date.parse('2026-03-01T10:00:00Z'));
  assert.notEqual(second.offsetOf(feed)?.seenEntry(legEvent('a').key), undefined);
});

test('a commit is one transaction: events, dead letters and the offset with its keys', async () => {
  const { parts, transactions } = kafka();
  const session = await openKafkaSession(parts, 0);
  await session.commit(step([legEvent('a'), rejected]));
  assert.equal(transactions.length, 2, 'the mark of the takeover, and the commit');
  assert.deepEqual(topicsOf(transactions[1]!), ['legs', 'offsets', 'rejected']);
  const keys = transactions[1]!.messages.filter(({ topic }) => topic === topics.offsets).map(({ key }) => key);
  assert.deepEqual(keys, ['8x8/live/call-legs/acme', '8x8/live/call-legs/acme/seen/0']);
});

test('what is staged is not published before its commit', async () => {
  const { parts, transactions } = kafka();
  const session = await openKafkaSession(parts, 0);
  session.stage([legEvent('a')]);
  await session.commit(step([]));
  assert.deepEqual(topicsOf(transactions[1]!), [topics.offsets]);
});

const failures: { name: string; fate: Fate; timeoutMs?: number }[] = [
  { name: 'Kafka has refused', fate: 'no' },
  { name: 'Kafka has not answered in time', fate: 'silence', timeoutMs: 40 },
];
for (const { name, fate, timeoutMs } of failures) {
  test(`after a commit that ${name} nothing more is sent, and the offset is as it was`, async () => {
    const fateOf: FateOf = (number) => (number === 2 ? fate : 'yes');
    const { parts, deeds } = kafka({ fateOf, ...(timeoutMs && { timeoutMs }) });
    const session = await openKafkaSession(parts, 0);
    await session.commit(step([legEvent('a')]));
    await assert.rejects(session.commit(step([legEvent('b')], '10:00:00')), isCode('SINK_OUTCOME_UNKNOWN'));
    const before = deeds.length;
    await assert.rejects(session.commit(step([legEvent('c')], '11:00:00')), isCode('SINK_OUTCOME_UNKNOWN'));
    assert.deepEqual(deeds.slice(before), [], 'not even to abort: the next owner does');
    assert.equal(deeds.filter((deed) => deed === 'publish').length, 3, 'the mark, and each commit once');
    assert.equal(session.offsetOf(feed)?.watermarkMs, Date.parse('2026-03-01T09:00:00Z'));
    assert.equal(session.offsetOf(feed)?.seenEntry(legEvent('b').key), undefined);
  });
}

test('a shard whose takeover fails lets go of its producer', async () => {
  const { parts, deeds } = kafka({ fateOf: () => 'no' });
  await assert.rejects(openKafkaSession(parts, 0), isCode('SINK_OUTCOME_UNKNOWN'));
  assert.deepEqual(deeds, ['open 8x8.live.0', 'publish', 'close']);
});

/** What a person who begins a replay to another topic has left in the log. */
function begun(): readonly KafkaMessage[] {
  const offsets = kafka().parts.offsets;
  const pass = { fromMs: 0, endMs: window.to, replay: true, topic: 'again' };
  const state = new OffsetState(replayed, 0);
  return state.changeTo({ watermarkMs: 0, state: 'RUNNING', pass }, contentsOf(1, []), 1)
    .map((record, index) => asRead(offsetMessage(offsets, 0, record), index));
}

const replayed: FeedId = { ...feed, pass: 'old' };

test('rows of a replay go to the topic of its plan alone, its dead letters where all are', async () => {
  const { parts, transactions, deeds } = kafka({ before: begun() });
  const { encoder } = parts;
  const table = {
    topics: { ...topics, 'call-legs.latest': 'table' }, codecs: { ...encoder.codecs, 'call-legs.latest': jsonCodec },
    placers: new Map([...encoder.placers, ['table', () => 0]]),
  };
  const session = await openKafkaSession({ ...parts, encoder: table }, 0);
  const rows = [legEvent('a'), legEvent('b')];
  session.stage(rows);
  for (const row of rows) await session.commit({ ...step([row, rejected]), feed: replayed });
  for (const { messages, leaders } of transactions.slice(1)) {
    assert.deepEqual(topicsOf({ messages }), ['again', 'offsets', 'rejected']);
    assert.deepEqual([messages[0]!.partition, leaders], [3, new Map([['again/3', 1]])]);
  }
  assert.deepEqual(deeds.filter((deed) => deed.startsWith('open topic')), ['open topic again'], 'once a session');
  await session.commit(step([]));
  assert.equal(transactions.at(-1)!.leaders, undefined);
});

test('a replay that cannot use its topic is told so, and the session goes on', async () => {
  let isThere = false;
  const { parts, transactions } = kafka({ before: begun(), topicIsThere: () => isThere });
  const session = await openKafkaSession(parts, 0);
  const page = { ...step([legEvent('a')]), feed: replayed };
  await assert.rejects(session.commit(page), isCode('SINK_TOPIC_REFUSED'));
  assert.equal(transactions.length, 1, 'nothing is sent');
  await session.commit({ ...step([]), feed: replayed }); // without rows it needs no topic
  await session.commit({ ...step([rejected]), feed: { ...feed, pbxId: 'globex' } });
  isThere = true;
  await session.commit(page);
  assert.deepEqual(topicsOf(transactions.at(-1)!), ['again', 'offsets']);
});
