import type { IHeaders, Message, TopicMessages } from 'kafkajs';
import { DERIVED, type StreamName } from '../feed/feed.ts';
import type { BusEvent } from '../streams/stream.ts';
import type { Codec } from './avro.ts';
import type { Placer } from './kafka-placement.ts';

/** What an event is: a row of a stream, or one of the other channels. */
export type EventKind = StreamName | Exclude<BusEvent['channel'], 'accepted'>;

/** The topics of events: one for each kind, and a table of each stream, which keeps the last revision of a row. */
export type EventTopic = EventKind | `${StreamName}.latest`;

/** What must be published: an offset says of these events that the bus has them. */
type Needed = StreamName | 'rejected';

/** Names of our topics; of the rest, what has none is not published, and without `signals` none are read. */
export type Topics = Readonly<Record<Needed | 'offsets', string>>
  & { readonly [Topic in Exclude<EventTopic, Needed> | 'signals']?: string | undefined };

/** A message with its place: kafkajs would choose the partition anew at each retry. Plain, so that it can be cloned. */
export interface PlacedMessage {
  readonly topic: string;
  readonly partition: number;
  readonly key: string;
  readonly value: Uint8Array | null;
  /** Epoch milliseconds; without it Kafka's own time counts. */
  readonly timestampMs?: number;
  /** What its headers say of an event. */
  readonly event?: EventAttributes;
}

/** The attributes of an event that differ from one to the next, as CloudEvents names them. */
export interface EventAttributes {
  readonly id: string;
  readonly kind: EventKind;
  readonly source: string;
  readonly subject: string;
  readonly timeMs: number;
  /** Of pseudonyms, if it may hold any. */
  readonly keyId?: string | undefined;
}

/** What turns events into messages: for each topic a codec, and where a key falls. */
export interface EventEncoder {
  readonly topics: Topics;
  readonly codecs: Readonly<Partial<Record<EventTopic, Codec>>>;
  readonly placers: ReadonlyMap<string, Placer>;
}

/** Bound on one record batch; brokers refuse more than `message.max.bytes`, 1,048,588 by default. */
export const BATCH_MAX_BYTES = 512 * 1_024;

/** What a record takes on the wire beside key, value and subject: its frame, and the other headers of an event. */
const FRAME_BYTES = 50;
const HEADERS_BYTES = 500;

/** Headers that do not depend on the row. */
export const HEADERS: Readonly<Record<EventKind, IHeaders>> = {
  'call-legs': constantHeaders('com.8x8.work.call-leg.v1'),
  'call-records': constantHeaders('com.8x8.work.call-record.v1'),
  'rejected': constantHeaders('com.8x8.work.rejected.v1'),
  'ledger': constantHeaders('com.8x8.work.ledger.v1'),
  'watermarks': constantHeaders('com.8x8.work.watermark.v1'),
  'drift': constantHeaders('com.8x8.work.drift.v1'),
  'calls': constantHeaders('com.8x8.work.call.v1'),
};

/** Whether the event has a topic to go to. */
export function isWanted({ topics }: EventEncoder, event: BusEvent): boolean {
  return topics[kindOf(event)] !== undefined;
}

function kindOf({ channel, stream }: BusEvent): EventKind {
  return channel === 'accepted' ? (stream as StreamName) : channel;
}

/** An event that is wanted at each of its places, encoded. */
export function eventMessages(encoder: EventEncoder, event: BusEvent): readonly PlacedMessage[] {
  const message = messageIn(encoder, event, kindOf(event), event.orderingKey);
  if (event.channel !== 'accepted' || event.stream === DERIVED) return [message];
  const table = `${event.stream}.latest` as const;
  if (encoder.topics[table] === undefined) return [message];
  return [message, messageIn(encoder, event, table, event.key)];
}

