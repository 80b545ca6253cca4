import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentsOf } from '../../src/feed/manifest.ts';
import { learn, NOTHING_LEARNT, withChange, withGap, type Learnt } from '../../src/feed/learnt.ts';
import { OffsetState, restoreOffsets } from '../../src/feed/offset.ts';

const HOUR = 3_600_000;
const MONDAY = Date.parse('2026-03-02T00:00:00Z');
/** Twenty rows an hour, at any time: so silence is suspicious after 46 minutes. */
const busy = { tenths: Array.from({ length: 168 }, () => 200), weeks: Array.from({ length: 168 }, () => 4) };
const quietSince = (quietSinceMs: number, hourMs = MONDAY): Learnt =>
  ({ silence: { profile: busy, quietSinceMs, hourMs, hourRows: 3 } });
const span = (from: number, to: number) => ({ from: MONDAY + from, to: MONDAY + to });

test('a feed learns from its first window on, and not from a part of an hour', () => {
  const { learnt, silence } = learn(NOTHING_LEARNT, { span: span(10, HOUR), timesMs: [MONDAY + 20] });
  const profile = { tenths: [], weeks: [] };
  const expected = { profile, quietSinceMs: MONDAY + 20, hourMs: MONDAY + HOUR, hourRows: 0 };
  assert.deepEqual(learnt, { silence: expected });
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
    const { silence } = learn(quietSince(MONDAY), { span: span(from * HOUR, to * HOUR), timesMs });
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
    const lesson = { span: span(hour * HOUR, (hour + 1) * HOUR), timesMs: [MONDAY + hour * HOUR] };
    const next = learn(learnt, lesson);
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
  assert.deepEqual(state.changeTo({ state: 'PAUSED' }, nothing, 9).learnt, quietSince(MONDAY));
  assert.equal(state.changeTo({ watermarkMs: 5 }, nothing, 9).learnt.silence!.quietSinceMs, 5);
});
