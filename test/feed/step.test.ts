import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NOTHING_LEARNT } from '../../src/feed/learnt.ts';
import { OffsetState, type OffsetStep } from '../../src/feed/offset.ts';
import { afterGap, afterPage, afterWindow } from '../../src/feed/step.ts';
import type { Pace } from '../../src/feed/window.ts';
import { entry } from './entry.ts';

const feed = { stream: 'call-legs', pbxId: 'acme', pass: 'live' } as const;
const pace: Pace = { settleMs: 0, stepMinMs: 3, stepMaxMs: 9, overlapMs: 2, lookbackMs: 100, sweepEveryMs: 7 };
/** What is remembered beyond the lookback: a sweep and a step. */
const LONGER_MS = pace.sweepEveryMs + pace.stepMinMs;

test('afterPage leaves both times where they are: a crash reads the window again', () => {
  const state = new OffsetState(feed, 1_000);
  const seen = [entry('a', 5_000)];
  const scan = { window: { from: 0, to: 9_000 }, after: 7 };
  const step = { watermarkMs: 1_000, seenFromMs: 1_000, seen, drift: ['misfit status'], scan };
  assert.deepEqual(afterPage(state, scan, seen, [{ name: 'misfit status' }]), step);
});

const stepTo = (watermarkMs: number, seenFromMs: number): OffsetStep => ({ watermarkMs, seenFromMs, seen: [] });
const windows: { name: string; to: number; lookback: number; step: OffsetStep }[] = [
  { name: 'moves the watermark to the end of the window', to: 2_000, lookback: 5_000, step: stepTo(2_000, 1_000) },
  { name: 'forgets what is before the lookback', to: 2_000, lookback: 300, step: stepTo(2_000, 1_700) },
  { name: 'never moves the watermark back', to: 500, lookback: 5_000, step: stepTo(1_000, 1_000) },
  { name: 'remembers no more for a longer lookback, for the keys are gone', to: 1_500, lookback: 9_999,
    step: stepTo(1_500, 1_000) },
];
for (const { name: what, to, lookback, step } of windows) {
  test(`afterWindow ${what}`, () => {
    const scan = { window: { from: 0, to }, after: 7 };
    const after = afterWindow(new OffsetState(feed, 1_000), scan, { ...pace, lookbackMs: lookback });
    assert.deepEqual(after, { ...step, forgetBeforeMs: step.watermarkMs - lookback - LONGER_MS, scan, done: true });
  });
}

test('afterGap moves both times to the end of the gap', () => {
  const gap = { from: 1_000, to: 5_000 };
  const scan = { window: gap, after: 0 };
  const step = { ...stepTo(5_000, 5_000), forgetBeforeMs: 5_000, learnt: NOTHING_LEARNT, scan, done: true };
  assert.deepEqual(afterGap(new OffsetState(feed, 1_000), gap), step);
});
