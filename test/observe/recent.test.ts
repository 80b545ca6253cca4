import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRecent, MINUTES_MAX } from '../../src/observe/recent.ts';
import { at, minutes } from '../worker/parts.ts';

function recentAt(startMs: number) {
  const clock = { nowMs: startMs };
  return { clock, recent: createRecent(() => clock.nowMs) };
}

const polled = (published: number, delaysMs: readonly number[] = []) => ({ published, delaysMs });

test('events are counted by minute, and a minute without any is one of none', () => {
  const { clock, recent } = recentAt(at('10:00:59'));
  recent.onPolled(polled(3));
  clock.nowMs = at('10:03:00');
  recent.onPolled(polled(2));
  recent.onPolled(polled(4));
  assert.deepEqual(recent.minutes().map(({ events }) => events), [3, 0, 0, 6]);
  assert.equal(recent.minutes().at(-1)!.atMs, at('10:03:00'));
});

test('only so many minutes are kept, without a hole, however long nothing was polled', () => {
  const { clock, recent } = recentAt(at('10:00:00'));
  recent.onPolled(polled(1));
  clock.nowMs += minutes(10 * MINUTES_MAX);
  const all = recent.minutes();
  assert.equal(all.length, MINUTES_MAX);
  assert.deepEqual([all[0]!.atMs, all.at(-1)!.atMs], [clock.nowMs - minutes(MINUTES_MAX - 1), clock.nowMs]);
  assert.deepEqual(new Set(all.map(({ events }) => events)), new Set([0]));
});

test('a clock that is set back changes no minute that is over', () => {
  const { clock, recent } = recentAt(at('10:05:00'));
  recent.onPolled(polled(1));
  clock.nowMs = at('10:01:00');
  recent.onPolled(polled(2));
  assert.deepEqual(recent.minutes(), [{ atMs: at('10:05:00'), events: 3 }]);
});

test('each row is counted by the least time within which it has arrived', () => {
  const { recent } = recentAt(at('10:00:00'));
  recent.onPolled(polled(4, [0, 10_000, 10_001, minutes(60 * 24)]));
  const some = recent.arrivals().filter(({ rows }) => rows > 0);
  assert.deepEqual(some, [{ upToSeconds: 10, rows: 2 }, { upToSeconds: 30, rows: 1 }, { upToSeconds: null, rows: 1 }]);
});
