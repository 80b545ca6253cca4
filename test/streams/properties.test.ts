import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { callLegFields, callLegLeftOut } from '../../src/streams/call-legs.ts';
import { callRecordFields, callRecordLeftOut } from '../../src/streams/call-records.ts';
import { streams } from '../../src/streams/index.ts';
import type { BusEvent, RawRow, Stream } from '../../src/streams/stream.ts';
import { documentedLegs, documentedRecords } from './documented.ts';
import { assertSurvivesAvro, context } from './schemas.ts';

const named = new Set([callLegFields, callLegLeftOut, callRecordFields, callRecordLeftOut].flatMap(Object.keys));

/** UTF-16 units at random: half surrogates, control characters, everything. */
const anyText = fc.array(fc.nat(0xffff), { maxLength: 12 }).map((units) => String.fromCharCode(...units));
const anyNumber = fc.oneof(fc.double(), fc.integer(), fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(Number));
const sentinel = fc.constantFrom<unknown>(
  ...[null, 0, '0', '', '-', true, 'Missed', '1643898472253', 1643898472253, [], ['x']],
);
const anyKey = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...named) },
  fc.constantFrom('__proto__', 'constructor', 'toString', 'hasOwnProperty', 'eventId', 'extras', 'observedAt', '0'),
  anyText,
);
const { anyJson } = fc.letrec<{ anyJson: unknown }>((tie) => ({
  anyJson: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    sentinel,
    anyText,
    anyNumber,
    fc.array(tie('anyJson'), { maxLength: 3 }),
    fc.array(fc.tuple(anyKey, tie('anyJson')), { maxLength: 3 }).map(objectOf),
  ),
}));
const entries = fc.uniqueArray(fc.tuple(anyKey, anyJson), { maxLength: 6, selector: ([key]) => key });
const anyStream = fc.constantFrom(...streams);

// Goal: no row, whatever it is, stops a feed or pollutes an object. Method: any JSON at all, and sound rows
// with any fields put in; every event must fit its schema and come back out of Avro as it went in.
test('toEvent makes of any JSON value an event that Avro can write', () => {
  const pristine = Object.getOwnPropertyNames(Object.prototype).sort();
  fc.assert(
    fc.property(anyStream, anyJson, entries, (stream, value, changes) => {
      for (const row of [value as RawRow, rowWith(stream, changes)]) {
        const event = stream.toEvent(row, { ...context, pbxId: 'allpbxes', rejectedPayload: true });
        assertSurvivesAvro(stream, event);
        assert.match(event.value['eventId'] as string, /^[0-9a-f]{32}$/);
        assert.ok(Number.isSafeInteger(event.contentHash) && event.contentHash < 2 ** 48);
        assert.ok(Number.isSafeInteger(event.eventTimeMs));
        if (event.channel === 'accepted') assert.equal(stream.identify(row), event.key);
        else assert.equal(typeof stream.identify(row), 'string');
      }
      assert.deepEqual(Object.getOwnPropertyNames(Object.prototype).sort(), pristine);
    }),
    { numRuns: 2_000 },
  );
});

test('the order of keys never matters', () => {
  fc.assert(
    fc.property(anyStream, entries, fc.nat(), (stream, changes, seed) => {
      const row = rowWith(stream, changes);
      const turned = objectOf(rotated(Object.entries(row).reverse(), seed)) as RawRow;
      assert.deepEqual(stream.toEvent(turned, context), stream.toEvent(row, context));
    }),
    { numRuns: 1_000 },
  );
});

test('an unknown field is never lost', () => {
  const tells = ([key, value]: readonly [string, unknown]) =>
    !named.has(key) && key.isWellFormed() && JSON.stringify(value) !== 'null';
  const unknown = entries.map((changes) => changes.filter(tells));
  fc.assert(
    fc.property(anyStream, unknown, (stream, changes) => {
      const { channel, value } = stream.toEvent(rowWith(stream, changes), context);
      assert.equal(channel, 'accepted');
      assert.deepEqual(Object.keys(value['extras'] as object).sort(), changes.map(([key]) => key).sort());
      assert.equal(Object.getPrototypeOf(value['extras']), null);
    }),
    { numRuns: 500 },
  );
});

test('the content hash follows the content alone', () => {
  fc.assert(
    fc.property(anyStream, entries, entries, (stream, left, right) => {
      const [first, second] = [left, right].map((changes) => stream.toEvent(rowWith(stream, changes), context)) as
        [BusEvent, BusEvent];
      const later = stream.toEvent(rowWith(stream, left), { ...context, observedAtMs: context.observedAtMs + 9 });
      assert.equal(later.contentHash, first.contentHash);
      assert.equal(later.value['eventId'], first.value['eventId']);
      if (first.channel === 'rejected' || second.channel === 'rejected') return;
      const same = JSON.stringify(contentOf(first)) === JSON.stringify(contentOf(second));
      assert.equal(first.contentHash === second.contentHash, same);
    }),
    { numRuns: 1_000 },
  );
});

test('`__proto__` as a key is data: it reaches the bytes, and the hash', () => {
  for (const stream of streams) {
    const plain = stream.toEvent(rowWith(stream, []), context);
    const event = stream.toEvent(rowWith(stream, [['__proto__', { polluted: true }]]), context);
    assert.deepEqual(Object.entries(event.value['extras'] as object), [['__proto__', '{"polluted":true}']]);
    assert.notEqual(event.contentHash, plain.contentHash);
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
    assertSurvivesAvro(stream, event);
  }
});

/** A documented row with some fields changed or added. Through JSON, so that `__proto__` is a key like any other. */
function rowWith(stream: Stream, changes: readonly (readonly [string, unknown])[]): RawRow {
  const row = stream.name === 'call-legs' ? documentedLegs[0]! : documentedRecords[0]!;
  return objectOf([...Object.entries(row), ...changes]) as RawRow;
}

function objectOf(pairs: readonly (readonly [string, unknown])[]): unknown {
  return JSON.parse(`{${pairs.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`);
}

function rotated<T>(items: readonly T[], by: number): readonly T[] {
  const start = items.length === 0 ? 0 : by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

/** All that 8x8 said, as the value shows it. */
function contentOf({ value }: BusEvent): unknown {
  const { pbxId, extras } = value;
  const ours = { eventId: null, observedAt: null, pbxId: (pbxId as string).toLowerCase() };
  return { ...value, ...ours, extras: Object.entries(extras as object).sort() };
}
