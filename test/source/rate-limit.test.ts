import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createRateLimit, PAUSE_MAX_MS, type RateLimit } from '../../src/source/rate-limit.ts';

/** Takes as soon as it may, `count` times, and returns when. */
function takeAll(limit: RateLimit, count: number, startMs = 0): number[] {
  const takenAt: number[] = [];
  let nowMs = startMs;
  for (let guard = 0; takenAt.length < count && guard < count * 3; guard += 1) {
    const waitMs = limit.take(nowMs);
    if (waitMs === 0) takenAt.push(nowMs);
    nowMs += waitMs;
  }
  return takenAt;
}

test('a small budget goes out evenly', () => {
  assert.deepEqual(takeAll(createRateLimit(10), 4), [0, 6_000, 12_000, 18_000]);
});

test('a larger budget lets a tenth go at once, and then goes out evenly', () => {
  const takenAt = takeAll(createRateLimit(60), 9);
  assert.deepEqual(takenAt.slice(0, 6), [0, 0, 0, 0, 0, 0]);
  assert.deepEqual(takenAt.slice(6), [1_091, 2_182, 3_273]);
});

// Goal: the account's limit holds, however requests come. Method: any gaps, any budget, every 60 s window.
test('no span of a minute sees more than the budget', () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 200 }),
    fc.array(fc.integer({ min: 0, max: 30_000 }), { minLength: 1, maxLength: 300 }),
    (requestsPerMinute, gaps) => {
      const limit = createRateLimit(requestsPerMinute);
      const takenAt: number[] = [];
      let nowMs = 0;
      for (const gapMs of gaps) {
        const waitMs = limit.take(nowMs);
        if (waitMs === 0) takenAt.push(nowMs);
        nowMs += Math.min(waitMs === 0 ? 0 : waitMs, gapMs);
        if (gapMs % 7 === 0) nowMs += gapMs;
      }
      for (const [index, fromMs] of takenAt.entries()) {
        const within = takenAt.slice(index).filter((ms) => ms < fromMs + 60_000).length;
        assert.ok(within <= requestsPerMinute, `${within} of ${requestsPerMinute}`);
      }
    },
  ));
});

test('a pause holds everything, and the longest one asked for wins', () => {
  const limit = createRateLimit(60);
  limit.pause(30_000);
  limit.pause(10_000);
  assert.equal(limit.take(0), 30_000);
  assert.equal(limit.pausedForMs(29_000), 1_000);
  assert.equal(limit.take(30_000), 0);
  assert.equal(limit.pausedForMs(30_000), 0);
});

test('a share makes the budget smaller, and none stops it', () => {
  const limit = createRateLimit(10);
  limit.setShare(0.5);
  assert.deepEqual(takeAll(limit, 3), [0, 12_000, 24_000]);
  limit.setShare(0);
  assert.equal(limit.take(100_000), Infinity);
  limit.setShare(1);
  assert.equal(limit.take(100_000), 0);
});

/** A span in which all that may go is taken, whether 8x8 throttles us before it, and a rest. */
const greed = fc.record({
  throttled: fc.boolean(),
  forMs: fc.integer({ min: 0, max: 90_000 }),
  restMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3_600_000 })),
});

// Goal: the rate may fall and rise as it likes. Method: all is taken at any time, 8x8 throttles us at any time.
test('no span of a minute sees more than the budget, however often we are throttled', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 200 }), fc.array(greed, { maxLength: 30 }), (perMinute, spans) => {
    const limit = createRateLimit(perMinute);
    const takenAt: number[] = [];
    let nowMs = 0;
    for (const { throttled, forMs, restMs } of spans) {
      if (throttled) limit.slowDown(nowMs);
      for (const endMs = nowMs + forMs; nowMs < endMs;) {
        const waitMs = limit.take(nowMs);
        if (waitMs === 0) takenAt.push(nowMs);
        nowMs = Math.min(nowMs + waitMs, endMs);
      }
      nowMs += restMs;
    }
    for (const [index, ms] of takenAt.entries()) {
      assert.ok(ms - (takenAt[index - perMinute] ?? -Infinity) >= 60_000, `more than ${perMinute} up to ${ms}`);
    }
  }), { numRuns: 300 });
});

