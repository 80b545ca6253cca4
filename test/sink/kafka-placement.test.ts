import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Partitioners } from 'kafkajs';
import { eventMessages, type EventEncoder } from '../../src/sink/kafka-messages.ts';
import { createPlacer } from '../../src/sink/kafka-placement.ts';
import { legEvent } from './sink.contract.ts';

/**
 * Apache Kafka's own test vectors (`UtilsTest.testMurmur2`), hash by key: the partition is the hash, without its sign,
 * modulo the number of partitions.
 *
 * @see https://github.com/apache/kafka/blob/trunk/clients/src/test/java/org/apache/kafka/common/utils/UtilsTest.java
 */
const vectors: readonly (readonly [key: string, hash: number])[] = [
  ['21', -973_932_308],
  ['foobar', -790_332_482],
  ['a-little-bit-long-string', -985_981_536],
  ['a-little-bit-longer-string', -1_486_304_829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58_897_971],
  ['abc', 479_470_107],
];
for (const [key, hash] of vectors) {
  test(`a key falls where the Java client puts it: ${key}`, () => {
    for (const count of [1, 3, 12, 50]) {
      assert.equal(createPlacer({ length: count })(key), (hash & 0x7fffffff) % count, `of ${count} partitions`);
    }
  });
}

test('any key falls where kafkajs puts it', () => {
  const kafkajs = Partitioners.DefaultPartitioner();
  fc.assert(fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 100 }), (key, count) => {
    const partitionMetadata = Array.from({ length: count }, (_, partitionId) =>
      ({ partitionId, partitionErrorCode: 0, leader: 1, replicas: [1], isr: [1] }));
    const expected = kafkajs({ topic: 'any', partitionMetadata, message: { key, value: null } });
    assert.equal(createPlacer({ length: count })(key), expected);
  }));
});

const encoder: EventEncoder = {
  topics: { 'call-legs': 'legs', 'call-records': 'records', 'rejected': 'rejected', 'offsets': 'offsets' },
  codecs: { 'call-legs': codec(), 'call-records': codec(), 'rejected': codec() },
  placers: new Map([['legs', (key) => key.length]]),
};

function codec() {
  return { encode: () => Buffer.alloc(0), decode: async () => undefined };
}

test('an event is keyed and placed by its call, so that a call keeps its order', () => {
  const { topic, key, partition } = eventMessages(encoder, legEvent('call-7'))[0]!;
  assert.deepEqual([topic, key, partition], ['legs', 'acme/call-7', 'acme/call-7'.length]);
});

test('where a stream has a table, its events go there, too, under the key of the row', () => {
  const withTable: EventEncoder = {
    topics: { ...encoder.topics, 'call-legs.latest': 'table' },
    codecs: { ...encoder.codecs, 'call-legs.latest': codec() },
    placers: new Map([...encoder.placers, ['table', (key) => 100 + key.length]]),
  };
  const [main, latest, ...more] = eventMessages(withTable, legEvent('call-7'));
  assert.deepEqual([latest!.topic, latest!.key, latest!.partition], ['table', 'acme/call-7/1', 113]);
  assert.deepEqual([latest!.event, latest!.timestampMs], [main!.event, main!.timestampMs]);
  assert.equal(more.length, 0);
});

test('the time of a message is that of the call, but never ahead of when the row was read', () => {
  const at = (clock: string) => Date.parse(`2026-03-01T${clock}Z`);
  assert.equal(eventMessages(encoder, legEvent('a', at('10:00:00')))[0]!.timestampMs, at('10:00:00'));
  const ahead = eventMessages(encoder, legEvent('a', at('10:55:00')))[0]!;
  assert.equal(ahead.timestampMs, at('10:30:00'), 'brokers refuse a batch with a time an hour ahead');
  assert.equal(ahead.event!.timeMs, at('10:55:00'), 'the event keeps its time');
});
