import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { coverageOf, missing, pieces, union, type WindowEntry } from '../../src/feed/coverage.ts';
import type { Window } from '../../src/feed/window.ts';

const span = (from: number, to: number): Window => ({ from, to });
const nothing = { new: 0, corrected: 0, late: 0, rejected: 0, recovered: 0 };
const entry = (from: number, to: number, more: Partial<WindowEntry> = {}): WindowEntry =>
  ({ windowFrom: from, windowTo: to, outcome: 'whole', ...nothing, ...more });

const anySpan = fc.tuple(fc.nat(60), fc.integer({ min: 1, max: 20 }))
  .map(([from, length]) => span(from, from + length));
const anySpans = fc.array(anySpan, { maxLength: 8 });

/** Which whole numbers lie in any of the spans. */
const pointsOf = (spans: readonly Window[]): Set<number> =>
  new Set(spans.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, index) => from + index)));

// Method: spans of few whole numbers, against the sets of these numbers.
test('union has the same points, in order, and no two of its spans touch', () => {
  fc.assert(fc.property(anySpans, (spans) => {
    const joined = union(spans);
    assert.deepEqual([...pointsOf(joined)].sort(), [...pointsOf(spans)].sort());
    joined.forEach(({ from }, index) => assert.ok(index === 0 || joined[index - 1]!.to < from));
  }));
});

test('missing is what of a span is in no other', () => {
  fc.assert(fc.property(anySpan, anySpans, (within, others) => {
    const others1 = pointsOf(others);
    const expected = [...pointsOf([within])].filter((point) => !others1.has(point));
    assert.deepEqual([...pointsOf(missing(within, others))], expected);
  }));
});

test('pieces join to the whole and break at multiples only', () => {
  fc.assert(fc.property(anySpan, fc.integer({ min: 1, max: 9 }), (whole, size) => {
    const all = pieces(whole, size);
    assert.deepEqual([all[0]!.from, all.at(-1)!.to], [whole.from, whole.to]);
    all.slice(1).forEach(({ from }, index) => assert.deepEqual([from % size, all[index]!.to], [0, from]));
  }));
});

test('a window counts in the piece where it ends, and covers whatever it has read', () => {
  const entries = [
    entry(0, 7, { new: 3, rejected: 1 }), entry(5, 10, { new: 2, late: 1, recovered: 9 }),
    entry(8, 23, { corrected: 4, outcome: 'short' }),
  ];
  const found = coverageOf(entries, pieces(span(0, 30), 10));
  assert.deepEqual(found, [
    { span: span(0, 10), windows: 2, short: 0, new: 5, corrected: 0, late: 1, rejected: 1, recovered: 9,
      holes: [], pendingFromMs: undefined },
    { span: span(10, 20), windows: 0, short: 0, ...nothing, holes: [], pendingFromMs: undefined },
    { span: span(20, 30), windows: 1, short: 1, ...nothing, corrected: 4, holes: [], pendingFromMs: 23 },
  ]);
});

test('a hole between two windows is told in each piece that it touches', () => {
  const found = coverageOf([entry(0, 7), entry(13, 20)], pieces(span(0, 20), 10));
  assert.deepEqual(found.map(({ holes }) => holes), [[span(7, 10)], [span(10, 13)]]);
});

test('a gap was passed, but not read', () => {
  const found = coverageOf([entry(0, 5, { outcome: 'gap' }), entry(5, 10)], [span(0, 10)]);
  assert.deepEqual(found.map(({ holes, pendingFromMs }) => [holes, pendingFromMs]), [[[span(0, 5)], undefined]]);
});

test('nothing is missing before a feed begins, nor where it has not come yet', () => {
  const found = coverageOf([entry(13, 16)], pieces(span(0, 30), 10));
  assert.deepEqual(found.flatMap(({ holes }) => holes), []);
  assert.deepEqual(found.map(({ pendingFromMs }) => pendingFromMs), [undefined, 16, 20]);
});

test('a feed without an entry is pending as a whole', () => {
  assert.deepEqual(coverageOf([], [span(0, 10)]),
    [{ span: span(0, 10), windows: 0, short: 0, ...nothing, holes: [], pendingFromMs: 0 }]);
});
