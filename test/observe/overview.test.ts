import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectorError } from '../../src/errors.ts';
import { lagAllowedMs } from '../../src/observe/freshness.ts';
import { createObserver, type Observer } from '../../src/observe/observer.ts';
import { FEEDS_MAX, type FeedStatus } from '../../src/observe/status.ts';
import type { WorkerEvent } from '../../src/worker/worker.ts';
import { at, feedOf, minutes, pace } from '../worker/parts.ts';
import { closed, feed, gap, opened, owned, pollFailed, polled, report, shardFailed, standing } from './events.ts';

const build = { version: '1.2.3', node: '24.0.0', commit: '' };

function observerAt(...events: WorkerEvent[]): Observer & { readonly clock: { nowMs: number } } {
  const clock = { nowMs: at('10:05:00') };
  const observer = createObserver({ name: '8x8', guarantee: 'exactly-once', build }, () => clock.nowMs);
  for (const event of events) observer.onEvent(event);
  return { ...observer, clock };
}

const feedAfter = (...events: WorkerEvent[]): FeedStatus => observerAt(...events).overview.status().feeds[0]!;
const far = { from: at('08:00:00'), to: at('10:03:00') };
const near = { from: report.fromWatermarkMs - pace.overlapMs, to: at('10:03:00') };

// The pace of these tests: settle 2 min, step 1 min.
test('a feed may be behind by its settle and five steps, at least a minute of them', () => {
  assert.equal(lagAllowedMs({ pace, auto: undefined }), minutes(2 + 5));
  assert.equal(lagAllowedMs({ pace: { ...pace, stepMinMs: 1_000 }, auto: undefined }), minutes(2 + 1));
  assert.equal(lagAllowedMs({ pace: { ...pace, lagMaxMs: minutes(4) }, auto: undefined }), minutes(4));
});

test('where a feed finds its settle for itself, the longest one is allowed for', () => {
  const bounds = { settleMinMs: 0, settleMaxMs: minutes(30), lookbackMinMs: 0, lookbackMaxMs: 0 };
  const auto = { ...bounds, pace, caution: { delays: 1, rows: 1, sweeps: 1, shrinkEveryMs: 1 } };
  assert.equal(lagAllowedMs({ pace, auto }), minutes(30 + 5));
});

test('nothing is fresh before anybody knows which feeds are ours and where they stand', () => {
  assert.deepEqual(observerAt().overview.fresh(), {
    ok: false, guarantee: 'exactly-once', feeds: 0, lagging: 0, problems: ['not in the consumer group yet'],
  });
  const { ok, lagging, problems } = observerAt(owned(0)).overview.fresh();
  assert.deepEqual([ok, lagging, problems], [false, 1, ['live/call-legs/acme: not opened yet']]);
});

test('a feed that stands far back lags from its opening on, without a single poll', () => {
  const { overview } = observerAt(owned(0), opened(0, standing));
  assert.deepEqual(overview.fresh().problems, ['live/call-legs/acme: 3900 s behind, 420 s allowed']);
  assert.equal(overview.status().feeds[0]!.state, 'lagging');
});

test('a feed is fresh up to its allowed lag and to no second more', () => {
  const { overview, clock } = observerAt(owned(0), opened(0, standing), polled());
  clock.nowMs = at('10:10:00');
  assert.deepEqual([overview.fresh().ok, overview.status().feeds[0]!.state], [true, 'fresh']);
  clock.nowMs += 1;
  assert.deepEqual([overview.fresh().ok, overview.fresh().lagging], [false, 1]);
});

test('a paused feed is not fresh, and it is said why', () => {
  const { overview } = observerAt(owned(0), opened(0, { ...standing, paused: true }));
  assert.match(overview.fresh().problems[0]!, /it is paused$/);
  assert.equal(overview.status().feeds[0]!.state, 'paused');
});

test('a worker without shards has nothing that could lag', () => {
  assert.ok(observerAt(owned()).overview.fresh().ok);
});

test('out of the group our feeds still count, for nobody may be at work on them', () => {
  const error = new ConnectorError('SINK_UNAVAILABLE', 'out of the group');
  const observer = observerAt(owned(0), opened(0, standing), polled(), { kind: 'group-left', error }, owned());
  observer.clock.nowMs += minutes(60);
  assert.equal(observer.overview.fresh().lagging, 1);
  observer.onEvent({ kind: 'group-joined' });
  observer.onEvent(owned());
  assert.equal(observer.overview.fresh().feeds, 0);
});

