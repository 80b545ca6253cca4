import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { FeedId } from '../feed/feed.ts';
import { LIVE } from '../feed/pass.ts';
import type { Window } from '../feed/window.ts';
import type { CallsReport } from '../worker/call-desk.ts';
import type { Feed } from '../worker/poll.ts';
import type { PollReport } from '../worker/report.ts';
import type { WorkerEvent } from '../worker/worker.ts';

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
}

/** Every counter of a poll, one row each: name, help, and where the number comes from. */
const pollCounters = [
  ['polls_total', 'Windows read to their end and committed.', () => 1],
  ['pages_total', 'Pages of rows read.', (poll: PollReport) => poll.pages],
  ['rows_total', 'Rows read.', (poll: PollReport) => poll.rows],
  ['events_published_total', 'Events published by polls that came to their end.', (poll: PollReport) => poll.published],
  ['events_corrected_total', 'Of those: rows that 8x8 has changed.', (poll: PollReport) => poll.corrected],
  ['events_late_total', 'Of those: rows that 8x8 has shown only after the feed had passed their end.',
    (poll: PollReport) => poll.late],
  ['events_beyond_lookback_total',
    'Of those: rows seen later than the lookback surely covers, by luck or by a deep sweep; others may be missing.',
    (poll: PollReport) => poll.beyond],
  ['windows_short_total', 'Windows of which 8x8 has shown fewer rows than it counts, also when it was asked again.',
    (poll: PollReport) => Number(poll.outcome === 'short')],
  ['drift_total', 'Ways in which rows are not as 8x8 documents them, each once.',
    (poll: PollReport) => poll.drift.length],
  ['rows_rejected_total', 'Rows that could not be mapped: dead letters.', (poll: PollReport) => poll.rejected],
  ['rows_repeated_total', 'Rows read again and dropped as known.', (poll: PollReport) => poll.repeats],
  ['rows_outside_total', 'Rows before all that was asked for, dropped.', (poll: PollReport) => poll.outside],
] as const;

/** Every gauge of a live feed, one row each, made from its last poll. */
const pollGauges = [
  ['watermark_seconds', 'Event time up to which a feed is complete, as a Unix time.',
    (poll: PollReport) => poll.watermarkMs / 1_000],
  ['lag_seconds', 'How far the watermark of a feed is behind the clock.',
    (poll: PollReport, nowMs: number) => (nowMs - poll.watermarkMs) / 1_000],
  ['seen_keys', 'Keys of published events that are remembered.', (poll: PollReport) => poll.seen],
  ['expected_rows', 'Rows that there should have been since the last one, by what each hour of the week brings.',
    (poll: PollReport) => poll.silence?.expectedRows ?? 0],
  ['silence_suspicious', 'Whether so many rows are missing since the last one that it is no chance: 1, else 0.',
    (poll: PollReport) => Number(poll.silence?.suspicious ?? false)],
] as const;

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** From what a poll a second can tell to what a lookback of a day covers. */
const DELAY_SECONDS = [5, 15, 30, 60, 90, 120, 180, 300, 600, 1_800, 3_600, 7_200, 21_600, 86_400];

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
  return {
    registry,
    onEvent: eventMetrics(registry, nowMs),
    onRequest({ endpoint, status, durationMs, budgetPerMinute, aheadMs }) {
      requests.observe({ endpoint, status }, durationMs / 1_000);
      budget.set(budgetPerMinute);
      if (aheadMs !== undefined) ahead.set(aheadMs / 1_000);
    },
    onTransaction: ({ outcome, durationMs }) => transactions.observe({ outcome }, durationMs / 1_000),
  };
}

function eventMetrics(registry: Registry, nowMs: () => number): (event: WorkerEvent) => void {
  const feeds = feedMetrics(registry, nowMs);
  let outside = false;
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

  return (event) => {
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
        // Out of the group nobody may be at work on our feeds, and their lag must be seen to grow.
        if (!outside) feeds.keepOnly(event.feeds);
        return shards.set(event.shards.size);
      case 'shard-opened':
        return takeover.observe(event.durationMs / 1_000);
      case 'shard-failed':
        return losses.inc({ code: event.error.code });
      case 'signal-answered':
        return signals.inc({ outcome: event.answer.outcome });
      case 'shard-closed':
        return;
      case 'group-left':
        outside = true;
        return;
      case 'group-joined':
        outside = false;
        return;
    }
  };
}

/** What is told of each feed, as long as it is ours. */
interface FeedMetrics {
  polled(feed: Feed, report: PollReport): void;
  failed(feed: Feed, code: string): void;
  skipped(feed: Feed, gap: Window): void;
  called(feed: Feed, report: CallsReport): void;
  /** Forgets where other feeds stand: another worker tells of them now. */
  keepOnly(feeds: readonly Feed[]): void;
}

function feedMetrics(registry: Registry, nowMs: () => number): FeedMetrics {
  const registers = [registry];
  const labelNames = ['stream', 'pbx'] as const;
  const counters = pollCounters.map(([name, help, read]) =>
    ({ counter: new Counter({ name: `connector_${name}`, help, labelNames, registers }), read }));
  const failures = new Counter({
    name: 'connector_poll_failures_total',
    help: 'Polls that failed and will be tried again, by error code.',
    labelNames: [...labelNames, 'code'],
    registers,
  });
  const delays = new Histogram({
    name: 'connector_arrival_delay_seconds',
    help: 'How long after the end of a call its rows were first seen, by feeds at the live edge.',
    labelNames,
    buckets: DELAY_SECONDS,
    registers,
  });
  const gaps = new Counter({
    name: 'connector_gap_seconds_total',
    help: 'Event time passed unread, because 8x8 no longer keeps it: calls are missing.',
    labelNames,
    registers,
  });
  // Where a feed stands is read when it is asked for: its lag grows while nothing happens.
  const latest = new Map<Feed, PollReport>();
  for (const [name, help, read] of pollGauges) {
    new Gauge({
      name: `connector_${name}`,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const [{ id }, report] of latest) this.set(labelsOf(id), read(report, nowMs()));
      },
    });
  }

  return {
    polled(feed, report) {
      for (const { counter, read } of counters) counter.inc(labelsOf(feed.id), read(report));
      for (const delayMs of report.delaysMs) delays.observe(labelsOf(feed.id), delayMs / 1_000);
      if (feed.id.pass === LIVE) latest.set(feed, report);
    },
    called: callMetrics(registers),
    skipped: (feed, { from, to }) => gaps.inc(labelsOf(feed.id), (to - from) / 1_000),
    failed: (feed, code) => failures.inc({ ...labelsOf(feed.id), code }),
    keepOnly(feeds) {
      for (const feed of latest.keys()) if (!feeds.includes(feed)) latest.delete(feed);
    },
  };
}

function labelsOf(id: FeedId): { stream: string; pbx: string } {
  return { stream: id.stream, pbx: id.pbxId };
}

function callMetrics(registers: Registry[]): FeedMetrics['called'] {
  const calls = new Counter({
    name: 'connector_calls_total',
    help: 'Whole calls told, by state: complete, or incomplete when something was not there in time.',
    labelNames: ['pbx', 'state'],
    registers,
  });
  const waiting = new Gauge({
    name: 'connector_calls_pending',
    help: 'Calls of which something is still to come.',
    labelNames: ['pbx'],
    registers,
  });
  return ({ id: { pbxId: pbx } }, { complete, incomplete, pending }) => {
    calls.inc({ pbx, state: 'complete' }, complete);
    calls.inc({ pbx, state: 'incomplete' }, incomplete);
    waiting.set({ pbx }, pending);
  };
}
