import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { feedName, type FeedId } from '../feed/feed.ts';
import type { PollReport } from '../worker/poll.ts';
import type { WorkerEvent } from '../worker/worker.ts';

/** One HTTP attempt of the source. */
export interface RequestReport {
  /** `token`, or the name of the stream. */
  readonly endpoint: string;
  /** HTTP status, or what came instead of one: `network`, `timeout`. */
  readonly status: number | string;
  readonly durationMs: number;
}

/** One transaction of the sink. */
export interface TransactionReport {
  readonly outcome: string;
  readonly durationMs: number;
}

/** All metrics of a connector, and the three ears they hear with. */
export interface Metrics {
  readonly registry: Registry;
  readonly onEvent: (event: WorkerEvent) => void;
  readonly onRequest: (report: RequestReport) => void;
  readonly onTransaction: (report: TransactionReport) => void;
}

/** Every counter of a poll, one row each: name, help, and where the number comes from. */
const pollCounters = [
  ['polls_total', 'Windows read to their end and committed.', () => 1],
  ['pages_total', 'Pages of rows read.', (poll: PollReport) => poll.pages],
  ['rows_total', 'Rows read.', (poll: PollReport) => poll.rows],
  ['events_published_total', 'Events made visible on the bus.', (poll: PollReport) => poll.published],
  ['rows_rejected_total', 'Rows that could not be mapped, sent to the dead-letter topic.', (poll: PollReport) => poll.rejected],
  ['rows_repeated_total', 'Rows read again and dropped as known.', (poll: PollReport) => poll.repeats],
  ['rows_outside_total', 'Rows before all that was asked for, dropped.', (poll: PollReport) => poll.outside],
] as const;

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export function createMetrics(nowMs: () => number): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];

  const requests = new Histogram({
    name: 'connector_api_request_duration_seconds',
    help: 'Duration of requests to 8x8, by endpoint and status.',
    labelNames: ['endpoint', 'status'],
    buckets: SECONDS,
    registers,
  });
  const transactions = new Histogram({
    name: 'connector_transaction_duration_seconds',
    help: 'Duration of Kafka transactions, by outcome: committed, fenced, unknown.',
    labelNames: ['outcome'],
    buckets: SECONDS,
    registers,
  });
  return {
    registry,
    onEvent: eventMetrics(registry, nowMs),
    onRequest: ({ endpoint, status, durationMs }) => requests.observe({ endpoint, status }, durationMs / 1_000),
    onTransaction: ({ outcome, durationMs }) => transactions.observe({ outcome }, durationMs / 1_000),
  };
}

function eventMetrics(registry: Registry, nowMs: () => number): (event: WorkerEvent) => void {
  const registers = [registry];
  const labelNames = ['stream', 'pbx'] as const;
  const counters = pollCounters.map(([name, help, read]) =>
    ({ counter: new Counter({ name: `connector_${name}`, help, labelNames, registers }), read }));
  const watermark = new Gauge({
    name: 'connector_watermark_seconds',
    help: 'Event time up to which a feed is complete, as a Unix time.',
    labelNames,
    registers,
  });
  const seen = new Gauge({ name: 'connector_seen_keys', help: 'Keys remembered within the lookback.', labelNames, registers });
  const failures = new Counter({
    name: 'connector_poll_failures_total',
    help: 'Polls that failed and will be tried again, by error code.',
    labelNames: [...labelNames, 'code'],
    registers,
  });
  const shards = new Gauge({ name: 'connector_shards_owned', help: 'Shards with feeds that this process owns.', registers });
  const reopens = new Counter({
    name: 'connector_shard_failures_total',
    help: 'Sessions lost, by error code; each is followed by a fence and a reading of the offsets.',
    labelNames: ['code'],
    registers,
  });
  const takeover = new Histogram({
    name: 'connector_shard_open_duration_seconds',
    help: 'Duration of taking a shard over: fence and read.',
    buckets: SECONDS,
    registers,
  });
  const watermarks = lagGauge(registry, nowMs);

  return (event) => {
    switch (event.kind) {
      case 'polled': {
        const { feed, report } = event;
        for (const { counter, read } of counters) counter.inc(labelsOf(feed.id), read(report));
        watermark.set(labelsOf(feed.id), report.watermarkMs / 1_000);
        seen.set(labelsOf(feed.id), report.seen);
        watermarks.set(feedName(feed.id), { id: feed.id, watermarkMs: report.watermarkMs });
        return;
      }
      case 'poll-failed':
        return failures.inc({ ...labelsOf(event.feed.id), code: event.error.code });
      case 'shards-owned':
        return shards.set(event.shards.size);
      case 'shard-opened':
        return takeover.observe(event.durationMs / 1_000);
      case 'shard-failed':
        return reopens.inc({ code: event.error.code });
      case 'shard-closed':
        return;
    }
  };
}

/** Lag grows while nothing happens, so it is computed when it is asked for. */
function lagGauge(registry: Registry, nowMs: () => number): Map<string, { id: FeedId; watermarkMs: number }> {
  const watermarks = new Map<string, { id: FeedId; watermarkMs: number }>();
  new Gauge({
    name: 'connector_lag_seconds',
    help: 'How far the watermark of a feed is behind the clock.',
    labelNames: ['stream', 'pbx'],
    registers: [registry],
    collect() {
      for (const { id, watermarkMs } of watermarks.values()) {
        this.set(labelsOf(id), (nowMs() - watermarkMs) / 1_000);
      }
    },
  });
  return watermarks;
}

function labelsOf(id: FeedId): { stream: string; pbx: string } {
  return { stream: id.stream, pbx: id.pbxId };
}
