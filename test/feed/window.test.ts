import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  floorToSecond, latenessCoveredMs, OVERLAP_MIN_MS, planWindow, RETENTION_MS, type Pace, type Plan, type Progress,
} from '../../src/feed/window.ts';

const at = (clock: string) => Date.parse(`2026-03-01T${clock}Z`);
const minutes = (count: number) => count * 60_000;

const pace: Pace = {
  settleMs: minutes(2),
  stepMinMs: minutes(1),
  stepMaxMs: minutes(60),
  overlapMs: minutes(1),
  lookbackMs: minutes(30),
  sweepEveryMs: minutes(10),
};
const progress: Progress = {
  watermarkMs: at('10:00:00'),
  seenFromMs: at('00:00:00'),
  sweptAtMs: at('10:00:00'),
};

const wait = (until: string): Plan => ({ kind: 'wait', untilMs: at(until) });
const read = (from: string, to: string): Plan =>
  ({ kind: 'read', window: { from: at(from), to: at(to) }, sweep: false });
const sweep = (from: string, to: string): Plan =>
  ({ kind: 'read', window: { from: at(from), to: at(to) }, sweep: true });

const cases: { name: string; now: string; change?: Partial<Progress>; plan: Plan }[] = [
  { name: 'reads up to the settled edge, from behind the watermark', now: '10:05:00',
    plan: read('09:59:00', '10:03:00') },
  { name: 'waits until one shortest step has settled', now: '10:02:59', plan: wait('10:03:00') },
  { name: 'reads at the very moment it waited for', now: '10:03:00', plan: read('09:59:00', '10:01:00') },
  { name: 'waits when the clock runs backwards', now: '09:00:00', plan: wait('10:03:00') },
  { name: 'rounds the settled edge down to a whole second', now: '10:05:00.999', plan: read('09:59:00', '10:03:00') },
  { name: 'sweeps with the first step after a long stop', now: '18:00:00', plan: sweep('09:30:00', '11:00:00') },
  { name: 'takes longest steps, unswept, while it catches up', now: '18:00:00', plan: read('09:59:00', '11:00:00'),
    change: { sweptAtMs: at('17:59:00') } },
  { name: 'sweeps the lookback once it is due', now: '10:10:00', plan: sweep('09:30:00', '10:08:00') },
  { name: 'does not sweep a millisecond before it is due', now: '10:09:59.999', plan: read('09:59:00', '10:07:59') },
  { name: 'sweeps when the clock was set back behind the last sweep', now: '10:05:00',
    plan: sweep('09:30:00', '10:03:00'), change: { sweptAtMs: at('12:00:00') } },
  { name: 'sweeps at once after a restart', now: '10:03:00', plan: sweep('09:30:00', '10:01:00'),
    change: { sweptAtMs: -Infinity } },
  { name: 'sweeps no further than where keys are known, but for the seam', now: '10:10:00',
    plan: sweep('09:44:58', '10:08:00'),
    change: { seenFromMs: at('09:45:00') } },
  { name: 'overlaps no further than where keys are known, but for the seam', now: '10:05:00',
    plan: read('09:59:28', '10:03:00'),
    change: { seenFromMs: at('09:59:30') } },
  { name: 'reads a new feed from just before its origin', now: '10:05:00', plan: sweep('09:59:58', '10:03:00'),
    change: { seenFromMs: at('10:00:00'), sweptAtMs: -Infinity } },
  { name: 'takes a last short step up to the end of a backfill', now: '10:05:00', plan: read('09:59:00', '10:00:20'),
    change: { endMs: at('10:00:20') } },
  { name: 'waits for the end of a backfill to settle', now: '10:02:19', plan: wait('10:02:20'),
    change: { endMs: at('10:00:20') } },
  { name: 'looks an hour later at a feed that stands still', now: '10:05:00', plan: wait('11:05:00'),
    change: { paused: true } },
  { name: 'is done at the end of a backfill', now: '10:05:00', plan: { kind: 'done' },
    change: { endMs: at('10:00:00') } },
  { name: 'is done behind the end of a backfill', now: '10:05:00', plan: { kind: 'done' },
    change: { endMs: at('09:00:00') } },
];