function messageIn(encoder: EventEncoder, event: BusEvent, of: EventTopic, messageKey: string): PlacedMessage {
  const { key, eventTimeMs, value } = event;
  const topic = encoder.topics[of]!;
  return {
    topic,
    partition: encoder.placers.get(topic)!(messageKey),
    key: messageKey,
    value: encoder.codecs[of]!.encode(value),
    // Brokers refuse a batch with a time an hour ahead: one row with a nonsense time must not stop its page.
    timestampMs: Math.min(eventTimeMs, Number(value['observedAt'])),
    event: {
      id: String(value['eventId']),
      kind: kindOf(event),
      source: `/8x8/work/${event.stream}`,
      subject: key,
      timeMs: eventTimeMs,
      keyId: event.keyId,
    },
  };
}

/**
 * A message as kafkajs takes it. An event's headers are those of the CloudEvents Kafka binding, in binary mode.
 *
 * @see https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/kafka-protocol-binding.md
 */
function kafkaMessage({ partition, key, value, timestampMs, event }: PlacedMessage, common: IHeaders): Message {
  const bytes = value === null ? null : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return {
    partition,
    key,
    value: bytes,
    ...(timestampMs === undefined ? {} : { timestamp: String(timestampMs) }),
    ...(event === undefined ? {} : { headers: eventHeaders(event, common) }),
  };
}

function eventHeaders(event: EventAttributes, common: IHeaders): IHeaders {
  const { id, kind, source, subject, timeMs, keyId } = event;
  const ce_time = new Date(timeMs).toISOString();
  const headers = { ...HEADERS[kind], ce_id: id, ce_source: source, ce_subject: subject, ce_time, ...common };
  return keyId === undefined ? headers : { ...headers, ce_privacykey: keyId };
}

/**
 * Splits the messages of a transaction into the sends it takes, to be awaited one after the other.
 *
 * Each goes to one broker alone: kafkajs writes a batch twice, and reports success, when a send spans
 * brokers and one of them answers an error while another is slow. No send holds more than
 * {@link BATCH_MAX_BYTES} for a partition. The order of messages within a partition is kept.
 *
 * @param headers which all events have beside their own
 */
export function planSends(
  messages: readonly PlacedMessage[],
  leaderOf: (topic: string, partition: number) => number,
  headers: Readonly<Record<string, string>> = {},
): readonly TopicMessages[][] {
  const common = asBytes(headers);
  const sends = new Map<string, { readonly part: number; readonly messages: PlacedMessage[] }>();
  const filled = new Map<string, { readonly part: number; readonly bytes: number }>();

  for (const message of messages) {
    const place = `${message.topic}/${message.partition}`;
    let batch = filled.get(place) ?? { part: 0, bytes: 0 };
    const bytes = bytesOf(message);
    const full = batch.bytes > 0 && batch.bytes + bytes > BATCH_MAX_BYTES;
    batch = full ? { part: batch.part + 1, bytes } : { part: batch.part, bytes: batch.bytes + bytes };
    filled.set(place, batch);

    const name = `${batch.part}/${leaderOf(message.topic, message.partition)}`;
    const send = sends.get(name) ?? { part: batch.part, messages: [] };
    send.messages.push(message);
    sends.set(name, send);
  }
  return [...sends.values()].toSorted((a, b) => a.part - b.part).map((send) => byTopic(send.messages, common));
}

function constantHeaders(type: string): IHeaders {
  const texts = { ce_specversion: '1.0', ce_type: type, 'content-type': 'application/avro' };
  return asBytes(texts);
}

/** Once for many messages: kafkajs would encode their text for each. */
function asBytes(headers: Readonly<Record<string, string>>): IHeaders {
  return Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)]));
}

function bytesOf({ key, value, event }: PlacedMessage): number {
  const headers = event === undefined ? 0 : HEADERS_BYTES + Buffer.byteLength(event.subject);
  return FRAME_BYTES + headers + Buffer.byteLength(key) + (value?.length ?? 0);
}

function byTopic(messages: readonly PlacedMessage[], common: IHeaders): TopicMessages[] {
  const topics = Map.groupBy(messages, (message) => message.topic);
  const toKafka = (message: PlacedMessage): Message => kafkaMessage(message, common);
  return [...topics].map(([topic, list]) => ({ topic, messages: list.map(toKafka) }));
}
