import type { KafkaMessage } from 'kafkajs';
import { ConnectorError } from '../errors.ts';
import { feedName, shardOf, type FeedId, type Shard } from '../feed/feed.ts';
import {
  isTombstone, recordKey, restoreOffsets, type HeadRecord, type OffsetRecord, type OffsetState,
} from '../feed/offset.ts';
import type { Codec } from './avro.ts';
import type { PlacedMessage } from './kafka-messages.ts';
import { headValue, recordOf, SEALED_VERSION, seenValue, type OffsetValue } from './offset-value.ts';

/** Version of the meaning of most offset records. Raise it when an older connector must not read what we write. */
const VERSION = 1;

/** How the key of a record ends that explains a change. */
const RESET_KEY = /\/reset$/;

/** How the key of a new owner's mark ends. */
const BARRIER = '/barrier';

/** The offsets topic of one connector, whose producers alone may write to it. See {@link notOurs}. */
export interface OffsetsTopic {
  readonly topic: string;
  readonly connector: string;
  readonly pass: string;
  /** Partitions of the topic. */
  readonly shardCount: number;
  readonly codec: Codec;
}

/** An offset record as a message: a page without entries is a tombstone, which compaction removes in time. */
export function offsetMessage(offsets: OffsetsTopic, shard: Shard, record: OffsetRecord): PlacedMessage {
  const key = `${offsets.connector}/${recordKey(record)}`;
  if (isTombstone(record)) {
    return { topic: offsets.topic, partition: shard, key, value: null };
  }
  const { feed } = record;
  const value = record.kind === 'head' ? headValue(record) : seenValue(record);
  return message(offsets, shard, { key, value: { ...feed, ...value } });
}

/** Names a commit of a feed on all of its events, so that they can be told from those of any other transaction. */
export function commitName(offsets: OffsetsTopic, feed: FeedId, commit: number): string {
  return `${offsets.connector}/${feedName(feed)}/${commit}`;
}

/** A new owner's mark in its partition: what was written before it is all there is to read. */
export function barrierMessage(offsets: OffsetsTopic, shard: Shard, barrier: string): PlacedMessage {
  return message(offsets, shard, { key: barrierKey(offsets), value: { kind: 'BARRIER', barrier } });
}

/** Whether `candidate` is the mark `barrier`. Told by its bytes: a mark of another owner need not be readable. */
export function isBarrier(offsets: OffsetsTopic, candidate: KafkaMessage, barrier: string): boolean {
  return candidate.key?.toString() === barrierKey(offsets) && (candidate.value?.includes(barrier) ?? false);
}

/** Who has changed an offset, what, when and why; it comes with the head that it explains. */
export interface ChangeNote {
  readonly change: string;
  readonly who: string;
  readonly reason: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** The last signal that the feed has obeyed, this one if it is of a signal. */
  readonly signal?: string | undefined;
}

export function changeMessage(offsets: OffsetsTopic, head: HeadRecord, note: ChangeNote): PlacedMessage {
  const { feed, watermarkMs: watermark } = head;
  const key = `${offsets.connector}/${feedName(feed)}/reset`;
  const value = { kind: 'RESET', ...feed, watermark, ...note, signal: note.signal ?? null };
  return message(offsets, shardOf(feed, offsets.shardCount), { key, value });
}

/**
 * The offsets of our feeds out of a partition read to its end, oldest record first.
 *
 * @throws ConnectorError OFFSETS_INVALID for what cannot be true. We stop rather than start anew: starting anew would
 *   publish again what consumers have, or skip what they lack.
 */
export async function offsetsFrom(
  offsets: OffsetsTopic,
  messages: readonly KafkaMessage[],
): Promise<Map<string, OffsetState>> {
  const { records, broken } = await readLatest(offsets, messages);
  if (broken[0] !== undefined) {
    const { key, feed, logOffset, why } = broken[0];
    throw invalid(offsets, feed, `the record ${key} at log offset ${logOffset} ${why}`);
  }
  let generation = 0;
  for (const record of records) {
    if (record.kind !== 'head') continue;
    if (record.manifest.generation < generation) {
      const order = `generation ${record.manifest.generation} has written behind generation ${generation}`;
      throw invalid(offsets, feedName(record.feed), `of two owners of the shard, ${order}`);
    }
    generation = record.manifest.generation;
  }
  const states = restoreOffsets(records);
  for (const [feed, state] of states) {
    const contradiction = state.contradiction();
    if (contradiction !== undefined) throw invalid(offsets, feed, `${feed}: ${contradiction}`);
  }
  return states;
}

/** A record of ours that nobody can read. */
export interface BrokenRecord {
  readonly key: string;
  /** Name of the feed it belongs to. */
  readonly feed: string;
  readonly logOffset: string;
  readonly why: string;
}

