import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { WorkerEvent } from '../worker/worker.ts';
import { feedMetrics } from './feed-metrics.ts';
import { createFeedStates, type FeedStates } from './feed-states.ts';

/** One HTTP attempt of the source. */
export interface RequestReport {
  /** `token`, or the name of the stream. */
  readonly endpoint: string;
  /** HTTP status, or what came instead of one: `network`, `timeout`. */
  readonly status: number | string;
  readonly durationMs: number;
  /** How many requests a minute this process may send after it. */
  readonly budgetPerMinute: number;
  /** How far our clock is ahead of 8x8's, negative if behind. */
  readonly aheadMs: number | undefined;
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
  /** What gauges of feeds are made from. */
  readonly feeds: FeedStates;
}

/** What was built. */
export interface Build {
  readonly version: string;
  readonly node: string;
  /** Empty where the source runs as it is. */
  readonly commit: string;
}

/** What is measured besides what is heard. */
export interface Measured {
  readonly build?: Build;
  /** What `/readyz` answers. */
  readonly isReady?: () => boolean;
}

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export function createMetrics(nowMs: () => number, { build, isReady }: Measured = {}): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const feeds = createFeedStates(nowMs);

  const requests = new Histogram({
    name: 'connector_api_request_duration_seconds',
    help: 'Duration of requests to 8x8, by endpoint and status.',
    labelNames: ['endpoint', 'status'],
    buckets: SECONDS,
    registers,
  });
  const ahead = new Gauge({
    name: 'connector_clock_ahead_seconds',
    help: "How far this machine's clock is ahead of 8x8's, negative if behind; to the second.",
    registers,
  });
  const budget = new Gauge({
    name: 'connector_request_budget_per_minute',
    help: 'Requests a minute that this process may send: its share, less what 429s take. As of the last request.',
    registers,
  });
  const transactions = new Histogram({
    name: 'connector_transaction_duration_seconds',
    help: 'Duration of Kafka transactions, by outcome: committed, fenced, unknown.',
    labelNames: ['outcome'],
    buckets: SECONDS,
    registers,
  });
  for (const outcome of ['committed', 'fenced', 'unknown']) transactions.zero({ outcome });
  processMetrics(registry, build, isReady);
  return {
    registry,
    feeds,
    onEvent: eventMetrics(registry, feeds, nowMs),
    onRequest({ endpoint, status, durationMs, budgetPerMinute, aheadMs }) {
      requests.observe({ endpoint, status }, durationMs / 1_000);
      budget.set(budgetPerMinute);
      if (aheadMs !== undefined) ahead.set(aheadMs / 1_000);
    },
    onTransaction: ({ outcome, durationMs }) => transactions.observe({ outcome }, durationMs / 1_000),
  };
}

function processMetrics(registry: Registry, build: Build | undefined, isReady: Measured['isReady']): void {
  const registers = [registry];
  new Gauge({
    name: 'connector_build_info',
    help: 'Always 1; its labels say what runs. The commit is empty where it is not known.',
    labelNames: ['version', 'node', 'commit'],
    registers,
  }).set({ version: '', node: '', commit: '', ...build }, 1);
  new Gauge({
    name: 'connector_ready',
    help: 'Whether `/readyz` says yes: 1, else 0.',
    registers,
    collect() {
      this.set(Number(isReady?.() ?? false));
    },
  });
}

function eventMetrics(registry: Registry, states: FeedStates, nowMs: () => number): Metrics['onEvent'] {
  const feeds = feedMetrics(registry, states, nowMs);
  const registers = [registry];
  const shards = new Gauge({
    name: 'connector_shards_owned',
    help: 'Shards with feeds that this process owns.',
    registers,
  });
  const losses = new Counter({
    name: 'connector_shard_failures_total',
    help: 'Sessions lost, by error code; each is followed by a fence and a reading of the offsets.',
    labelNames: ['code'],
    registers,
  });
  const signals = new Counter({
    name: 'connector_signals_total',
    help: 'Signals by what became of them: obeyed, unchanged, unreadable, refused, failed.',
    labelNames: ['outcome'],
    registers,
  });
  const takeover = new Histogram({
    name: 'connector_shard_open_duration_seconds',
    help: 'Duration of taking a shard over: fence and read.',
    buckets: SECONDS,
    registers,
  });

  for (const code of ['SINK_FENCED', 'SINK_OUTCOME_UNKNOWN', 'SINK_UNAVAILABLE']) losses.inc({ code }, 0);

  return (event) => {
    states.onEvent(event);
    switch (event.kind) {
      case 'polled':
        return feeds.polled(event.feed, event.report);
      case 'poll-failed':
        return feeds.failed(event.feed, event.error.code);
      case 'gap':
        return feeds.skipped(event.feed, event.gap);
      case 'calls':
        return feeds.called(event.feed, event.report);
      case 'shards-owned':
        return shards.set(event.shards.size);
      case 'shard-opened':
        feeds.opened(event.feeds.map(({ feed }) => feed));
        return takeover.observe(event.durationMs / 1_000);
      case 'shard-failed':
        return losses.inc({ code: event.error.code });
      case 'signal-answered':
        return signals.inc({ outcome: event.answer.outcome });
      case 'shard-closed':
      case 'group-left':
      case 'group-joined':
        return;
    }
  };
}