test('a poll that ends after its feed was lost does not bring the feed back', async () => {
  const { overview, metrics } = observerAt(owned(0), opened(0, standing), owned(), polled(), pollFailed(), gap);
  assert.deepEqual(overview.status().feeds, []);
  assert.doesNotMatch(await metrics.registry.metrics(), /^connector_(lag_seconds|feed_failing)\{/m);
});

test('a failure of a feed is shown with its class and cure until a poll succeeds', () => {
  const failed = feedAfter(owned(0), opened(0, standing), polled(), pollFailed());
  assert.equal(failed.state, 'failing');
  assert.deepEqual(failed.failure,
    { code: 'SOURCE_UNAVAILABLE', message: 'connection reset', at: '2026-03-01T10:05:00.000Z' });
  assert.equal(feedAfter(owned(0), opened(0, standing), pollFailed(), polled()).failure, null);
});

test('rows are summed by what became of them', () => {
  const { overview } = observerAt(owned(0), opened(0, standing), polled(), polled({ rejected: 4 }));
  const { totals, feeds } = overview.status();
  assert.deepEqual(totals,
    { rows: 24, published: 14, corrected: 4, late: 2, beyond: 0, rejected: 5, repeats: 6, outside: 2 });
  assert.deepEqual(feeds[0]!.totals, totals);
});

const states = [
  ['late', polled({ late: 1, window: far })],
  ['reread', polled({ late: 0, attempts: 1, window: far })],
  ['reread', polled({ late: 0, attempts: 2, window: near })],
  ['done', polled({ late: 0, attempts: 1, window: near })],
  ['gap', gap],
] as const;
for (const [state, event] of states) {
  test(`the latest windows tell of one that is ${state}`, () => {
    const { windows } = feedAfter(owned(0), opened(0, standing), event);
    assert.deepEqual(windows.map((window) => window.state), [state]);
    assert.equal(windows[0]!.rows, state === 'gap' ? 0 : 12);
  });
}

test('the status keeps the latest twenty windows, oldest first', () => {
  const polls = Array.from({ length: 25 }, (_, index) => polled({ rows: index }));
  const { windows } = feedAfter(owned(0), opened(0, standing), ...polls);
  assert.deepEqual(windows.map(({ rows }) => rows), Array.from({ length: 20 }, (_, index) => index + 5));
});

test('the status shows so many feeds at most, the furthest behind first, and says how many it leaves out', () => {
  const feeds = Array.from({ length: FEEDS_MAX + 3 }, (_, index) => feedOf(`pbx-${index}`));
  const standings = feeds.map((one, index) =>
    ({ ...standing, feed: one, watermarkMs: at('09:00:00') - index * 1_000 }));
  const all: WorkerEvent = { kind: 'shards-owned', shards: new Set([0]), feeds, of: 1 };
  const { feeds: shown, feedsLeftOut, fresh } = observerAt(all, opened(0, ...standings)).overview.status();
  assert.deepEqual([shown.length, feedsLeftOut, shown[0]!.pbx], [FEEDS_MAX, 3, `pbx-${FEEDS_MAX + 2}`]);
  assert.deepEqual([fresh.lagging, fresh.problems.length], [FEEDS_MAX + 3, 20]);
});

test('the status names owned and open shards, and why a session was lost until the next is open', () => {
  const { overview, onEvent } = observerAt(owned(2, 0), opened(0), opened(2), closed(2), shardFailed(2));
  const { owned: ours, of, open, failures } = overview.status().shards;
  assert.deepEqual([ours, of, open], [[0, 2], 3, [0]]);
  assert.deepEqual(failures, [{ shard: 2, code: 'SINK_FENCED', message: 'fenced', at: '2026-03-01T10:05:00.000Z' }]);
  onEvent(opened(2));
  assert.deepEqual(overview.status().shards.failures, []);
});

test('the status tells of the last request', () => {
  const { overview, onRequest } = observerAt();
  assert.equal(overview.status().request, null);
  onRequest({ endpoint: 'token', status: 429, durationMs: 5, budgetPerMinute: 7, aheadMs: 3_000 });
  assert.deepEqual(overview.status().request,
    { at: '2026-03-01T10:05:00.000Z', status: 429, budgetPerMinute: 7, clockAheadSeconds: 3 });
});

test('a reload keeps what is known of a feed', () => {
  const again: WorkerEvent = { kind: 'shards-owned', shards: new Set([0]), feeds: [{ ...feed }], of: 1 };
  assert.equal(feedAfter(owned(0), opened(0, standing), polled(), again).totals.rows, 12);
});
