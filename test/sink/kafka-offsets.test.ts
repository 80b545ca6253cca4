import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KafkaMessage } from 'kafkajs';
import { ConnectorError } from '../../src/errors.ts';
import type { Codec } from '../../src/sink/avro.ts';
import type { PlacedMessage } from '../../src/sink/kafka-messages.ts';
import {
  barrierMessage, isBarrier, offsetMessage, offsetsFrom, type OffsetsTopic,
} from '../../src/sink/kafka-offsets.ts';

// Goal: what cannot be true in the offsets topic stops the shard with its reason. Method: JSON in place of Avro.

const feed = { stream: 'call-legs', pbxId: 'acme', pass: 'live' } as const;
const jsonCodec: Codec = {
  encode: (value) => Buffer.from(JSON.stringify(value)),
  decode: async (bytes) => ({ entries: [], watermark: null, seenFrom: null, page: null, ...JSON.parse(String(bytes)) }),
};
const topic: OffsetsTopic = { topic: '8x8.offsets', connector: '8x8', pass: 'live', shardCount: 8, codec: jsonCodec };

const asRead = ({ key, value }: PlacedMessage, offset = 0): KafkaMessage => ({
  key: Buffer.from(key),
  value: value === null ? null : Buffer.from(value),
  timestamp: '0',
  attributes: 0,
  offset: String(offset),
  headers: {},
});
const head = (watermarkMs: number, of = topic) =>
  asRead(offsetMessage(of, 0, { kind: 'head', feed, watermarkMs, seenFromMs: 10 }));
const page = (number: number, ...keys: string[]) => asRead(offsetMessage(topic, 0, {
  kind: 'seen', feed, page: number, entries: keys.map((key) => ({ key, timeMs: 50, hash: 1 })),
}));

const isInvalid = (reason: RegExp) => (error: unknown): boolean =>
  error instanceof ConnectorError && error.code === 'OFFSETS_INVALID' && reason.test(error.message);

test('the last record of a key counts, and a tombstone forgets', async () => {
  const history = [head(20), page(0, 'a'), page(1, 'b'), head(30), page(0)];
  const offset = (await offsetsFrom(topic, history)).get('live/call-legs/acme')!;
  assert.equal(offset.watermarkMs, 30);
  assert.equal(offset.seenEntry('a'), undefined);
  assert.equal(offset.seenEntry('b')?.timeMs, 50);
});

test('records of other connectors and passes in the same topic are none of ours', async () => {
  const others = [head(20, { ...topic, connector: '8x8x' }), head(20, { ...topic, connector: 'other' })];
  assert.equal((await offsetsFrom(topic, others)).size, 0);
});

test('garbage, a newer version, another number of shards and keys without a watermark are refused', async () => {
  const garbage = { ...head(20), value: Buffer.from([7, 7]) };
  await assert.rejects(offsetsFrom(topic, [garbage]), isInvalid(/unreadable/));
  const newer = { ...head(20), value: Buffer.from(JSON.stringify({ version: 2 })) };
  await assert.rejects(offsetsFrom(topic, [newer]), isInvalid(/version 2.*run the newer one/));
  const fewer = head(20, { ...topic, shardCount: 4 });
  await assert.rejects(offsetsFrom(topic, [fewer]), isInvalid(/had 4 partitions.*now it has 8/));
  await assert.rejects(offsetsFrom(topic, [page(0, 'a')]), isInvalid(/without its watermark/));
});

test('a registry that is away says nothing of the record', async () => {
  const away = new ConnectorError('SINK_UNAVAILABLE', 'the registry is away');
  const codec: Codec = { ...jsonCodec, decode: () => Promise.reject(away) };
  await assert.rejects(offsetsFrom({ ...topic, codec }, [head(20)]), away);
});

test('a barrier is known by its value; that of another owner, a tombstone of it and other records are not it', () => {
  const mark = asRead(barrierMessage(topic, 0, 'mine'));
  assert.ok(isBarrier(topic, mark, 'mine'));
  assert.ok(!isBarrier(topic, mark, 'other'));
  assert.ok(!isBarrier(topic, { ...mark, value: null }, 'mine'));
  assert.ok(!isBarrier(topic, { ...mark, key: Buffer.from('8x8/live/call-legs/acme') }, 'mine'));
});
