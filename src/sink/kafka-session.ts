import { randomUUID } from 'node:crypto';
import type { KafkaMessage } from 'kafkajs';
import { systemClock, withDeadline } from '../clock.ts';
import { ConnectorError } from '../errors.ts';
import { feedName, type Shard } from '../feed/feed.ts';
import { contentsOf } from '../feed/manifest.ts';
import { nextGeneration, OffsetState } from '../feed/offset.ts';
import { inSpan, traceHeaders } from '../span.ts';
import type { BusEvent } from '../streams/stream.ts';
import { reachCure } from './kafka-client.ts';
import { createWays, type OpenTopic } from './kafka-detours.ts';
import { eventMessages, isWanted, type EventEncoder, type PlacedMessage } from './kafka-messages.ts';
import {
  barrierMessage, commitName, isBarrier, offsetMessage, offsetsFrom, type OffsetsTopic,
} from './kafka-offsets.ts';
import type { Publisher, PublisherOptions, Transaction } from './kafka-publisher.ts';
import type { ShardSession } from './sink.ts';

/** How one transaction went, for metrics. */
export interface TransactionReport {
  readonly outcome: 'committed' | 'fenced' | 'unknown';
  readonly durationMs: number;
  readonly messages: number;
}

/** What a session needs of its sink. */
export interface SessionParts {
  readonly offsets: OffsetsTopic;
  readonly encoder: EventEncoder;
  readonly openPublisher: (options: PublisherOptions) => Promise<Publisher>;
  readonly publishing: Omit<PublisherOptions, 'transactionalId'>;
  /** Committed records of the shard's partition, from its start up to the one that `isLast` knows. */
  readonly read: (shard: Shard, isLast: (message: KafkaMessage) => boolean) => Promise<readonly KafkaMessage[]>;
  /** For the replays that name a topic. */
  readonly openTopic: OpenTopic;
  readonly onTransaction: (report: TransactionReport) => void;
}

/** A shard that has just been taken over. */
export interface Takeover {
  readonly publisher: Publisher;
  /** Every committed record of the shard's partition; the last one is our barrier. */
  readonly history: readonly KafkaMessage[];
}

/**
 * Takes a shard over. One transactional producer per shard: its transactional id names the shard, so Kafka itself
 * fences the earlier owner (KIP-98) and no lease of our own is needed.
 *
 * First fence, then read: the barrier is written by the new epoch, so nothing of an older one can follow it.
 * An empty transaction would prove nothing, for kafkajs sends no request for it.
 */
export async function takeShard(parts: SessionParts, shard: Shard): Promise<Takeover> {
  const { offsets } = parts;
  const transactionalId = `${offsets.connector}.${offsets.pass}.${shard}`;
  let opened: Publisher | undefined;
  try {
    const publisher = (opened = await parts.openPublisher({ ...parts.publishing, transactionalId }));
    const barrier = randomUUID();
    await publish(parts, publisher, { messages: [barrierMessage(offsets, shard, barrier)] });
    const history = await parts.read(shard, (message) => isBarrier(offsets, message, barrier));
    return { publisher, history };
  } catch (error) {
    await discard(opened);
    throw error instanceof ConnectorError ? error : sinkError(transactionalId, error);
  }
}

