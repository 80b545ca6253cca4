import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectorError } from '../../src/errors.ts';
import { createMetrics, type Metrics } from '../../src/observe/metrics.ts';
import type { WorkerEvent } from '../../src/worker/worker.ts';
import { at, feedOf } from '../worker/parts.ts';
import { closed, feed, gap, opened, owned, pollFailed, polled, shardFailed, standing } from './events.ts';

const clock = { nowMs: at('10:05:00') };

async function linesAfter(...events: WorkerEvent[]): Promise<readonly string[]> {
  const metrics = createMetrics(() => clock.nowMs);
  for (const event of events) metrics.onEvent(event);
  return linesOf(metrics);
}

async function linesOf(metrics: Metrics): Promise<readonly string[]> {
  const text = await metrics.registry.metrics();
  return text.split('\n').filter((line) => line.startsWith('connector_'));
}

const labels = '{stream="call-legs",pbx="acme"}';

test('a poll counts into every metric of its feed', async () => {
  const lines = await linesAfter(polled(), polled({ outcome: 'whole', published: 3, beyond: 2, seen: 41 }));
  for (const line of [
    `connector_polls_total${labels} 2`,
    `connector_pages_total${labels} 4`,
    `connector_rows_total${labels} 24`,
    `connector_events_published_total${labels} 10`,
    `connector_events_corrected_total${labels} 4`,
    `connector_events_late_total${labels} 2`,
    `connector_events_beyond_lookback_total${labels} 2`,
    `connector_windows_short_total${labels} 1`,
    `connector_rows_rejected_total${labels} 2`,
    `connector_rows_repeated_total${labels} 6`,
    `connector_rows_outside_total${labels} 2`,
    'connector_arrival_delay_seconds_bucket{le="60",stream="call-legs",pbx="acme"} 2',
    'connector_arrival_delay_seconds_bucket{le="300",stream="call-legs",pbx="acme"} 4',
    `connector_seen_keys${labels} 41`,
    `connector_watermark_seconds${labels} ${at('10:03:00') / 1_000}`,
  ]) assert.ok(lines.includes(line), line);
});

test('a silence is told as long as it lasts', async () => {
  const silence = { sinceMs: 0, expectedRows: 20.5, limitRows: 16, suspicious: true, begins: false };
  const lines = await linesAfter(polled({ silence }));
  assert.ok(lines.includes(`connector_silence_suspicious${labels} 1`));
  assert.ok(lines.includes(`connector_expected_rows${labels} 20.5`));
  assert.ok((await linesAfter(polled())).includes(`connector_silence_suspicious${labels} 0`));
});

test('a pass over history does not hide where the live feed stands', async () => {
  const history = feedOf('acme', { id: { ...feedOf('acme').id, pass: 'history' } });
  const lines = await linesAfter(polled(), polled({ watermarkMs: 0 }, history));
  assert.ok(lines.includes(`connector_watermark_seconds${labels} ${at('10:03:00') / 1_000}`));
});

test('the lag grows by the clock while no poll comes', async () => {
  const metrics = createMetrics(() => clock.nowMs);
  metrics.onEvent(polled());
  assert.ok((await linesOf(metrics)).includes(`connector_lag_seconds${labels} 120`));
  clock.nowMs = at('10:15:00');
  assert.ok((await linesOf(metrics)).includes(`connector_lag_seconds${labels} 720`));
  clock.nowMs = at('10:05:00');
});

test('the lag is told from the opening of a shard on, with what it may be', async () => {
  const lines = await linesAfter(owned(0), opened(0, { ...standing, paused: true }));
  assert.ok(lines.includes(`connector_lag_seconds${labels} 3900`));
  assert.ok(lines.includes(`connector_lag_allowed_seconds${labels} 420`));
  assert.ok(lines.includes(`connector_feed_paused${labels} 1`));
});

test('what is counted begins with 0, else Prometheus would not see the first one', async () => {
  const lines = await linesAfter(owned(0), opened(0, standing));
  for (const name of ['drift_total', 'rows_rejected_total', 'gap_seconds_total']) {
    assert.ok(lines.includes(`connector_${name}${labels} 0`), name);
  }
  assert.ok(lines.includes('connector_shard_failures_total{code="SINK_FENCED"} 0'));
  assert.ok(lines.includes('connector_transaction_duration_seconds_count{outcome="unknown"} 0'));
});

test('a feed is told as failing, by the code, until it polls', async () => {
  const failing = 'connector_feed_failing{stream="call-legs",pbx="acme",code="SOURCE_REFUSED"} 1';
  const start = [owned(0), opened(0, standing)];
  assert.ok((await linesAfter(...start, pollFailed(), pollFailed('SOURCE_REFUSED'))).includes(failing));
  const lines = await linesAfter(...start, pollFailed('SOURCE_REFUSED'), polled());
  assert.deepEqual(lines.filter((line) => line.startsWith('connector_feed_failing')), []);
});

test('pending calls go with their PBX, and with the session whose memory they are in', async () => {
  const calls: WorkerEvent =
    { kind: 'calls', feed, report: { complete: 1, incomplete: 0, pending: 7, watermarkMs: at('10:00:00') } };
  const pending = async (...events: WorkerEvent[]): Promise<readonly string[]> =>
    (await linesAfter(owned(0), opened(0, standing), calls, ...events))
      .filter((line) => line.startsWith('connector_calls_pending'));
  assert.deepEqual(await pending(), ['connector_calls_pending{pbx="acme"} 7']);
  assert.deepEqual(await pending(closed(0), owned()), []);
  assert.deepEqual(await pending(owned(), calls), []);
  assert.deepEqual(await pending(closed(0), opened(0, standing)), []);
});

