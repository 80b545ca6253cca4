import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HEAD, objectionTo, ratioOf, rowsOf, spreadOf, type Measured } from './figures.ts';

// Goal: the figures of a benchmark are those of its runs. Method: runs whose figures are known by heart.

const measured: Measured = {
  name: 'pages-1000',
  what: 'pages of 1000 rows',
  rounds: [
    { road: { records: 600, seconds: 1, cpuSeconds: 0.006, peakMiB: 200 }, kafkajs: { records: 1_000, seconds: 1 } },
    { road: { records: 600, seconds: 2, cpuSeconds: 0.012, peakMiB: 240 }, kafkajs: { records: 1_000, seconds: 2.5 } },
    { road: { records: 600, seconds: 1, cpuSeconds: 0.009, peakMiB: 220 }, kafkajs: { records: 900, seconds: 1 } },
  ],
};

test('a median is in the middle, also of an even number', () => {
  assert.deepEqual(spreadOf([3, 1, 10]), { median: 3, min: 1, max: 10 });
  assert.deepEqual(spreadOf([4, 1, 10, 2]), { median: 3, min: 1, max: 10 });
});

test('a ratio is taken within a round: slow moments of the machine cancel out', () => {
  const { median, min, max } = ratioOf(measured, 'kafkajs');
  assert.deepEqual([median, min, max].map((value) => value.toFixed(3)), ['0.667', '0.600', '0.750']);
});

test('a row for each thing that was run, with medians', () => {
  const rows = rowsOf(measured);
  assert.deepEqual(rows, [
    ['pages-1000', 'road', '600', '1.0', '600', '', '15.0', '220', ''],
    ['', 'kafkajs', '1000', '1.0', '900', '0.67 (0.60 to 0.75)', '', '', ''],
  ]);
  assert.equal(rows[0]!.length, HEAD.length);
});

test('the guard objects to a loss of more than a tenth, and to nothing else', () => {
  assert.equal(objectionTo(0.7, { median: 0.63, min: 0.5, max: 0.8 }), undefined);
  assert.equal(objectionTo(0.7, { median: 0.9, min: 0.9, max: 0.9 }), undefined);
  assert.equal(objectionTo(0.7, { median: 0.56, min: 0.5, max: 0.6 }),
    'the road has become slower by 20 %: 0.56 (0.50 to 0.60) of kafkajs alone, kept is 0.70');
});
