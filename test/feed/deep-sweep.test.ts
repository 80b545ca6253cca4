import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { requestOf } from '../../src/feed/ask.ts';
import {
  deepPace, deepPass, isDeep, keepForDeepSweeps, planDeepSweep, type DeepProgress, type LiveProgress,
} from '../../src/feed/deep-sweep.ts';
import { OVERLAP_MIN_MS, type Pace, type Plan } from '../../src/feed/window.ts';

const [MINUTE, HOUR, DAY] = [60_000, 3_600_000, 86_400_000];
const NOW = 100 * DAY;
const live: Pace = {
  settleMs: 2 * MINUTE, stepMinMs: MINUTE, stepMaxMs: 6 * HOUR, overlapMs: MINUTE, lookbackMs: 2 * HOUR,
  sweepEveryMs: 10 * MINUTE,
};
const pace = deepPace(live, DAY);

const names: readonly (readonly [ageMs: number, pass: string])[] = [
  [2 * HOUR, 'deep-2h'], [24 * HOUR, 'deep-24h'], [36 * HOUR, 'deep-36h'], [48 * HOUR, 'deep-2d'], [7 * DAY, 'deep-7d'],
  [HOUR, 'deep-60m'], [90 * MINUTE, 'deep-90m'], [90_000, 'deep-90s'], [61_000, 'deep-61s'],
];
for (const [ageMs, pass] of names) {
  test(`a deep sweep at ${ageMs} ms is the pass ${pass}`, () => {
    assert.equal(deepPass(ageMs), pass);
    assert.ok(isDeep(pass));
  });
}

test('no two ages have one name', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 10 ** 6 }), fc.integer({ min: 1, max: 10 ** 6 }), (a, b) => {
    assert.equal(deepPass(a * 1_000) === deepPass(b * 1_000), a === b);
  }));
});

for (const type of ['backfill', 'replay'] as const) {
  test(`no ${type} can take the name of a deep sweep`, () => {
    const asked = { type, pass: 'deep-24h', fromMs: NOW - DAY, toMs: NOW };
    assert.match(JSON.stringify(requestOf(asked, NOW, (field) => field)), /name: .* nor beginning with \\"deep-\\"/);
    assert.ok('kind' in requestOf({ ...asked, pass: 'deeper' }, NOW, (field) => field));
  });
}

const standing = (watermarkMs: number, rememberedFromMs = NOW - 30 * DAY): LiveProgress =>
  ({ watermarkMs, seenFromMs: watermarkMs - live.lookbackMs, rememberedFromMs });
const atEdge = standing(NOW - 2 * MINUTE);
const own = (watermarkMs: number, more: Partial<DeepProgress> = {}): DeepProgress =>
  ({ watermarkMs, seenFromMs: watermarkMs - OVERLAP_MIN_MS, state: 'RUNNING', ...more });
const read = (from: number, to: number): Plan =>
  ({ kind: 'read', window: { from: from - OVERLAP_MIN_MS, to }, sweep: false });
const waits = (untilMs: number): Plan => ({ kind: 'wait', untilMs });
const skips = (toMs: number): Plan => ({ kind: 'skip', toMs });

const plans: { name: string; own?: DeepProgress; live?: LiveProgress; nowMs?: number; plan: Plan }[] = [
  { name: 'begins at its age', live: atEdge, plan: skips(NOW - DAY) },
  { name: 'begins at a whole second', live: atEdge, nowMs: NOW + 700, plan: skips(NOW - DAY) },
  { name: 'begins where all keys are known', live: { ...atEdge, rememberedFromMs: NOW - HOUR - 1 },
    plan: skips(NOW - HOUR) },
  { name: 'waits until the live feed has begun', plan: waits(NOW + MINUTE) },
  { name: 'waits until the live feed has come nearer than the age', live: standing(NOW - DAY),
    plan: waits(NOW + MINUTE) },
  { name: 'waits until a step has come to the age', live: atEdge, own: own(NOW - DAY - HOUR + 60_000),
    plan: waits(NOW + MINUTE) },
  { name: 'sleeps as long as there is nothing to do', live: atEdge, own: own(NOW - DAY), plan: waits(NOW + HOUR) },
  { name: 'reads what has come to the age', live: atEdge, own: own(NOW - DAY - HOUR),
    plan: read(NOW - DAY - HOUR, NOW - DAY) },
  { name: 'reads in steps what it has not read for long', live: atEdge, own: own(NOW - 3 * DAY),
    plan: read(NOW - 3 * DAY, NOW - 3 * DAY + 6 * HOUR) },
  { name: 'leaves to its live feed what that sweeps over', live: standing(NOW - 2 * DAY),
    own: own(NOW - 2 * DAY - 4 * HOUR), plan: read(NOW - 2 * DAY - 4 * HOUR, NOW - 2 * DAY - 2 * HOUR) },
  { name: 'waits where its live feed is set back', live: standing(NOW - 2 * DAY), own: own(NOW - DAY),
    plan: waits(NOW + HOUR) },
  { name: 'passes what is not remembered', live: { ...atEdge, rememberedFromMs: NOW - 2 * DAY },
    own: own(NOW - 3 * DAY), plan: skips(NOW - 2 * DAY) },
  { name: 'stands still when it is paused', live: atEdge, own: own(NOW - 3 * DAY, { state: 'PAUSED' }),
    plan: waits(NOW + MINUTE) },
];
for (const { name, own: progress, live: of, nowMs = NOW, plan } of plans) {
  test(`a deep sweep ${name}`, () => {
    const planned = planDeepSweep(progress, of, pace, nowMs);
    assert.deepEqual(planned.kind === 'read' ? { ...planned, sweep: false } : planned, plan);
  });
}