for (const { name, now, change, plan } of cases) {
  test(`planWindow ${name}`, () => {
    assert.deepEqual(planWindow({ ...progress, ...change }, pace, at(now)), plan);
  });
}

const HOUR = minutes(60);
const keptFrom = at('10:00:00') - RETENTION_MS;
const gaps: { name: string; behindMs: number; endMs?: number; gap: readonly [number, number] | undefined }[] = [
  { name: 'reads what lies an hour within it', behindMs: -HOUR, gap: undefined },
  { name: 'skips what may leave it while it is read, well into it', behindMs: -HOUR + 1, gap: [-HOUR + 1, 2 * HOUR] },
  { name: 'skips what has left it', behindMs: 5 * HOUR, gap: [5 * HOUR, 2 * HOUR] },
  { name: 'skips a backfill to its end', behindMs: 5 * HOUR, endMs: keptFrom - HOUR, gap: [5 * HOUR, -HOUR] },
  { name: 'skips nothing of a backfill that is done', behindMs: 5 * HOUR, endMs: keptFrom - 5 * HOUR, gap: undefined },
];
for (const { name, behindMs, endMs, gap } of gaps) {
  test(`planWindow, of what 8x8 keeps, ${name}`, () => {
    const watermarkMs = keptFrom - behindMs;
    const plan = planWindow({ ...progress, watermarkMs, endMs }, pace, at('10:00:00'));
    if (gap === undefined) assert.notEqual(plan.kind, 'gap');
    else assert.deepEqual(plan, { kind: 'gap', window: { from: keptFrom - gap[0], to: keptFrom + gap[1] } });
  });
}

test('planWindow skips once an hour at most while nothing can be read', () => {
  const start = at('10:00:00') + RETENTION_MS;
  let watermarkMs = at('10:00:00');
  let skipped = 0;
  for (let nowMs = start; nowMs < start + 24 * HOUR; nowMs += minutes(1)) {
    const plan = planWindow({ ...progress, watermarkMs }, pace, nowMs);
    if (plan.kind !== 'gap') continue;
    assert.equal(plan.window.from, watermarkMs, 'nothing between two of them');
    watermarkMs = plan.window.to;
    skipped += 1;
  }
  assert.ok(skipped > 10 && skipped <= 25, `${skipped} times`);
});

test('latenessCoveredMs is what of the lookback is left between two sweeps', () => {
  assert.equal(latenessCoveredMs(pace), minutes(19));
});

test('floorToSecond never rounds up, before 1970 neither', () => {
  assert.deepEqual([999, 1_000, 1_001, -1].map(floorToSecond), [0, 1_000, 1_000, -1_000]);
});

const seconds = (min: number, max: number) => fc.integer({ min, max }).map((count) => count * 1_000);
const anyPace: fc.Arbitrary<Pace> = fc
  .record({
    settleMs: seconds(0, 600),
    stepMinMs: seconds(1, 600),
    stepMoreMs: seconds(0, 7_200),
    overlapMs: seconds(OVERLAP_MIN_MS / 1_000, 120),
    lookbackMoreMs: seconds(0, 7_200),
    sweepEveryMs: seconds(0, 1_200),
  })
  .map(({ stepMoreMs, lookbackMoreMs, ...rest }) => ({
    ...rest,
    stepMaxMs: rest.stepMinMs + stepMoreMs,
    lookbackMs: rest.overlapMs + lookbackMoreMs,
  }));
/** Where the clock is at each poll: mostly onward, now and then far ahead or back. */
const anySteps = fc.array(fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 900_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: -7_200_000, max: 36_000_000 }) },
), { maxLength: 60 });

type Show = (plan: Plan, seenFromMs: number, nowMs: number) => void;

/** Follows the plans as a shard loop does, and shows each. */
function follow(feedPace: Pace, steps: readonly number[], show: Show): void {
  const origin = at('10:00:00');
  let [watermarkMs, seenFromMs, sweptAtMs, nowMs] = [origin, origin, -Infinity, origin];
  for (const step of steps) {
    nowMs += step;
    const plan = planWindow({ watermarkMs, seenFromMs, sweptAtMs }, feedPace, nowMs);
    show(plan, seenFromMs, nowMs);
    if (plan.kind !== 'read') continue;
    watermarkMs = plan.window.to;
    seenFromMs = Math.max(seenFromMs, watermarkMs - feedPace.lookbackMs);
    if (plan.sweep) sweptAtMs = nowMs;
  }
}