/** What a partition says of our feeds. */
export interface Latest {
  readonly records: readonly OffsetRecord[];
  readonly broken: readonly BrokenRecord[];
  /** The last signal that a feed has obeyed, by the name of the feed. */
  readonly signals: ReadonlyMap<string, string>;
}

/** The last record of each key of ours, in the order of their writing; those that cannot be true apart. */
export async function readLatest(offsets: OffsetsTopic, messages: readonly KafkaMessage[]): Promise<Latest> {
  const ours = `${offsets.connector}/`;
  const latest = new Map<string, KafkaMessage>();
  for (const candidate of messages) {
    const key = String(candidate.key ?? '');
    latest.delete(key); // so that the map's order is that of the last writes
    latest.set(key, candidate);
  }

  const records: OffsetRecord[] = [];
  const broken: BrokenRecord[] = [];
  const signals = new Map<string, string>();
  for (const [key, { value, offset: logOffset }] of latest) {
    if (!key.startsWith(ours)) {
      // The mark of a connector that was sent here by mistake, and refused, must not stop the one whose topic this is.
      if (value === null || key.endsWith(BARRIER)) continue;
      throw notOurs(offsets, key, logOffset);
    }
    const [feed = '', page] = key.slice(ours.length).split('/seen/');
    if (value === null && page !== undefined) continue; // a page that is forgotten
    try {
      const known = await readValue(offsets, value);
      if (known.kind === 'RESET' && known.signal !== null) signals.set(feed.replace(RESET_KEY, ''), known.signal);
      const record = recordOf(known);
      if (record === undefined) continue;
      if (recordKey(record) !== key.slice(ours.length)) throw new Error('is a record of another key');
      records.push(record);
    } catch (error) {
      if (error instanceof ConnectorError) throw error; // the registry is away: that says nothing of the record
      broken.push({ key, feed, logOffset, why: (error as Error).message });
    }
  }
  return { records, broken, signals };
}

/**
 * A partition has one transactional id for ever: where aborted transactions of two producers overlap, kafkajs takes
 * aborted offsets for committed ones, and calls would be lost in silence.
 */
function notOurs({ topic, connector }: OffsetsTopic, key: string, logOffset: string): ConnectorError {
  const what = `the record ${JSON.stringify(key)} at log offset ${logOffset} is not of connector ${connector}`;
  const cure = 'cure: CONNECTOR_NAME as it was, or in KAFKA_TOPIC_OFFSETS a topic for this name alone';
  return new ConnectorError('OFFSETS_INVALID', `offsets topic ${topic}: ${what}; ${cure}`);
}

/** The head that a message is, if its key begins so and it can be read. */
export async function readHead(
  codec: Codec,
  keyPrefix: string,
  { key, value }: KafkaMessage,
): Promise<HeadRecord | undefined> {
  if (value === null || key?.toString().startsWith(keyPrefix) !== true) return undefined;
  const known = (await codec.decode(value)) as OffsetValue;
  const record = known.kind === 'HEAD' ? recordOf(known) : undefined;
  return record?.kind === 'head' ? record : undefined;
}

async function readValue(offsets: OffsetsTopic, bytes: Buffer | null): Promise<OffsetValue> {
  if (bytes === null) throw new Error('has been deleted by a tombstone');
  const value = await decode(offsets, bytes);
  if (value.version > SEALED_VERSION) {
    throw new Error(`is of version ${value.version}, this connector knows up to ${SEALED_VERSION}; run the newer one`);
  }
  if (value.shardCount !== offsets.shardCount) {
    throw new Error(
      `was written when the topic had ${value.shardCount} partitions, now it has ${offsets.shardCount}, ` +
        `so feeds would look for their offsets in the wrong one; restore the old number`,
    );
  }
  return value;
}

async function decode({ codec }: OffsetsTopic, bytes: Buffer): Promise<OffsetValue> {
  try {
    return (await codec.decode(bytes)) as OffsetValue;
  } catch (error) {
    if (error instanceof ConnectorError) throw error;
    throw new Error(`is unreadable: ${(error as Error).message}`, { cause: error });
  }
}

function barrierKey({ connector, pass }: OffsetsTopic): string {
  return `${connector}/${pass}${BARRIER}`;
}

function message(
  offsets: OffsetsTopic,
  shard: Shard,
  { key, value }: { readonly key: string; readonly value: object },
): PlacedMessage {
  const { topic, connector, pass, shardCount, codec } = offsets;
  const bytes = codec.encode({ version: VERSION, connector, pass, shardCount, ...value });
  return { topic, partition: shard, key, value: bytes };
}

function invalid({ topic }: OffsetsTopic, feed: string, what: string): ConnectorError {
  const cure = `cure: 8x8-connector offsets reset --feed ${feed} --to <time from which it shall read again>`;
  return new ConnectorError('OFFSETS_INVALID', `offsets topic ${topic}: ${what}; ${cure}`);
}
