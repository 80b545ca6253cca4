import { randomUUID } from 'node:crypto';
import pRetry, { type Options } from 'p-retry';
import type { Config } from './config.ts';
import { ConnectorError } from './errors.ts';
import type { ChangeRequest } from './feed/change.ts';
import { shardOf, type StreamName } from './feed/feed.ts';
import type { HeadRecord } from './feed/offset.ts';
import { LIVE } from './feed/pass.ts';
import { busOf, openSink, orNone, topicsOf } from './parts.ts';
import type { ChangeReport, OffsetsChange } from './sink/kafka-change.ts';
import type { Erasure } from './sink/kafka-erase.ts';
import { readLedger as readEntries } from './sink/kafka-ledger.ts';
import { followHeads as follow, readOffsets as readShown, type ShownOffset } from './sink/kafka-show.ts';
import type { LedgerEntry } from './streams/audit.ts';

const FENCED_BACK: Options = {
  retries: 10, minTimeout: 100, maxTimeout: 1_000,
  shouldRetry: ({ error }) => error instanceof ConnectorError && error.code === 'SINK_FENCED',
};

/**
 * Changes the offsets of feeds: sets them back, begins a pass, lets one pause or go on. It needs no 8x8, and workers
 * may run: those that own the feeds are fenced, and go on from the new offsets. One transaction a shard, so what is
 * interrupted is done in part, and is to be asked for again.
 *
 * @throws ConnectorError when Kafka or the registry cannot be reached or refuse us, or nobody gives us the shards;
 *   OFFSETS_INVALID when an offset cannot be read.
 */
export async function changeOffsets(config: Config, change: OffsetsChange): Promise<readonly ChangeReport[]> {
  refuseOwnTopic(config, change.request);
  const stop = new AbortController();
  const sink = openSink(config, { groupId: `${config.connector.name}.${LIVE}.reset.${randomUUID()}` });
  try {
    await sink.check();
    const { request, feeds } = change;
    if (request.kind === 'begin' && request.plan.topic !== undefined) {
      await sink.openTopic(request.plan.topic, feeds[0]!.stream as StreamName);
    }
    const byShard = Map.groupBy(change.feeds, (feed) => shardOf(feed, sink.shardCount));
    for await (const owned of sink.ownedShards(stop.signal)) {
      if ([...byShard.keys()].every((shard) => owned.has(shard))) break;
    }
    const reports: ChangeReport[] = [];
    for (const [shard, feeds] of byShard) {
      // A worker that was fenced takes its shard back after a while, and may be quicker than we are.
      reports.push(...await pRetry(() => sink.changeOffsets(shard, { ...change, feeds }), FENCED_BACK));
    }
    return reports;
  } finally {
    stop.abort();
    await sink.close();
  }
}

/**
 * Takes rows out of the compacted topic of their stream, which must have one. It needs no 8x8, and workers go on.
 *
 * @throws ConnectorError when Kafka or the registry cannot be reached or refuse us.
 */
export async function eraseRows(config: Config, erasure: Erasure): Promise<void> {
  const sink = openSink(config, {});
  try {
    await sink.check();
    await sink.eraseRows(erasure);
  } finally {
    await sink.close();
  }
}

/**
 * A replay to another topic must not put its rows where those of other kinds are, nor where consumers expect each once.
 *
 * @throws ConnectorError CONFIG_INVALID
 */
export function refuseOwnTopic(config: Config, request: ChangeRequest): void {
  const topic = request.kind === 'begin' ? request.plan.topic : undefined;
  if (topic === undefined || !Object.values(topicsOf(config)).includes(topic)) return;
  throw new ConnectorError('CONFIG_INVALID', `${topic}: it is a topic of the connector; a replay to it needs no topic`);
}

/**
 * Every entry of the ledger whose window ends at `fromMs` or later. It needs no 8x8, and workers may run.
 *
 * @throws ConnectorError CONFIG_INVALID when the ledger is switched off; SINK_UNAVAILABLE, SINK_REFUSED.
 */
export async function readLedger(config: Config, fromMs: number): Promise<LedgerEntry[]> {
  const topic = orNone(config.kafka.topicLedger);
  if (topic === undefined) throw new ConnectorError('CONFIG_INVALID', 'KAFKA_TOPIC_LEDGER: it is off, so none is kept');
  return readEntries({ ...busOf(config), topic }, fromMs);
}

/** Where every feed stands. It needs no 8x8, takes nothing over, and workers may run. */
export async function readOffsets(config: Config): Promise<readonly ShownOffset[]> {
  return readShown({ ...busOf(config), pass: LIVE, topic: config.kafka.topicOffsets });
}

/** Where the feeds of a pass stand, now and after each of their commits, until `signal` aborts. */
export async function followHeads(
  config: Config,
  pass: string,
  take: (head: HeadRecord) => void,
  signal: AbortSignal,
): Promise<void> {
  return follow({ ...busOf(config), pass, topic: config.kafka.topicOffsets }, take, signal);
}