test('what 8x8 throttles goes out more slowly, evenly and not in a burst', () => {
  const limit = createRateLimit(60);
  limit.slowDown(0);
  assert.deepEqual(takeAll(limit, 4), [0, 1_559, 3_116, 4_672]);
});

/** Who asks, and how long after the last one; whether 8x8 throttles us before. */
const asked = fc.record({
  background: fc.boolean(),
  afterMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5_000 })),
  throttled: fc.integer({ min: 0, max: 50 }).map((die) => die === 0),
});
const parts = fc.record({
  perMinute: fc.integer({ min: 1, max: 200 }),
  backgroundShare: fc.double({ min: 0.01, max: 1, noNaN: true }),
  asks: fc.array(asked, { maxLength: 200 }),
});

test('no span of a minute sees more background requests than their share, rounded up', () => {
  fc.assert(fc.property(parts, ({ perMinute, backgroundShare, asks }) => {
    const limit = createRateLimit(perMinute, backgroundShare);
    const most = Math.ceil(perMinute * backgroundShare);
    const takenAt: number[] = [];
    let nowMs = 0;
    for (const { background, afterMs, throttled } of asks) {
      if (throttled) limit.slowDown(nowMs);
      nowMs += afterMs;
      if (limit.take(nowMs, background) === 0 && background) takenAt.push(nowMs);
    }
    for (const [index, ms] of takenAt.entries()) {
      assert.ok(ms - (takenAt[index - most] ?? -Infinity) >= 60_000, `more than ${most} up to ${ms}`);
    }
  }), { numRuns: 300 });
});

test('a background request leaves the last one of a burst to a live one', () => {
  fc.assert(fc.property(parts, ({ perMinute, backgroundShare, asks }) => {
    const limit = createRateLimit(perMinute + 20, backgroundShare);
    let nowMs = 0;
    for (const { background, afterMs } of asks) {
      nowMs += afterMs;
      if (limit.take(nowMs, background) > 0 || !background) continue;
      assert.ok(limit.take(nowMs) <= 1, 'a wait is rounded up');
    }
  }));
});

// 55 is the steady rate of 60 a minute; the rest is for bursts.
for (const [backgroundShare, throttled, expected] of [[0.5, false, 28], [0.5, true, 23], [1, false, 55]] as const) {
  const when = throttled ? ', after a 429' : '';
  test(`with no live requests a share of ${backgroundShare} of 60 gives ${expected} a minute${when}`, () => {
    const limit = createRateLimit(60, backgroundShare);
    if (throttled) limit.slowDown(0);
    let taken = 0;
    for (let nowMs = 0; nowMs < 600_000;) {
      const waitMs = limit.take(nowMs, true);
      if (waitMs === 0) taken += 1;
      nowMs += waitMs;
    }
    assert.equal(Math.round(taken / 10), expected);
  });
}

test('live requests that use the budget up leave nothing to background ones', () => {
  const limit = createRateLimit(60, 0.5);
  let taken = 0;
  for (let nowMs = 0; nowMs < 600_000;) {
    const waitMs = limit.take(nowMs);
    nowMs += waitMs;
    if (waitMs > 0 && limit.take(nowMs - 1, true) === 0) taken += 1;
  }
  assert.equal(taken, 0);
});

test('a wall clock set back by a year costs one interval, or the longest pause', () => {
  const year = 365 * 86_400_000;
  const limit = createRateLimit(10);
  assert.equal(limit.take(year), 0);
  assert.equal(limit.take(0), 6_000);
  limit.pause(year);
  assert.equal(limit.take(0), PAUSE_MAX_MS);
});

test('a wall clock set back by a year costs what the rate has risen, and an hour later it is whole', () => {
  const year = 365 * 86_400_000;
  const limit = createRateLimit(10);
  limit.slowDown(year);
  assert.deepEqual(takeAll(limit, 2, 0), [0, 8_572]);
  limit.slowDown(60_000);
  assert.deepEqual(takeAll(limit, 2, 60_000), [60_000, 71_813], 'a 429 counts again a minute later');
  assert.deepEqual(takeAll(limit, 2, 3_660_000), [3_660_000, 3_666_000]);
});
