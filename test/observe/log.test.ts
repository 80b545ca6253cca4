import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { logEvent } from '../../src/observe/log.ts';
import type { WorkerEvent } from '../../src/worker/worker.ts';
import { closed, gap, opened, owned, pollFailed, polled, shardFailed } from './events.ts';

function logOf(...events: readonly WorkerEvent[]): readonly Record<string, unknown>[] {
  const lines: string[] = [];
  const log = pino({ base: null, timestamp: false }, { write: (line: string) => void lines.push(line) });
  for (const event of events) logEvent(log, event);
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('a poll is one line with its feed, its times and its counts', () => {
  assert.deepEqual(logOf(polled({ outcome: 'whole', drift: [] })), [{
    level: 30, msg: 'polled', feed: 'live/call-legs/acme', outcome: 'whole',
    from: '2026-03-01T09:59:00.000Z', to: '2026-03-01T10:03:00.000Z',
    fromWatermark: '2026-03-01T10:02:00.000Z', watermark: '2026-03-01T10:03:00.000Z',
    recovered: 0, total: 13, received: 12, attempts: 2,
    pages: 2, rows: 12, published: 7, corrected: 2, late: 1, beyond: 0, rejected: 1,
    repeats: 3, outside: 1, seen: 40, durationMs: 1_500, delayP50Ms: 40_000, delayMaxMs: 200_000,
  }]);
});

test('a window of which 8x8 has shown fewer rows than it counts is a warning', () => {
  const line = logOf(polled()).at(-1)!;
  assert.deepEqual([line['level'], line['outcome']], [40, 'short']);
});

test('what 8x8 does not document is a warning, once', () => {
  const msg = 'DRIFT: rows are not as 8x8 documents them; nothing is lost';
  const expected = { level: 40, feed: 'live/call-legs/acme', kind: 'misfit', field: 'missed', found: 'number', msg };
  assert.deepEqual(logOf(polled())[0], expected);
});

test('rows that came later than is covered are a warning for each window', () => {
  const msg = 'BEYOND: rows came later than the lookback covers; others may be missing: raise PACE_LOOKBACK';
  const expected = { level: 40, feed: 'live/call-legs/acme', beyond: 2, msg };
  assert.deepEqual(logOf(polled({ drift: [], beyond: 2 }))[0], expected);
});

test('a pace that a feed has found for itself is a line of its own', () => {
  const [line] = logOf(polled({ drift: [], adapted: { settleMs: 9_000, lookbackMs: 7_200_000 } }));
  const expected = { level: 30, feed: 'live/call-legs/acme', settleMs: 9_000, lookbackMs: 7_200_000 };
  assert.deepEqual(line, { ...expected, msg: 'pace adapted' });
});

test('a silence is a warning when it begins, and no more while it lasts', () => {
  const silence = { sinceMs: Date.parse('2026-03-01T09:00:00Z'), expectedRows: 20.9, limitRows: 16, suspicious: true };
  const lines = [true, false].flatMap((begins) => logOf(polled({ drift: [], silence: { ...silence, begins } })));
  const msg = 'SILENCE: so many rows are missing that it is no chance; 8x8, the filters or the PBX may be why';
  const warning = { level: 40, feed: 'live/call-legs/acme', since: '2026-03-01T09:00:00.000Z', expectedRows: 20, msg };
  assert.deepEqual([lines[0], lines.length], [warning, 3]);
});

test('what failed is a warning with its code', () => {
  assert.deepEqual(logOf(pollFailed(), shardFailed(2)), [
    { level: 40, msg: 'connection reset', feed: 'live/call-legs/acme', code: 'SOURCE_UNAVAILABLE' },
    { level: 40, msg: 'fenced', shard: 2, code: 'SINK_FENCED', retryInMs: 2_000 },
  ]);
});

test('a gap is a warning that says which calls are missing', () => {
  assert.deepEqual(logOf(gap), [{
    level: 40, feed: 'live/call-legs/acme', from: '2026-03-01T08:00:00.000Z', to: '2026-03-01T09:30:00.000Z',
    msg: 'GAP: these calls were not read while 8x8 kept them, and are missing; a dead letter says so',
  }]);
});

test('a signal that is obeyed is a line, and one that is not a warning with why', () => {
  const answer = { signal: '8x8.signals-0@7', feeds: {} };
  const done = { ...answer, id: 'a-1', type: 'pause', outcome: 'obeyed', feeds: { 'live/x': 'stands still' } } as const;
  const not = { ...answer, outcome: 'unreadable', problem: 'it is not JSON' } as const;
  assert.deepEqual(logOf({ kind: 'signal-answered', answer: done }, { kind: 'signal-answered', answer: not }), [
    { level: 30, msg: 'signal obeyed', signal: '8x8.signals-0@7', id: 'a-1', type: 'pause', feeds: done.feeds },
    { level: 40, msg: 'signal not obeyed', signal: '8x8.signals-0@7', outcome: 'unreadable', problem: 'it is not JSON',
      feeds: {} },
  ]);
});

test('shards come and go in a line each', () => {
  assert.deepEqual(logOf(owned(0, 2), opened(0), closed(0)), [
    { level: 30, msg: 'shards owned', shards: [0, 2], of: 3 },
    { level: 30, msg: 'shard opened', shard: 0, durationMs: 300, seen: 40 },
    { level: 30, msg: 'shard closed', shard: 0 },
  ]);
});
