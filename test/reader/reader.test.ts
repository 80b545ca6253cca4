import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import avro from 'avsc';
import { avroDecoder } from './avro.ts';
import { createSegmentParser } from './segments.ts';

// Goal: the witness reads what is there. Method: what another library has encoded, and what Kafka's tool prints.

const manifest = {
  generation: 1, commit: 2, scan: 1, windowFrom: null, windowTo: 1_777_629_600_000, published: 3, rejected: 0,
  told: 1, digest: 2 ** 48 - 1, unfinished: 3, seenKeys: 3, seenDigest: 5,
};
const silence = {
  quietSince: 1_777_629_600_000, hour: 1_777_629_600_000, hourRows: 3, tenths: [0, 2 ** 31 - 1], weeks: [1, 4],
};
const delays = {
  histogram: [0, 20_000], settleMs: 9_000, tooShortMs: 0, since: 1, rows: 2, late: 1, lookbackMs: 2 ** 33,
  lookbackSince: 3,
};
const head = {
  version: 1, kind: 'HEAD', connector: 'c', pass: 'live', stream: 'call-legs', pbxId: 'Zürich', shardCount: 8,
  watermark: -1, seenFrom: 0, rememberedFrom: null, origin: null, drift: ['misfit missed'], state: 'PAUSED',
  plan: { from: 0, end: 3_600_000, replay: true, topic: 'my.topic' }, silence, delays, manifest,
  page: null, entries: [], fingerprints: Buffer.alloc(0), newest: null, barrier: null,
  reason: null, signal: 'c.signals-0@7', change: 'pause', who: null, at: null,
};
const seen = {
  ...head, kind: 'SEEN', manifest: null, page: 70,
  entries: [{ key: 'a/1/1', timeMs: 2 ** 31, hash: 2 ** 47, revision: 2, marks: 'AA-_' }],
};

for (const record of [head, seen]) {
  test(`a ${record.kind} is decoded as another library has encoded it`, () => {
    const schema = JSON.parse(readFileSync('schemas/offset.avsc', 'utf8'));
    const bytes = avro.Type.forSchema(schema).toBuffer(record);
    assert.deepEqual(avroDecoder(schema)(bytes), record);
    assert.throws(() => avroDecoder(schema)(bytes.subarray(1)), RangeError);
    assert.throws(() => avroDecoder(schema)(Buffer.concat([bytes, bytes])), RangeError);
  });
}

for (const number of [0, -1, 63, 64, -64, -65, 2 ** 31, -(2 ** 31), 2 ** 53 - 2, -(2 ** 52)]) {
  test(`the number ${number} is decoded exactly`, () => {
    assert.equal(avroDecoder('long')(avro.Type.forSchema('long').toBuffer(number)), number);
  });
}

test('a map, a list and a boolean are decoded', () => {
  const schema = { type: 'record', name: 'r', fields: [
    { name: 'map', type: { type: 'map', values: 'string' } },
    { name: 'list', type: ['null', { type: 'array', items: 'string' }] },
    { name: 'flag', type: ['null', 'boolean'] },
  ] } as const;
  const values = [
    { map: { a: 'b', c: '' }, list: ['x', '明'], flag: true }, { map: {}, list: null, flag: false },
  ];
  for (const value of values) {
    const bytes = avro.Type.forSchema(schema as unknown as avro.Schema).toBuffer(value);
    assert.deepEqual(avroDecoder(schema)(bytes), value);
  }
});

test('what DumpLogSegments prints becomes records and markers', () => {
  const parse = createSegmentParser();
  const batch = 'producerEpoch: 3 partitionLeaderEpoch: 0 isTransactional: true isControl: false position: 0 size: 9';
  const entries = [
    'Dumping /tmp/log/c.call-legs-12/00000000000000000000.log',
    'Log starting offset: 0',
    `baseOffset: 7 lastOffset: 8 count: 2 baseSequence: 0 lastSequence: 1 producerId: 5 ${batch}`,
    '| offset: 7 CreateTime: 1777629600000 keySize: 4 valueSize: 9 sequence: 0 headerKeys: [ce_id]',
    '| offset: 8 CreateTime: 1777629600000 keySize: 4 valueSize: -1 sequence: 1 headerKeys: []',
    `baseOffset: 9 lastOffset: 9 count: 1 baseSequence: -1 lastSequence: -1 producerId: 5 ${batch}`,
    '| offset: 9 CreateTime: 1777629600000 keySize: 4 valueSize: 6 sequence: -1 headerKeys: [] '
      + 'endTxnMarker: ABORT coordinatorEpoch: 0',
  ].flatMap(parse);
  const of = { topic: 'c.call-legs', partition: 12, producerId: 5, producerEpoch: 3, transactional: true };
  assert.deepEqual(entries, [{ ...of, offset: 7 }, { ...of, offset: 8 }, { ...of, offset: 9, marker: 'ABORT' }]);
});