test('what runs and whether it is ready are told', async () => {
  const build = { version: '1.2.3', node: '24.0.0', commit: 'abc' };
  let ready = true;
  const metrics = createMetrics(() => clock.nowMs, { build, isReady: () => ready });
  const lines = await linesOf(metrics);
  assert.ok(lines.includes('connector_build_info{version="1.2.3",node="24.0.0",commit="abc"} 1'));
  assert.ok(lines.includes('connector_ready 1'));
  ready = false;
  assert.ok((await linesOf(metrics)).includes('connector_ready 0'));
});

test('a gap counts by its length', async () => {
  assert.ok((await linesAfter(gap, gap)).includes(`connector_gap_seconds_total${labels} ${2 * 90 * 60}`));
});

test('failures count by their code', async () => {
  const lines = await linesAfter(pollFailed(), pollFailed(), pollFailed('SOURCE_THROTTLED'), shardFailed(1));
  const failures = 'connector_poll_failures_total{stream="call-legs",pbx="acme",code=';
  assert.ok(lines.includes(`${failures}"SOURCE_UNAVAILABLE"} 2`));
  assert.ok(lines.includes(`${failures}"SOURCE_THROTTLED"} 1`));
  assert.ok(lines.includes('connector_shard_failures_total{code="SINK_FENCED"} 1'));
});

test('signals count by what became of them', async () => {
  const answer = { signal: 'http', outcome: 'refused', feeds: {} } as const;
  const lines = await linesAfter({ kind: 'signal-answered', answer }, { kind: 'signal-answered', answer });
  assert.ok(lines.includes('connector_signals_total{outcome="refused"} 2'));
});

test('shards and their opening are measured', async () => {
  const lines = await linesAfter(owned(0, 2), opened(0), opened(2), closed(0));
  assert.ok(lines.includes('connector_shards_owned 2'));
  assert.ok(lines.includes('connector_shard_open_duration_seconds_count 2'));
  assert.ok(lines.includes('connector_shard_open_duration_seconds_bucket{le="0.5"} 2'));
});

test('requests and transactions are measured in seconds', async () => {
  const metrics = createMetrics(() => clock.nowMs);
  metrics.onRequest({ endpoint: 'call-legs', status: 200, durationMs: 250, budgetPerMinute: 10, aheadMs: 7_200_000 });
  const late = { endpoint: 'token', status: 'timeout', durationMs: 60_000, budgetPerMinute: 7, aheadMs: undefined };
  metrics.onRequest(late);
  metrics.onTransaction({ outcome: 'committed', durationMs: 40 });
  const lines = await linesOf(metrics);
  assert.ok(lines.includes('connector_api_request_duration_seconds_sum{endpoint="call-legs",status="200"} 0.25'));
  assert.ok(lines.includes('connector_clock_ahead_seconds 7200'));
  assert.ok(lines.includes('connector_api_request_duration_seconds_count{endpoint="token",status="timeout"} 1'));
  assert.ok(lines.includes('connector_transaction_duration_seconds_sum{outcome="committed"} 0.04'));
});

test('the budget of requests is shown as it was after the last one', async () => {
  const metrics = createMetrics(() => clock.nowMs);
  for (const budgetPerMinute of [10, 7.5]) {
    metrics.onRequest({ endpoint: 'token', status: 200, durationMs: 1, budgetPerMinute, aheadMs: undefined });
  }
  assert.ok((await linesOf(metrics)).includes('connector_request_budget_per_minute 7.5'));
});

test('every metric of ours says what it is, in its base unit', async () => {
  const metrics = createMetrics(() => clock.nowMs);
  const ours = metrics.registry.getMetricsAsArray().filter(({ name }) => name.startsWith('connector_'));
  assert.ok(ours.length > 10);
  for (const { name, help, type } of ours as unknown as { name: string; help: string; type: string }[]) {
    assert.match(help, /^[A-Z].+\.$/, name);
    if (type === 'counter') assert.match(name, /_total$/);
    assert.doesNotMatch(name, /_ms|milliseconds|minutes/);
  }
});

test('two connectors in one process do not share their numbers', async () => {
  const [one, other] = [createMetrics(() => clock.nowMs), createMetrics(() => clock.nowMs)];
  one.onEvent(owned(0, 1));
  other.onEvent(owned(2));
  assert.ok((await linesOf(one)).includes('connector_shards_owned 2'));
});

// A worker that gave a feed away must not go on telling how far behind that feed is: the lag would grow for ever.
test('a feed that has gone to another worker has no lag here', async () => {
  const lines = await linesAfter(owned(0), opened(0), polled(), polled({}, feedOf('globex')), closed(0), owned());
  assert.deepEqual(lines.filter((line) => /^connector_(lag|watermark)_seconds\{/.test(line)), []);
});

test('out of the group the lag of our feeds goes on growing, for nobody may be at work on them', async () => {
  const error = new ConnectorError('SINK_UNAVAILABLE', 'out of the group');
  const lines = await linesAfter(owned(0), opened(0), polled(), { kind: 'group-left', error }, closed(0), owned());
  assert.ok(lines.some((line) => line.startsWith('connector_lag_seconds{')));
});