export async function openKafkaSession(parts: SessionParts, shard: Shard): Promise<ShardSession> {
  const { offsets, encoder } = parts;
  const { publisher, history } = await takeShard(parts, shard);
  const states = await offsetsFrom(offsets, history).catch(async (error: unknown) => {
    await discard(publisher);
    throw error;
  });
  const generation = nextGeneration(states);
  const wayOf = createWays(encoder, parts.openTopic);
  const staged = new WeakMap<BusEvent, readonly PlacedMessage[]>();
  let dead = false;

  return {
    offsetOf: (feed) => states.get(feedName(feed)),
    offsets: () => states.values(),
    stage(events) {
      for (const event of events) staged.set(event, eventMessages(encoder, event));
    },
    async commit({ feed, events: all, step }) {
      if (dead) throw new ConnectorError('SINK_OUTCOME_UNKNOWN', `shard ${shard}: this session has failed before`);
      const events = all.filter((event) => isWanted(encoder, event));
      const state = states.get(feedName(feed)) ?? new OffsetState(feed, step.seenFromMs);
      const way = await wayOf(state, events);
      const encode = (event: BusEvent): readonly PlacedMessage[] =>
        (way.encoder === encoder ? staged.get(event) : undefined) ?? eventMessages(way.encoder, event);
      const records = state.recordsFor(step, contentsOf(generation, events));
      // All that can fail for a reason of ours comes before the transaction, and the offset comes last in it.
      const messages = [
        ...events.flatMap(encode),
        ...records.map((record) => offsetMessage(offsets, shard, record)),
      ];
      dead = true; // until Kafka has said yes
      const attributes = { 'messaging.system': 'kafka', 'messaging.batch.message_count': messages.length };
      await inSpan({ name: 'commit', kind: 'PRODUCER', attributes }, () => {
        const headers = { ce_commit: commitName(offsets, feed, state.commits + 1), ...traceHeaders() };
        return publish(parts, publisher, { messages, headers, ...way.leaders && { leaders: way.leaders } });
      });
      for (const record of records) state.apply(record);
      states.set(feedName(feed), state);
      dead = false;
    },
    async close() {
      dead = true;
      await discard(publisher);
    },
  };
}

/**
 * One transaction, from its first request to Kafka's yes.
 *
 * After any error or delay the producer is thrown away: no abort, no second try. kafkajs cannot leave a
 * half-ended transaction (tulios/kafkajs#1355) and uses sequence numbers again after an abort, which loses
 * records in silence. The next owner's fence aborts what is open, and the offsets tell whether the commit took effect.
 */
export async function publish(parts: SessionParts, publisher: Publisher, transaction: Transaction): Promise<void> {
  const { messages } = transaction;
  const startedMs = systemClock.nowMs();
  const report = (outcome: TransactionReport['outcome']): void =>
    parts.onTransaction({ outcome, durationMs: systemClock.nowMs() - startedMs, messages: messages.length });
  // Well below the broker's limit, so that it is we who give up first.
  const limitMs = parts.publishing.transactionTimeoutMs * 0.75;
  try {
    const late = (): Error => new Error(`no answer from Kafka in ${limitMs} ms`);
    await withDeadline(publisher.publish(transaction), limitMs, late);
    report('committed');
  } catch (cause) {
    const error = sinkError(`shard ${messages.at(-1)!.partition}`, cause);
    report(error.code === 'SINK_FENCED' ? 'fenced' : 'unknown');
    throw error;
  }
}

/** Never waits long and never throws: what it lets go of may be broken already. */
export async function discard(publisher: Publisher | undefined): Promise<void> {
  if (publisher === undefined) return;
  await withDeadline(publisher.close(), 2_000, () => new Error('late')).catch(() => undefined);
}

function sinkError(who: string, cause: unknown): ConnectorError {
  const { type = '', message } = cause as Error & { type?: string };
  // Fenced and expired look the same to a client; the group decides whether the shard is still ours.
  const fenced = type === 'INVALID_PRODUCER_EPOCH' || type === 'INVALID_PRODUCER_ID_MAPPING';
  if (fenced || /Unknown error code 90\b/.test(message)) {
    const what = `${who}: another owner has taken it, or the transaction took too long`;
    return new ConnectorError('SINK_FENCED', what, { cause });
  }
  if (type.endsWith('_TOO_LARGE')) {
    const cure = 'Raise max.message.bytes of our topics to 1000000 or more: rows are not cut';
    return new ConnectorError('SINK_REFUSED', `${who}: ${message}. ${cure}`, { cause });
  }
  // A right that is missing can be granted while we run. The broker names it for one partition of a transaction, and
  // says of the others that it has not tried them; kafkajs tells whichever comes first.
  const cure = type.includes('AUTHORIZATION') || type === 'OPERATION_NOT_ATTEMPTED'
    ? `. Grant our principal Write on the topics and on the transactional ids of CONNECTOR_NAME (${type})`
    : reachCure(message, '').replace(/^(?=.)/, '. ');
  return new ConnectorError('SINK_OUTCOME_UNKNOWN', `${who}: Kafka did not confirm: ${message}${cure}`, { cause });
}
