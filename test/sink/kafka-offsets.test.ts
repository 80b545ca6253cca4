import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KafkaMessage } from 'kafkajs';
import { ConnectorError } from '../../src/errors.ts';
import { contentsOf, tallyOf } from '../../src/feed/manifest.ts';
import type { FeedId } from '../../src/feed/feed.ts';
import type { Codec } from '../../src/sink/avro.ts';
import type { PlacedMessage } from '../../src/sink/kafka-messages.ts';
import {
  barrierMessage, changeMessage, isBarrier, offsetMessage, offsetsFrom, readLatest, type OffsetsTopic,
} from '../../src/sink/kafka-offsets.ts';
import { NOTHING_LEARNT } from '../../src/feed/learnt.ts';
import type { HeadRecord } from '../../src/feed/offset.ts';
import { entry } from '../feed/entry.ts';

// Goal: what cannot be true in the offsets topic stops the shard with its reason. Method: JSON in place of Avro.

const feed = { stream: 'call-legs', pbxId: 'acme', pass: 'live' } as const;
const jsonCodec: Codec = {
  encode: (value) => Buffer.from(JSON.stringify(value)),
  decode: async (bytes) => {
    const defaults = {
      entries: [], watermark: null, seenFrom: null, plan: null, silence: null, delays: null, manifest: null,
    };
    const value = JSON.parse(String(bytes)) as { readonly fingerprints?: { readonly data: readonly number[] } };
    return { ...defaults, ...value, fingerprints: Buffer.from(value.fingerprints?.data ?? []) };
  },
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
const record = (watermarkMs: number, { keys = 0, generation = 1, feed: feedId = feed as FeedId } = {}): HeadRecord => {
  const seen = tallyOf(Array.from({ length: keys }, () => 1));
  const manifest = { ...contentsOf(generation, []), commit: 1, scan: undefined, unfinished: 0, seen };
  return {
    kind: 'head', feed: feedId, watermarkMs, seenFromMs: 10, rememberedFromMs: 5, originMs: 10, drift: [],
    state: 'RUNNING', pass: undefined, learnt: NOTHING_LEARNT, manifest,
  };
};
const head = (watermarkMs: number, { of = topic, ...how }: { of?: OffsetsTopic } & Parameters<typeof record>[1] = {}) =>
  asRead(offsetMessage(of, 0, record(watermarkMs, how)));
const page = (number: number, ...keys: string[]) => asRead(offsetMessage(topic, 0, {
  kind: 'seen', feed, page: number, entries: keys.map((key) => entry(key, 50)),
}));

const isInvalid = (reason: RegExp) => (error: unknown): boolean =>
  error instanceof ConnectorError && error.code === 'OFFSETS_INVALID' && reason.test(error.message);

test('the last record of a key counts, and a tombstone forgets', async () => {
  const history = [head(20), page(0, 'a'), page(1, 'b'), head(30, { keys: 1 }), page(0)];
  const offset = (await offsetsFrom(topic, history)).get('live/call-legs/acme')!;
  assert.equal(offset.watermarkMs, 30);
  assert.equal(offset.seenEntry('a'), undefined);
  assert.equal(offset.seenEntry('b')?.timeMs, 50);
});

test('a record of another connector is refused, its mark and its tombstones are not', async () => {
  const of = { ...topic, connector: '8x8x' };
  const mark = asRead(barrierMessage(of, 0, 'theirs'));
  const theirs = head(20, { of });
  const gone = { ...theirs, value: null };
  assert.equal((await offsetsFrom(topic, [theirs, mark, gone, head(20)])).size, 1);
  const cure = /is not of connector 8x8; cure: CONNECTOR_NAME as it was/;
  await assert.rejects(offsetsFrom(topic, [theirs, mark]), isInvalid(cure));
});

test('the last signal that a feed has obeyed is known, and its record is no offset', async () => {
  const note = { change: 'pause', who: 'a', reason: 'b', at: 5 };
  const resets = ['8x8.signals-0@4', '8x8.signals-0@7'].map((signal) =>
    asRead(changeMessage(topic, record(20), { ...note, signal })));
  const { signals, records } = await readLatest(topic, [head(20), ...resets]);
  assert.deepEqual([...signals], [['live/call-legs/acme', '8x8.signals-0@7']]);
  assert.equal(records.length, 1);
  assert.deepEqual([...(await readLatest(topic, [asRead(changeMessage(topic, record(20), note))])).signals], []);
});

test('a pass over history is read back as it was asked for, beside the live one', async () => {
  const of = { ...feed, pass: 'year-2025' };
  const pass = { fromMs: 1_000, endMs: 9_000, replay: false };
  const paused = asRead(offsetMessage(topic, 0, { ...record(5_000, { feed: of }), state: 'PAUSED', pass }));
  const offsets = await offsetsFrom(topic, [head(20), paused]);
  assert.deepEqual([...offsets.values()].map(({ feed: id, state, pass: plan }) => [id, state, plan]),
    [[feed, 'RUNNING', undefined], [of, 'PAUSED', pass]]);
});

test('fingerprints are read back, and are not to be read by a connector that does not know them', async () => {
  const sealed = { newestMs: 40, fingerprints: Float64Array.of(0, 1, 2 ** 40 + 5, 2 ** 48 - 1) };
  const message = asRead(offsetMessage(topic, 0, { kind: 'seen', feed, page: 3, entries: [], sealed }));
  const { records } = await readLatest(topic, [message]);
  assert.deepEqual(records, [{ kind: 'seen', feed, page: 3, entries: [], sealed }]);
  assert.equal((JSON.parse(String(message.value)) as { readonly version: number }).version, 2);
});

test('a head of before there were fingerprints remembers what it knows whole', async () => {
  const value = JSON.parse(String(head(20).value)) as object;
  const old = { ...head(20), value: Buffer.from(JSON.stringify({ ...value, rememberedFrom: null })) };
  assert.deepEqual((await Promise.all([head(20), old].map((one) => offsetsFrom(topic, [one])))).map((offsets) =>
    offsets.get('live/call-legs/acme')!.rememberedFromMs), [5, 10]);
});

const sealedValue = (change: object) => {
  const sealed = { newestMs: 40, fingerprints: Float64Array.of(7) };
  const message = asRead(offsetMessage(topic, 0, { kind: 'seen', feed, page: 3, entries: [], sealed }));
  return { ...message, value: Buffer.from(JSON.stringify({ ...JSON.parse(String(message.value)), ...change })) };
};
const withValue = (value: object | null) => ({ ...head(20), value: value && Buffer.from(JSON.stringify(value)) });
const globex = { ...feed, pbxId: 'globex' };
const refusals: { name: string; history: KafkaMessage[]; reason: RegExp }[] = [
  { name: 'garbage', history: [{ ...head(20), value: Buffer.from([7, 7]) }], reason: /unreadable/ },
  { name: 'a newer version', history: [withValue({ version: 3 })], reason: /version 3.*run the newer one/ },
  { name: 'another number of shards', history: [head(20, { of: { ...topic, shardCount: 4 } })],
    reason: /had 4 partitions.*now it has 8/ },
  { name: 'keys without a watermark', history: [page(0, 'a')], reason: /without its watermark/ },
  { name: 'a watermark that was deleted', history: [head(20), page(0, 'a'), withValue(null)], reason: /tombstone/ },
  { name: 'a head without a manifest', history: [withValue({ version: 1, shardCount: 8, kind: 'HEAD', watermark: 1 })],
    reason: /lacks watermark or manifest/ },
  { name: 'keys that its manifest does not count', history: [head(20, { keys: 1 }), page(0, 'a'), page(1, 'b')],
    reason: /left 1 seen keys, but the topic has 2/ },
  { name: 'keys that have gone', history: [page(0, 'a'), head(20, { keys: 2 })], reason: /has 1: records are missing/ },
  { name: 'a fingerprint that is cut', history: [head(20), sealedValue({ fingerprints: Buffer.from([1, 2, 3]) })],
    reason: /seen\/3 .* has a fingerprint that is cut/ },
  { name: 'fingerprints of no time', history: [head(20), sealedValue({ newest: null })],
    reason: /of when its keys are/ },
  { name: 'keys and fingerprints in one', history: [head(20), sealedValue({ entries: [entry('a', 1)] })],
    reason: /has both keys and fingerprints/ },
  { name: 'an owner behind its successor',
    history: [head(20, { generation: 3 }), head(20, { generation: 2, feed: globex })],
    reason: /generation 2 has written behind generation 3.*--feed live\/call-legs\/globex/ },
];
for (const { name, history, reason } of refusals) {
  test(`offsets with ${name} are refused, with the command that mends them`, async () => {
    await assert.rejects(offsetsFrom(topic, history), isInvalid(reason));
    const cure = /cure: 8x8-connector offsets reset --feed live\/call-/;
    await assert.rejects(offsetsFrom(topic, history), isInvalid(cure));
  });
}

test('a reset explains its head, and is not in the way of reading', async () => {
  const note = { change: 'reset', who: 'a person', reason: 'a restore from backup', at: 7 };
  const reset = asRead(changeMessage(topic, record(5), note));
  const offset = (await offsetsFrom(topic, [head(20), reset, head(5)])).get('live/call-legs/acme')!;
  assert.equal(offset.watermarkMs, 5);
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
