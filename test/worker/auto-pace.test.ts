import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CAUTION } from '../../src/feed/auto-pace.ts';
import { at, feedOf, leg, minutes, pace } from './parts.ts';
import { clockText, startShard } from './virtual-shard.ts';

const caution = { ...CAUTION, delays: 1, rows: 3, sweeps: 0 };
const limits = {
  pace, caution, settleMinMs: minutes(1), settleMaxMs: minutes(4), lookbackMinMs: minutes(20),
  lookbackMaxMs: minutes(90),
};
const auto = feedOf('acme', { auto: limits });

/** A shard that sees a call a minute, `delayMinutes` after its end. */
const seeing = (delayMinutes: number, feed = auto) => startShard([feed], ({ window }, nowMs) => {
  const shown = Array.from({ length: 60 }, (_, minute) => nowMs - minutes(delayMinutes + minute))
    .filter((endMs) => endMs >= window.from && endMs < window.to && endMs >= feed.originMs);
  return { rows: shown.map((endMs) => leg('acme', `call-${endMs}`, clockText(endMs))) };
});

test('a feed polls sooner after the end of a call when few rows come late, down to its bound', async () => {
  const { time, commits } = await seeing(0);
  await time.advanceTo(at('10:59:00'));
  const settles = new Set(commits.map(({ step }) => step.learnt?.delays?.auto.settleMs));
  assert.ok(settles.size > 5, 'it has tried out several');
  assert.equal(commits.at(-1)!.step.learnt!.delays!.auto.settleMs, minutes(1));
  const lagMs = commits.at(-1)!.trueMs - commits.at(-1)!.step.watermarkMs;
  assert.ok(lagMs <= minutes(2), `it is ${lagMs} ms behind`);
});

test('the lookback grows by what is seen, sweeps reach so far, and keys are remembered so long', async () => {
  const feed = feedOf('acme', { auto: limits, originMs: at('08:00:00') });
  const { time, windows, commits } = await seeing(12, feed);
  await time.advanceTo(at('11:59:00'));
  const { step } = commits.at(-1)!;
  assert.ok(step.learnt!.delays!.auto.lookbackMs > pace.lookbackMs);
  const reaches = windows.map(({ from, to }) => at(to) - at(from));
  assert.ok(Math.max(...reaches.slice(-20)) > pace.lookbackMs + minutes(1), 'a sweep reaches farther');
  assert.ok(step.watermarkMs - step.seenFromMs > pace.lookbackMs);
  assert.ok(step.watermarkMs - step.forgetBeforeMs! > pace.lookbackMs + pace.sweepEveryMs + pace.stepMinMs);
});

test('a feed whose pace is given keeps it, and learns no delays', async () => {
  const { time, commits } = await seeing(0, feedOf('acme'));
  await time.advanceTo(at('10:59:00'));
  assert.equal(commits.at(-1)!.step.learnt!.delays, undefined);
  assert.equal(commits.at(-1)!.trueMs - commits.at(-1)!.step.watermarkMs, pace.settleMs);
});
