import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { FeedId } from '../feed/feed.ts';
import type { Window } from '../feed/window.ts';
import type { CallsReport } from '../worker/call-desk.ts';
import type { Feed } from '../worker/poll.ts';
import type { PollReport } from '../worker/report.ts';
import type { FeedState, FeedStates } from './feed-states.ts';
import { lagAllowedMs, lagMs } from './freshness.ts';

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

/** Every gauge of a live feed, one row each. What is not known is not shown. */
const gauges = [
  ['watermark_seconds', 'Event time up to which a feed is complete, as a Unix time.',
    ({ watermarkMs }: FeedState) => seconds(watermarkMs)],
  ['lag_seconds', 'How far the watermark of a feed is behind the clock: how fresh what is published is.',
    (state: FeedState, nowMs: number) => seconds(lagMs(state, nowMs))],
  ['lag_allowed_seconds', 'How far it may be: `PACE_LAG_MAX`, or what follows from the pace.',
    ({ feed }: FeedState) => seconds(lagAllowedMs(feed))],
  ['feed_paused', 'Whether a person has the feed stand still: 1, else 0.', ({ paused }: FeedState) => Number(paused)],
  ['seen_keys', 'Keys of published events that are remembered.', ({ seen }: FeedState) => seen],
  ['expected_rows', 'Rows that there should have been since the last one, by what each hour of the week brings.',
    ({ silence }: FeedState) => silence?.expectedRows],
  ['silence_suspicious', 'Whether so many rows are missing since the last one that it is no chance: 1, else 0.',
    ({ silence }: FeedState) => silence && Number(silence.suspicious)],
] as const;

/** From what a poll a second can tell to what a lookback of a day covers. */
const DELAY_SECONDS = [5, 15, 30, 60, 90, 120, 180, 300, 600, 1_800, 3_600, 7_200, 21_600, 86_400];

/** What is counted of each feed. It stays told when the feed goes to another worker, for counters never fall. */
export interface FeedMetrics {
  opened(feeds: readonly Feed[]): void;
  polled(feed: Feed, report: PollReport): void;
  failed(feed: Feed, code: string): void;
  skipped(feed: Feed, gap: Window): void;
  called(feed: Feed, report: CallsReport): void;
}

/** Gauges are made from `states` when they are asked for: a lag grows while nothing happens, and goes with its feed. */
export function feedMetrics(registry: Registry, states: FeedStates, nowMs: () => number): FeedMetrics {
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
  stateGauges(registry, states, nowMs);

  return {
    opened(feeds) {
      // From nothing to 1 is no increase for Prometheus, so each begins with 0.
      for (const { id } of feeds) {
        for (const counter of [gaps, ...counters.map((row) => row.counter)]) counter.inc(labelsOf(id), 0);
      }
    },
    polled(feed, report) {
      for (const { counter, read } of counters) counter.inc(labelsOf(feed.id), read(report));
      for (const delayMs of report.delaysMs) delays.observe(labelsOf(feed.id), delayMs / 1_000);
    },
    called: callMetrics(registry),
    skipped: (feed, { from, to }) => gaps.inc(labelsOf(feed.id), (to - from) / 1_000),
    failed: (feed, code) => failures.inc({ ...labelsOf(feed.id), code }),
  };
}

function stateGauges(registry: Registry, states: FeedStates, nowMs: () => number): void {
  const registers = [registry];
  const labelNames = ['stream', 'pbx'] as const;
  for (const [name, help, read] of gauges) {
    new Gauge({
      name: `connector_${name}`,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const state of states.all()) {
          const value = read(state, nowMs());
          if (value !== undefined) this.set(labelsOf(state.feed.id), value);
        }
      },
    });
  }
  new Gauge({
    name: 'connector_feed_failing',
    help: 'Always 1, for each feed whose last poll has failed, by error code.',
    labelNames: [...labelNames, 'code'],
    registers,
    collect() {
      this.reset();
      for (const { feed, failure } of states.all()) {
        if (failure !== undefined) this.set({ ...labelsOf(feed.id), code: failure.code }, 1);
      }
    },
  });
  new Gauge({
    name: 'connector_calls_pending',
    help: 'Calls of which something is still to come.',
    labelNames: ['pbx'],
    registers,
    collect() {
      this.reset();
      for (const [pbx, pending] of states.pendingCalls()) this.set({ pbx }, pending);
    },
  });
}

function callMetrics(registry: Registry): FeedMetrics['called'] {
  const calls = new Counter({
    name: 'connector_calls_total',
    help: 'Whole calls told, by state: complete, or incomplete when something was not there in time.',
    labelNames: ['pbx', 'state'],
    registers: [registry],
  });
  return ({ id: { pbxId: pbx } }, { complete, incomplete }) => {
    calls.inc({ pbx, state: 'complete' }, complete);
    calls.inc({ pbx, state: 'incomplete' }, incomplete);
  };
}

function labelsOf(id: FeedId): { stream: string; pbx: string } {
  return { stream: id.stream, pbx: id.pbxId };
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1_000;
}