// Goal: every moment that a live feed has passed is read at the age or later, and none is read sooner, whatever the
// live feed and the clock do. Method: any life of both, step by step.
test('a deep sweep reads all of time behind its beginning, at its age or later, and behind its live feed', () => {
  const anyStep = fc.record({
    passMs: fc.integer({ min: 1_000, max: 3 * HOUR }), liveMs: fc.integer({ min: 0, max: 5 * HOUR }),
  });
  fc.assert(fc.property(fc.array(anyStep, { maxLength: 60 }), (steps) => {
    let [nowMs, liveMs] = [NOW, NOW - DAY - HOUR];
    let progress: DeepProgress | undefined;
    for (const { passMs, liveMs: byMs } of steps) {
      nowMs += passMs;
      liveMs = Math.min(liveMs + Math.floor(byMs / 1_000) * 1_000, Math.floor(nowMs / 1_000) * 1_000);
      const plan = planDeepSweep(progress, standing(liveMs, 0), pace, nowMs);
      if (plan.kind === 'wait') assert.ok(plan.untilMs > nowMs, 'it does not wait for what has been');
      else if (plan.kind === 'skip') {
        assert.equal(progress, undefined, 'all is remembered');
        progress = own(plan.toMs, { seenFromMs: plan.toMs });
      } else {
        assert.ok(plan.kind === 'read');
        const { from, to } = plan.window;
        assert.ok(from <= progress!.watermarkMs - OVERLAP_MIN_MS);
        assert.ok(to <= liveMs - live.lookbackMs && to <= nowMs - DAY);
        progress = own(to);
      }
    }
    if (progress === undefined) return;
    const dueMs = Math.min(liveMs - live.lookbackMs, nowMs - DAY) - progress.watermarkMs;
    const due = planDeepSweep(progress, standing(liveMs, 0), pace, nowMs).kind === 'read';
    assert.equal(due, dueMs >= HOUR, 'it is never behind by more than a step, if it has its turns');
  }));
});

const kept: { name: string; sweeps: readonly (readonly [ageMs: number, watermarkMs?: number])[]; from?: number }[] = [
  { name: 'nothing without deep sweeps', sweeps: [] },
  { name: 'what one that has not begun may begin with', sweeps: [[DAY]], from: NOW - DAY - HOUR },
  { name: 'what is behind none of them', sweeps: [[DAY, NOW - 2 * DAY], [7 * DAY, NOW - 7 * DAY]],
    from: NOW - 7 * DAY - HOUR },
  { name: 'what one that stands still has not passed', sweeps: [[DAY, NOW - 9 * DAY], [7 * DAY, NOW - 7 * DAY]],
    from: NOW - 9 * DAY - HOUR },
  { name: 'what lies behind a live feed that was set back', sweeps: [[DAY, NOW + DAY]], from: NOW - HOUR },
];
for (const { name, sweeps, from } of kept) {
  test(`fingerprints are kept of ${name}`, () => {
    const of = sweeps.map(([ageMs, watermarkMs]) =>
      ({ ageMs, own: watermarkMs === undefined ? undefined : { watermarkMs } }));
    assert.deepEqual(keepForDeepSweeps({ watermarkMs: NOW }, of), from === undefined ? {} : { sealFromMs: from });
  });
}
