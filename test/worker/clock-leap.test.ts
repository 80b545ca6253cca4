import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RETENTION_MS } from '../../src/feed/window.ts';
import type { ReadRequest } from '../../src/source/source.ts';
import { at, feedOf, leg, minutes } from './parts.ts';
import { clockText, startShard, type Answer } from './virtual-shard.ts';

// Goal: whatever our clock does, each call is published once, no watermark goes back or passes the clock of 8x8, and
// every rest ends. Method: a call ends every ten seconds; a poll takes ten; the clock is set before a poll, in it, or
// both, by anything from a leap second to decades.

const SECOND = 1_000;
const POLL_MS = 10 * SECOND;
const END = at('10:25:00');

/** A clock set to be ahead by so much, so long after 10:05:00, when a poll begins; one begins each minute. */
type Setting = readonly [afterMs: number, aheadMs: number];

const sizes = {
  'a fifth of a second': 200,
  'a leap second': SECOND,
  'five seconds': 5 * SECOND,
  'an hour': minutes(60),
  'a year': RETENTION_MS / 2,
  'three years': 1.5 * RETENTION_MS,
} as const;

const BETWEEN = minutes(3) + 30 * SECOND;
const WITHIN = minutes(4) + POLL_MS / 2;
const LATER = minutes(9) + POLL_MS / 2;

const histories: Record<string, (leapMs: number) => readonly Setting[]> = {
  'ahead between polls, and stays': (leap) => [[BETWEEN, leap]],
  'ahead in a poll, and stays': (leap) => [[WITHIN, leap]],
  'ahead between polls, back between others': (leap) => [[BETWEEN, leap], [BETWEEN + minutes(5), 0]],
  'ahead between polls, back in the next': (leap) => [[BETWEEN, leap], [WITHIN, 0]],
  'ahead in a poll, back in a later one': (leap) => [[WITHIN, leap], [LATER, 0]],
  'behind between polls, ahead in the next': (leap) => [[BETWEEN, -leap], [WITHIN, leap], [LATER, 0]],
  'behind between polls, right between others': (leap) => [[BETWEEN, -leap], [BETWEEN + minutes(5), 0]],
  'behind in a poll, right in a later one': (leap) => [[WITHIN, -leap], [LATER, 0]],
  'to and fro every seven seconds': (leap) =>
    Array.from({ length: 60 }, (_, index) => [BETWEEN + index * 7 * SECOND, index === 59 ? 0 : leap * (index % 3 - 1)]),
};

const calls = Array.from({ length: (END - at('10:00:00')) / POLL_MS }, (_, index) => {
  const ended = at('10:00:00') + index * POLL_MS;
  return { ended, row: leg('acme', `call-${index}`, clockText(ended)) };
});

for (const [size, leapMs] of Object.entries(sizes)) {
  for (const [history, settingsOf] of Object.entries(histories)) {
    test(`runShard loses nothing by a clock that is set by ${size}: ${history}`, async () => {
      const answer = ({ window }: ReadRequest, _: number, trueMs: number): Answer => {
        const shown = calls.filter(({ ended }) => window.from <= ended && ended < window.to && ended <= trueMs);
        return { tookMs: POLL_MS, rows: shown.map(({ row }) => row) };
      };
      const { time, clock, stop, polls, commits, running } = await startShard([feedOf('acme')], answer);
      for (const [afterMs, aheadMs] of settingsOf(leapMs)) {
        await time.advanceTo(at('10:05:00') + afterMs);
        clock.offsetMs = aheadMs;
      }
      await time.advanceTo(END);
      stop.abort();
      await running;

      const marks = commits.map(({ step }) => step.watermarkMs);
      assert.deepEqual(marks, marks.toSorted((a, b) => a - b), 'the watermark never goes back');
      const late = commits.find(({ step, trueMs }) => step.watermarkMs > trueMs);
      assert.equal(late && clockText(late.step.watermarkMs), undefined, 'it never passes the clock of 8x8');
      assert.ok(marks.at(-1)! >= END - minutes(5), `it is up to date in the end: ${clockText(marks.at(-1)!)}`);
      assert.ok(!polls.some(({ outcome }) => outcome.startsWith('gap')), 'nothing is skipped');
      // By a clock that is behind a call may end in the future, and be a dead letter before it is published.
      const published = commits.flatMap(({ events }) => events).filter(({ channel }) => channel === 'accepted')
        .map(({ value }) => value['callId']);
      const due = calls.filter(({ ended }) => ended < marks.at(-1)!).map(({ row }) => row['callId']);
      assert.deepEqual(published.sort(), due.sort(), 'each call once');
    });
  }
}
