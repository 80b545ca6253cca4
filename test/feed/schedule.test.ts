import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nextTurn, type Candidate, type Turn } from '../../src/feed/schedule.ts';
import type { Plan } from '../../src/feed/window.ts';

const nowMs = 1_000_000;
const done: Plan = { kind: 'done' };
const window = { from: 0, to: 1_000 };
const readPlan: Plan = { kind: 'read', window, sweep: false };
const waitPlan = (untilMs: number): Plan => ({ kind: 'wait', untilMs });
const feed = (name: string, change: Partial<Candidate<string>> = {}): Candidate<string> =>
  ({ feed: name, plan: readPlan, notBeforeMs: 0, lastTurn: 0, ...change });
const reads = (name: string): Turn<string> => ({ kind: 'read', feed: name, window, sweep: false });
const sleeps = (untilMs: number): Turn<string> => ({ kind: 'sleep', untilMs });

const cases: { name: string; of: Candidate<string>[]; turn: Turn<string> }[] = [
  { name: 'lets the only feed read', of: [feed('a')], turn: reads('a') },
  { name: 'prefers the one that has waited longest', 
    of: [feed('a', { lastTurn: 7 }), feed('b', { lastTurn: 3 })], turn: reads('b') },
  { name: 'takes the first of two that have waited equally long', of: [feed('a'), feed('b')], turn: reads('a') },
  { name: 'passes over one that waits for its window',
    of: [feed('a', { plan: waitPlan(nowMs + 5) }), feed('b', { lastTurn: 9 })], turn: reads('b') },
  { name: 'passes over one that rests after an error',
    of: [feed('a', { notBeforeMs: nowMs + 1 }), feed('b', { lastTurn: 9 })], turn: reads('b') },
  { name: 'lets one read at the very moment its rest ends', of: [feed('a', { notBeforeMs: nowMs })], turn: reads('a') },
  { name: 'sleeps until the first window is due',
    of: [feed('a', { plan: waitPlan(nowMs + 9) }), feed('b', { plan: waitPlan(nowMs + 5) })], turn: sleeps(nowMs + 5) },
  { name: 'sleeps until the first rest ends',
    of: [feed('a', { notBeforeMs: nowMs + 3 }), feed('b', { plan: waitPlan(nowMs + 5) })], turn: sleeps(nowMs + 3) },
  { name: 'sleeps through both of a feed that waits and rests',
    of: [feed('a', { plan: waitPlan(nowMs + 5), notBeforeMs: nowMs + 60 })], turn: sleeps(nowMs + 60) },
  { name: 'lets a feed skip to a time at once', of: [feed('a', { plan: { kind: 'skip', toMs: 5 } })],
    turn: { kind: 'skip', feed: 'a', toMs: 5 } },
  { name: 'is done when every feed is done', of: [feed('a', { plan: done }), feed('b', { plan: done })],
    turn: { kind: 'done' } },
  { name: 'goes on while one is not done',
    of: [feed('a', { plan: done }), feed('b', { plan: waitPlan(nowMs + 5) })], turn: sleeps(nowMs + 5) },
  { name: 'is done without any feed', of: [], turn: { kind: 'done' } },
];

for (const { name, of, turn } of cases) {
  test(`nextTurn ${name}`, () => assert.deepEqual(nextTurn(of, nowMs), turn));
}

test('nextTurn passes on whether the window is a sweep', () => {
  const turn = nextTurn([feed('a', { plan: { kind: 'read', window, sweep: true } })], nowMs);
  assert.deepEqual(turn, { kind: 'read', feed: 'a', window, sweep: true });
});

test('nextTurn lets a feed skip a window like any other turn', () => {
  const turn = nextTurn([feed('a', { plan: { kind: 'gap', window }, lastTurn: 1 }), feed('b', { lastTurn: 2 })], nowMs);
  assert.deepEqual(turn, { kind: 'gap', feed: 'a', window });
});

// Goal: no feed starves, however much another has to catch up. Method: all feeds are always due; count turns.
test('nextTurn gives feeds that are always due equally many turns', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 40 }), (feeds, rounds) => {
    const lastTurns = Array.from({ length: feeds }, () => 0);
    const turns = Array.from({ length: feeds }, () => 0);
    for (let number = 1; number <= feeds * rounds; number += 1) {
      const candidates = lastTurns.map((lastTurn, index) =>
        ({ feed: index, plan: readPlan, notBeforeMs: 0, lastTurn }));
      const turn: Turn<number> = nextTurn(candidates, nowMs);
      const index = turn.kind === 'read' ? turn.feed : assert.fail(turn.kind);
      lastTurns[index] = number;
      turns[index]! += 1;
    }
    assert.deepEqual(turns, turns.map(() => rounds));
  }));
});

test('nextTurn never sleeps into the past and never lets a resting or waiting feed read', () => {
  const anyCandidate = fc.record({
    feed: fc.nat(),
    plan: fc.oneof(
      fc.constant(readPlan),
      fc.constant<Plan>({ kind: 'done' }),
      fc.integer({ min: 1, max: 100 }).map((ms) => waitPlan(nowMs + ms)),
    ),
    notBeforeMs: fc.integer({ min: nowMs - 50, max: nowMs + 50 }),
    lastTurn: fc.nat(20),
  });
  fc.assert(fc.property(fc.array(anyCandidate, { maxLength: 8 }), (candidates) => {
    const turn = nextTurn(candidates, nowMs);
    const due = candidates.filter(({ plan, notBeforeMs }) => plan.kind === 'read' && notBeforeMs <= nowMs);
    const open = candidates.filter(({ plan }) => plan.kind !== 'done');
    if (turn.kind === 'done') assert.equal(open.length, 0);
    else if (turn.kind === 'sleep') assert.ok(due.length === 0 && turn.untilMs > nowMs);
    else assert.ok(due.some((candidate) => candidate.feed === turn.feed));
  }));
});
