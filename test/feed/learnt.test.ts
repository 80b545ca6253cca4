import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CAUTION, paceOf, type AutoLimits } from '../../src/feed/auto-pace.ts';
import { contentsOf } from '../../src/feed/manifest.ts';
import {
  hear, learn, NOTHING_HEARD, NOTHING_LEARNT, withChange, withGap, type Learnt, type Lesson,
} from '../../src/feed/learnt.ts';
import { OffsetState, restoreOffsets } from '../../src/feed/offset.ts';
import type { Pace } from '../../src/feed/window.ts';

const HOUR = 3_600_000;
const MONDAY = Date.parse('2026-03-02T00:00:00Z');
/** Twenty rows an hour, at any time: so silence is suspicious after 46 minutes. */
const busy = { tenths: Array.from({ length: 168 }, () => 200), weeks: Array.from({ length: 168 }, () => 4) };
const quietSince = (quietSinceMs: number, hourMs = MONDAY): Learnt =>
  ({ silence: { profile: busy, quietSinceMs, hourMs, hourRows: 3 }, delays: undefined });
const span = (from: number, to: number) => ({ from: MONDAY + from, to: MONDAY + to });
const lesson = (from: number, to: number, timesMs: readonly number[], delaysMs?: readonly number[]): Lesson => {
  const nowMs = MONDAY + to;
  const arrivals = delaysMs && { delaysMs, lateMs: [], nowMs };
  return { span: span(from, to), ...hear(NOTHING_HEARD, timesMs, false), arrivals, nowMs };
};
const pace: Pace = { settleMs: 60_000, stepMinMs: 60_000, stepMaxMs: HOUR, overlapMs: 2_000, lookbackMs: HOUR,
  sweepEveryMs: 600_000 };
const auto: AutoLimits = { pace, caution: CAUTION, settleMinMs: 0, settleMaxMs: HOUR, lookbackMinMs: HOUR / 2,
  lookbackMaxMs: 9 * HOUR };

test('a feed learns from its first window on, and not from a part of an hour', () => {
  const { learnt, silence } = learn({ pace }, NOTHING_LEARNT, lesson(10, HOUR, [MONDAY + 20]));
  const profile = { tenths: [], weeks: [] };
  const expected = { profile, quietSinceMs: MONDAY + 20, hourMs: MONDAY + HOUR, hourRows: 0 };
  assert.deepEqual(learnt, { silence: expected, delays: undefined });
  assert.deepEqual([silence.sinceMs, silence.suspicious, silence.begins], [MONDAY + 20, false, false]);
});

const judged: { name: string; from: number; to: number; timesMs?: readonly number[]; is: readonly boolean[] }[] = [
  { name: 'that is short is none', from: 0.3, to: 0.4, is: [false, false] },
  { name: 'begins with the window in which it becomes suspicious', from: 0.6, to: 0.8, is: [true, true] },
  { name: 'goes on with the next window', from: 0.8, to: 0.9, is: [true, false] },
  { name: 'ends with a row', from: 0.8, to: 0.9, timesMs: [MONDAY + 0.85 * HOUR], is: [false, false] },
  { name: 'is not ended by a row that was read again', from: 0.8, to: 0.9, timesMs: [MONDAY - 1], is: [true, false] },
];
for (const { name, from, to, timesMs = [], is } of judged) {
  test(`a silence ${name}`, () => {
    const { silence } = learn({ pace }, quietSince(MONDAY), lesson(from * HOUR, to * HOUR, timesMs));
    assert.deepEqual([silence.suspicious, silence.begins], is);
  });
}

test('behind a gap a feed is quiet since its end, and knows what it has known', () => {
  const { silence } = withGap(quietSince(MONDAY), span(0, 7.5 * HOUR));
  const after = { profile: busy, quietSinceMs: MONDAY + 7.5 * HOUR, hourMs: MONDAY + 8 * HOUR, hourRows: 0 };
  assert.deepEqual(silence, after);
  assert.deepEqual(withGap(NOTHING_LEARNT, span(0, HOUR)), NOTHING_LEARNT);
});

