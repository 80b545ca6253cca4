import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { passPace, progressOf, readToMs, type PassPlan } from '../../src/feed/pass.ts';
import { OVERLAP_MIN_MS, planWindow, type Window } from '../../src/feed/window.ts';
import { pace } from '../worker/parts.ts';

const anySeconds = (max: number): fc.Arbitrary<number> => fc.integer({ min: 1, max }).map((seconds) => seconds * 1_000);

/** The windows of a pass, from its first to its last. */
function windowsOf({ fromMs, endMs }: PassPlan, stepMaxMs: number): readonly Window[] {
  const windows: Window[] = [];
  for (let watermarkMs = fromMs; ;) {
    const progress = { watermarkMs, seenFromMs: Math.max(fromMs, watermarkMs - pace.overlapMs), sweptAtMs: -Infinity };
    const plan = planWindow({ ...progress, endMs: readToMs({ endMs }) }, { ...passPace(pace), stepMaxMs }, 10 ** 9);
    if (plan.kind !== 'read') return windows;
    windows.push(plan.window);
    watermarkMs = plan.window.to;
  }
}

test('every moment of a pass, its first and last ones too, lies well inside one of its windows', () => {
  fc.assert(fc.property(anySeconds(1_000), anySeconds(20_000), anySeconds(5_000), (fromMs, lengthMs, stepMs) => {
    const plan = { fromMs, endMs: fromMs + lengthMs, replay: false };
    const windows = windowsOf(plan, Math.max(stepMs, pace.stepMinMs));
    const isInside = (ms: number): boolean =>
      windows.some(({ from, to }) => from + OVERLAP_MIN_MS / 2 <= ms && ms < to - OVERLAP_MIN_MS / 2);
    const moments = [plan.fromMs, plan.endMs - 1, ...windows.flatMap(({ to }) => [to - 1, to])];
    for (const ms of moments) if (ms >= plan.fromMs && ms < plan.endMs) assert.ok(isInside(ms), `${ms}`);
    assert.ok(windows.every(({ from, to }) => from < to && to <= readToMs(plan)));
  }));
});

test('the progress of a pass goes from 0 to 1', () => {
  const plan = { fromMs: 1_000, endMs: 9_000, replay: false };
  assert.deepEqual([0, 1_000, 6_000, 11_000, 99_000].map((ms) => progressOf(ms, plan)), [0, 0, 0.5, 1, 1]);
});
