import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { changedFields, marksOf } from '../../src/streams/marks.ts';

const names = ['extras', 'status', 'talkTimeMS', 'missed', 'departments'];
const marks = (value: object, key = 'acme/1/1'): string => marksOf(names, key, { ...blank, ...value });
const blank = { extras: {}, status: null, talkTimeMS: null, missed: null, departments: null };

const cases: readonly { name: string; from: object; to: object; changed: readonly string[] }[] = [
  { name: 'nothing', from: {}, to: {}, changed: [] },
  { name: 'a text', from: { status: 'In Progress' }, to: { status: 'Completed' }, changed: ['status'] },
  { name: 'a text that was not there', from: {}, to: { status: '' }, changed: ['status'] },
  { name: 'a number that is 0 now', from: {}, to: { talkTimeMS: 0 }, changed: ['talkTimeMS'] },
  { name: 'a number beyond 32 bits', from: { talkTimeMS: 1 }, to: { talkTimeMS: 1 + 2 ** 32 },
    changed: ['talkTimeMS'] },
  { name: 'the sign of a number', from: { talkTimeMS: 5 }, to: { talkTimeMS: -5 }, changed: ['talkTimeMS'] },
  { name: 'a flag', from: { missed: true }, to: { missed: false }, changed: ['missed'] },
  { name: 'a list', from: { departments: ['a', 'b'] }, to: { departments: ['a,b'] }, changed: ['departments'] },
  { name: 'the order of a list', from: { departments: ['a', 'b'] }, to: { departments: ['b', 'a'] },
    changed: ['departments'] },
  { name: 'a field without a place in the schema', from: { extras: { a: '1' } }, to: { extras: { a: '2' } },
    changed: ['extras'] },
  { name: 'two fields that change places', from: { status: 'x', departments: ['y'] },
    to: { status: 'y', departments: ['x'] }, changed: ['status', 'departments'] },
];
for (const { name, from, to, changed } of cases) {
  test(`changedFields names ${name}`, () => {
    assert.deepEqual(changedFields(names, marks(from), marks(to)), changed);
    assert.deepEqual(changedFields(names, marks(to), marks(from)), changed);
  });
}

test('a field that the table has had no place for is taken to have been empty', () => {
  const before = marksOf(names.slice(0, 3), 'acme/1/1', { ...blank, status: 'Completed' });
  assert.deepEqual(changedFields(names, before, marks({ status: 'Completed', departments: ['a'] })), ['departments']);
});

test('nothing is named where nothing is known of what was before', () => {
  assert.deepEqual(changedFields(names, '', marks({ status: 'Completed' })), []);
});

const anyValue = fc.record({
  extras: fc.dictionary(fc.string({ maxLength: 2 }), fc.string({ maxLength: 2 })),
  status: fc.option(fc.string({ maxLength: 3 })),
  talkTimeMS: fc.option(fc.maxSafeInteger()),
  missed: fc.option(fc.boolean()),
  departments: fc.option(fc.array(fc.string({ maxLength: 2 }), { maxLength: 2 })),
});

test('changedFields names no field whose value is the same', () => {
  fc.assert(fc.property(anyValue, anyValue, fc.string(), (from, to, key) => {
    for (const name of changedFields(names, marks(from, key), marks(to, key))) {
      const [one, other] = [from, to].map((value) => JSON.stringify(value[name as keyof typeof value]));
      assert.notEqual(one, other, name);
    }
  }));
});

test('of 4,096 changes about one is not seen', () => {
  const count = 4_096 * 10;
  const all = Array.from({ length: count }, (_, n) => marks({ talkTimeMS: n * 1_000 }));
  const missed = all.filter((mark, n) => n > 0 && changedFields(names, all[n - 1]!, mark).length === 0).length;
  assert.ok(missed > 2 && missed < 25, `${missed} of ${count}`);
});

test('marks tell neither a value nor that two calls have it in common', () => {
  const [one, other] = [marks({ status: 'Ann' }, 'acme/1/1'), marks({ status: 'Ann' }, 'acme/2/1')];
  assert.notEqual(one.slice(2, 4), other.slice(2, 4));
  assert.match(one, /^[\w-]{10}$/);
});