test('a feed that is set back learns no hour twice, and is not quiet until it is back', () => {
  const before = quietSince(MONDAY + 7.2 * HOUR, MONDAY + 7 * HOUR);
  let learnt = withChange(before, MONDAY + 7.5 * HOUR, MONDAY);
  for (let hour = 0; hour < 8; hour += 1) {
    const next = learn({ pace }, learnt, lesson(hour * HOUR, (hour + 1) * HOUR, [MONDAY + hour * HOUR]));
    assert.equal(next.silence.suspicious, false);
    learnt = next.learnt;
  }
  assert.deepEqual(learnt.silence!.profile, busy);
  assert.equal(learnt.silence!.hourMs, MONDAY + 8 * HOUR);
});

test('a feed that is set ahead is quiet since then; one that is only paused stays as it is', () => {
  assert.equal(withChange(quietSince(MONDAY), MONDAY, MONDAY + HOUR).silence!.quietSinceMs, MONDAY + HOUR);
  assert.equal(withChange(quietSince(MONDAY), MONDAY, MONDAY).silence!.hourRows, 3);
});

test('what was learnt is in every head, until a commit learns more', () => {
  const feed = { stream: 'call-legs', pbxId: 'acme', pass: 'live' } as const;
  const state = new OffsetState(feed, 0);
  const nothing = contentsOf(1, []);
  const take = (learnt?: Learnt): void => {
    const step = { watermarkMs: 0, seenFromMs: 0, seen: [], ...(learnt && { learnt }) };
    for (const record of state.recordsFor(step, nothing)) state.apply(record);
  };
  take();
  assert.deepEqual(state.learnt, NOTHING_LEARNT);
  take(quietSince(MONDAY));
  take();
  const restored = restoreOffsets([...state.recordsFor({ watermarkMs: 0, seenFromMs: 0, seen: [] }, nothing)]);
  assert.deepEqual(restored.get('live/call-legs/acme')!.learnt, quietSince(MONDAY));
  assert.deepEqual(state.changeTo({ state: 'PAUSED' }, nothing, 9)[0].learnt, quietSince(MONDAY));
  assert.equal(state.changeTo({ watermarkMs: 5 }, nothing, 9)[0].learnt.silence!.quietSinceMs, 5);
});

const late = Array.from({ length: 100 }, () => HOUR);

test('a feed that finds its pace for itself says when it has, and goes on with it', () => {
  const first = learn({ pace, auto }, NOTHING_LEARNT, lesson(0, HOUR, [], [5_000]));
  assert.deepEqual([first.adapted, paceOf({ pace, auto }, first.learnt.delays)], [undefined, pace]);
  const { learnt, adapted } = learn({ pace, auto }, first.learnt, lesson(HOUR, HOUR + 60_000, [], late));
  assert.ok(adapted!.lookbackMs > 4 * HOUR && adapted!.settleMs === pace.settleMs);
  assert.deepEqual(paceOf({ pace, auto }, learnt.delays), { ...pace, ...adapted });
  assert.equal(learn({ pace, auto }, learnt, lesson(HOUR, 2 * HOUR, [], [])).adapted, undefined);
});

test('while a feed catches up it learns no delays', () => {
  const { delays } = learn({ pace, auto }, NOTHING_LEARNT, lesson(0, HOUR, [])).learnt;
  assert.deepEqual(delays!.histogram, []);
});

test('bounds that were configured anew hold at once, and a pace that is given hides what was found', () => {
  const { delays } = learn({ pace, auto }, NOTHING_LEARNT, lesson(0, HOUR, [], late)).learnt;
  const closer = { ...auto, lookbackMaxMs: HOUR };
  assert.equal(paceOf({ pace, auto: closer }, delays).lookbackMs, HOUR);
  assert.deepEqual(paceOf({ pace }, delays), pace);
  const given = learn({ pace }, { silence: undefined, delays }, lesson(HOUR, 2 * HOUR, [], late));
  assert.deepEqual([given.learnt.delays, given.adapted], [undefined, undefined]);
});

test('a row that only a reading that was given up has shown ends a silence, and is not counted', () => {
  const given = hear(hear(NOTHING_HEARD, [MONDAY + 5, MONDAY + 9], false), [MONDAY + 5], true);
  assert.deepEqual(given, { timesMs: [MONDAY + 5], newestMs: MONDAY + 9 });
  const { silence } = learn({ pace }, quietSince(MONDAY), { ...lesson(0, 60_000, []), ...given }).learnt;
  assert.deepEqual([silence!.quietSinceMs, silence!.hourRows], [MONDAY + 9, 4]);
});
