import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fall, partAt, type Throttle } from '../../src/source/throttle.ts';
import { useUp } from './throttled-account.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Falls with these gaps between them, in ms. */
function fallen(gapsMs: readonly number[], least = 0): Throttle {
  let [nowMs, throttle] = [0, fall(undefined, 0, least)];
  for (const gapMs of gapsMs) throttle = fall(throttle, (nowMs += gapMs), least);
  return throttle;
}

const gaps = fc.array(fc.integer({ min: 0, max: 2 * HOUR_MS }), { maxLength: 40 });

test('a 429 takes three tenths of the rate, which come back fast at first and rest below where it came', () => {
  const throttle = fallen([]);
  const parts = [0, 10, 28, 40, 60].map((minutes) => Number(partAt(throttle, minutes * MINUTE_MS).toFixed(2)));
  assert.deepEqual(parts, [0.7, 0.88, 0.95, 0.97, 1]);
});

test('several 429s of one moment count once', () => {
  fc.assert(fc.property(gaps, fc.array(fc.integer({ min: 0, max: MINUTE_MS - 1 })), (before, withinMs) => {
    const one = fallen(before);
    assert.deepEqual(withinMs.reduce((last, ms) => fall(last, one.atMs + ms, 0), one), one);
  }));
});

test('the part only rises between two 429s, from the least at least, to the whole within an hour', () => {
  fc.assert(fc.property(gaps, fc.double({ min: 0, max: 2, noNaN: true }), (before, least) => {
    const throttle = fallen(before, least);
    let last = Math.min(least, 1) - 1e-9;
    for (let minute = 0; minute <= 60; minute += 1) {
      const part = partAt(throttle, throttle.atMs + minute * MINUTE_MS);
      assert.ok(part >= last && part <= 1, `${part} after ${last}, in minute ${minute}`);
      last = part;
    }
    assert.equal(last, 1);
  }));
});

const account = fc.record({
  perMinute: fc.integer({ min: 10, max: 600 }),
  allowedPart: fc.double({ min: 0.1, max: 0.95, noNaN: true }),
  namesTime: fc.boolean(),
  latencyMs: fc.integer({ min: 50, max: 700 }),
  seed: fc.integer(),
}).map(({ perMinute, allowedPart, ...rest }) =>
  ({ ...rest, perMinute, allowedPerMinute: Math.max(Math.floor(perMinute * allowedPart), 2) }));

// Goal: no oscillation. Method: eight callers who always want more, a server with a limit of its own, five hours.
test('half an hour later the rate is near a limit that is lower than the one configured, with few 429s', () => {
  fc.assert(fc.property(account, (how) => {
    const { sentMs, refusedMs } = useUp(how, { untilMs: 5 * HOUR_MS });
    for (let fromMs = HOUR_MS / 2; fromMs < 5 * HOUR_MS; fromMs += 10 * MINUTE_MS) {
      const sent = sentMs.filter((ms) => ms >= fromMs && ms < fromMs + 10 * MINUTE_MS).length;
      const allowed = 10 * how.allowedPerMinute;
      assert.ok(sent >= 0.6 * allowed && sent <= 1.05 * allowed, `${sent} of ${allowed} from ${fromMs} ms on`);
    }
    const settledMs = refusedMs.filter((ms) => ms >= HOUR_MS / 2);
    const moments = settledMs.filter((ms, index) => ms - (settledMs[index - 1] ?? -Infinity) >= MINUTE_MS);
    assert.ok(moments.length <= 4.5 * 4, `${moments.length} moments of 429s`);
    assert.ok(settledMs.length <= 4.5 * 16, `${settledMs.length} 429s`);
  }), { numRuns: 40 });
});

test('a limit that is lifted is used again within the hour', () => {
  fc.assert(fc.property(account, (how) => {
    const { sentMs } = useUp(how, { untilMs: 3 * HOUR_MS, liftedMs: 1.5 * HOUR_MS });
    const sent = sentMs.filter((ms) => ms >= 2.5 * HOUR_MS).length / 30;
    assert.ok(sent >= 0.88 * how.perMinute, `${sent} of ${how.perMinute} a minute`);
  }), { numRuns: 20 });
});
