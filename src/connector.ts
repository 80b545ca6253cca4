import type { Registry } from 'prom-client';
import { readBuild } from './build.ts';
import { systemClock, type Clock } from './clock.ts';
import type { Config } from './config.ts';
import type { Health } from './observe/health.ts';
import type { RequestReport, TransactionReport } from './observe/metrics.ts';
import { createObserver } from './observe/observer.ts';
import type { Overview } from './observe/overview.ts';
import type { ConnectorError } from './errors.ts';
import type { SignalAnswer } from './feed/ask.ts';
import { openSink, openSource } from './parts.ts';
import { planReading, type Reloaded } from './reading.ts';
import { createSignals, type Signals } from './signals.ts';
import type { Sink } from './sink/sink.ts';
import type { Source } from './source/source.ts';
import type { Feed } from './worker/poll.ts';
import { runWorker, type WorkerEvent } from './worker/worker.ts';

export { loadConfig, type Config } from './config.ts';
export { ConnectorError, reactionTo, type ErrorCode, type Reaction } from './errors.ts';
export type { SignalAnswer } from './feed/ask.ts';
export type { FeedId, Shard, StreamName } from './feed/feed.ts';
export { OffsetState, recordKey, restoreOffsets } from './feed/offset.ts';
export type { FeedOffset, HeadRecord, OffsetRecord, OffsetStep, SeenEntry } from './feed/offset.ts';
export type { Pace, Window } from './feed/window.ts';
export type { Commit, ShardSession, Sink } from './sink/sink.ts';
export { MemorySink } from './sink/memory.ts';
export type { Reading, ReadRequest, RowPage, Source } from './source/source.ts';
export type { CallLeg } from './streams/call-legs.ts';
export type { CallEvent } from './streams/calls.ts';
export type { CallRecord } from './streams/call-records.ts';
export type { DriftEvent, LedgerEntry, WatermarkEvent } from './streams/audit.ts';
export type { RejectedRow } from './streams/rejected.ts';
export { changeOffsets, eraseRows, followHeads, readLedger, readOffsets } from './operate.ts';
export type { BusEvent, RawRow, Stream } from './streams/stream.ts';
export type { Feed } from './worker/poll.ts';
export type { PollReport } from './worker/report.ts';
export type { Clock, WorkerEvent };

export interface ConnectorOptions {
  /** From {@link loadConfig}. */
  readonly config: Config;
  /** Instead of 8x8 itself: whatever yields the rows of a window. */
  readonly source?: Source;
  /** Instead of Kafka. It must keep the promises of {@link Sink}. */
  readonly sink?: Sink;
  readonly clock?: Clock;
  /** Hears everything that the connector tells: each poll, each failure, each shard. */
  readonly listen?: (event: WorkerEvent) => void;
  /** What kafkajs says, for debugging. */
  readonly onSinkLog?: (message: string) => void;
}

export interface Connector {
  readonly feeds: readonly Feed[];
  /** prom-client's registry with all metrics of this connector. */
  readonly metrics: Registry;
  readonly health: Health;
  /** How fresh all is, and how it stands. */
  readonly overview: Overview;

  /**
   * Proves that 8x8, Kafka and the registry are there and accept us. Call it once, before `run`.
   *
   * @throws ConnectorError: what is wrong, where, and the cure.
   */
  check(signal: AbortSignal): Promise<void>;

  /** Takes a signal that came by another way than Kafka; undefined with a sink of one's own. */
  readonly obey: Signals['obey'] | undefined;

  /** Reads and publishes until `signal` aborts. @throws ConnectorError `stop` when only a person can help. */
  run(signal: AbortSignal): Promise<void>;

  /**
   * Goes on with other PBXs or streams, without a restart. All of it is applied, or nothing.
   *
   * @returns the names of feeds that have come, and of those that have gone; offsets of the latter stay.
   * @throws ConnectorError CONFIG_INVALID if other settings differ, too.
   */
  reload(config: Config): Reloaded;
}

/**
 * Joins the parts: the only place where they are chosen.
 *
 * @throws ConnectorError CONFIG_INVALID
 */
export function createConnector(options: ConnectorOptions): Connector {
  const { config, clock = systemClock } = options;
  const { groupMax } = config.source;
  const onRequest = (request: RequestReport): void => observer.onRequest(request);
  const budgeted = options.source === undefined ? openSource(config, clock, onRequest) : undefined;
  const source = options.source ?? budgeted!;
  const onMembership = (error?: ConnectorError): void =>
    listen(error === undefined ? { kind: 'group-joined' } : { kind: 'group-left', error });
  const onLog = options.onSinkLog ?? (() => undefined);
  const onTransaction = (report: TransactionReport): void => observer.metrics.onTransaction(report);
  const ears = { onTransaction, onMembership, onLog };
  const sink = options.sink ?? openSink(config, ears);
  const { name } = config.connector;
  const observer = createObserver({ name, guarantee: sink.guarantee, build: readBuild() }, clock.nowMs);
  const reader = planReading(config, clock.nowMs);

  const listen = (event: WorkerEvent): void => {
    if (event.kind === 'shards-owned') budgeted?.setShare(event.shards.size / event.of);
    observer.onEvent(event);
    options.listen?.(event);
  };
  const tell = (answer: SignalAnswer): void => listen({ kind: 'signal-answered', answer });
  const signals = options.sink === undefined ? createSignals(() => reader.current().config, tell, onLog) : undefined;
  return {
    get feeds() {
      return reader.current().feeds;
    },
    obey: signals?.obey,
    metrics: observer.metrics.registry,
    health: observer.health,
    overview: observer.overview,
    async check(signal) {
      try {
        await source.check(signal);
        await sink.check();
      } catch (error) {
        await sink.close();
        throw error;
      }
    },
    async run(signal) {
      const ended = new AbortController();
      const following = signals?.follow(AbortSignal.any([signal, ended.signal]));
      try {
        while (!signal.aborted) {
          const { feeds, stop } = reader.current();
          const either = AbortSignal.any([signal, stop.signal]);
          await runWorker({ feeds, source, sink, clock, groupMax, random: Math.random, listen }, either);
          if (!stop.signal.aborted) return;
        }
      } finally {
        ended.abort();
        await following;
        await sink.close();
      }
    },
    reload: reader.reload,
  };
}