// Goal: no instant is ever skipped. Method: follow the plans through any pace and any clock.
test('planWindow leaves no gap between windows and always moves on', () => {
  fc.assert(fc.property(anyPace, anySteps, (feedPace, steps) => {
    let watermarkMs = at('10:00:00');
    follow(feedPace, steps, (plan) => {
      if (plan.kind !== 'read') return;
      assert.ok(plan.window.from <= watermarkMs, 'it starts at the watermark or before');
      assert.ok(plan.window.to > watermarkMs, 'it moves the watermark');
      watermarkMs = plan.window.to;
    });
  }));
});

test('planWindow keeps its bounds: whole seconds, no further back than the seam, never past the settled edge', () => {
  fc.assert(fc.property(anyPace, anySteps, (feedPace, steps) => {
    let watermarkMs = at('10:00:00');
    follow(feedPace, steps, (plan, seenFromMs, nowMs) => {
      if (plan.kind !== 'read') return;
      const { from, to } = plan.window;
      assert.equal(from % 1_000, 0);
      assert.equal(to % 1_000, 0);
      assert.ok(from >= seenFromMs - OVERLAP_MIN_MS);
      assert.ok(to <= nowMs - feedPace.settleMs);
      assert.ok(to - watermarkMs <= feedPace.stepMaxMs);
      watermarkMs = to;
    });
  }));
});

test('planWindow overlaps the window before by at least the least overlap', () => {
  fc.assert(fc.property(anyPace, anySteps, (feedPace, steps) => {
    let watermarkMs = at('10:00:00');
    follow(feedPace, steps, (plan, seenFromMs) => {
      if (plan.kind !== 'read') return;
      assert.ok(plan.window.from <= Math.max(watermarkMs - OVERLAP_MIN_MS, seenFromMs));
      watermarkMs = plan.window.to;
    });
  }));
});

test('planWindow reads at the moment it asked to wait for, so that nobody sleeps in vain', () => {
  fc.assert(fc.property(anyPace, anySteps, (feedPace, steps) => {
    let [watermarkMs, seenFromMs] = [at('10:00:00'), at('10:00:00')];
    follow(feedPace, steps, (plan, seenFrom, nowMs) => {
      if (plan.kind === 'wait') {
        assert.ok(plan.untilMs > nowMs);
        const then = planWindow({ watermarkMs, seenFromMs, sweptAtMs: 0 }, feedPace, plan.untilMs);
        assert.equal(then.kind, 'read');
      }
      if (plan.kind === 'read') [watermarkMs, seenFromMs] = [plan.window.to, seenFrom];
    });
  }));
});

// Goal: the promise of latenessCoveredMs. Method: a row of the last window that comes to light as late as is
// covered is inside the next sweep, whatever polls lie between.
test('a sweep reaches every row that is shown within the covered lateness', () => {
  fc.assert(fc.property(anyPace, anySteps, fc.nat(), (feedPace, steps, pick) => {
    const covered = latenessCoveredMs(feedPace);
    fc.pre(covered >= 0 && steps.every((step) => step >= 0));
    const windows: { readonly from: number; readonly to: number; readonly nowMs: number }[] = [];
    follow(feedPace, steps, (plan, _, nowMs) => {
      if (plan.kind === 'read') windows.push({ ...plan.window, nowMs });
    });
    const last = windows.at(-1);
    fc.pre(last !== undefined);
    const timeMs = at('10:00:00') + pick % (last.to - at('10:00:00'));
    const found = windows.some(({ from, to, nowMs }) => from <= timeMs && timeMs < to && nowMs >= timeMs + covered);
    const tooEarly = last.nowMs < timeMs + covered + feedPace.sweepEveryMs + feedPace.stepMinMs + feedPace.settleMs;
    assert.ok(found || tooEarly);
  }));
});
