import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latenessCoveredMs } from '../../src/feed/window.ts';
import { callLegs } from '../../src/streams/call-legs.ts';
import { countPage, NOTHING } from '../../src/worker/report.ts';
import { at, leg, pace } from './parts.ts';

const endedMs = at('10:00:00');
const coveredMs = latenessCoveredMs(pace);

/** What is counted of a leg that is seen so long after its end. */
const countOf = (delayMs: number, { live = true, revision = 1, watermarkMs = endedMs }) => {
  const window = { from: endedMs - 1_000, to: endedMs + 1_000 };
  const observedAtMs = endedMs + delayMs;
  const event = callLegs.toEvent(leg('acme', 'a', '10:00:00'), { pbxId: 'acme', window, observedAtMs });
  const fresh = [{ ...event, value: { ...event.value, revision } }];
  const context = { fromWatermarkMs: watermarkMs, live, deep: false, pace, drift: [] };
  return countPage(NOTHING, 1, { fresh, seen: [], corrected: revision - 1, repeats: 0, outside: 0 }, context);
};

const cases: { name: string; delayMs: number; beyond: number; of?: Parameters<typeof countOf>[1] }[] = [
  { name: 'as late as is covered is not beyond', delayMs: coveredMs, beyond: 0 },
  { name: 'later is', delayMs: coveredMs + 1, beyond: 1 },
  { name: 'later, while the feed catches up, is no wonder', delayMs: coveredMs + 1, beyond: 0, of: { live: false } },
  { name: 'that is corrected later was seen before', delayMs: coveredMs + 1, beyond: 0, of: { revision: 2 } },
];
for (const { name, delayMs, beyond, of = {} } of cases) {
  test(`a row ${name}`, () => assert.equal(countOf(delayMs, of).beyond, beyond));
}

test('delays of late rows are among all delays, and by themselves', () => {
  const { delaysMs, lateDelaysMs } = countOf(5_000, { watermarkMs: endedMs + 1 });
  assert.deepEqual([delaysMs, lateDelaysMs], [[5_000], [5_000]]);
  assert.deepEqual(countOf(5_000, {}).lateDelaysMs, []);
});
