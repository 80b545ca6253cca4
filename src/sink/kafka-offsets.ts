import type { KafkaMessage } from 'kafkajs';
import { ConnectorError } from '../errors.ts';
import type { FeedId, Shard, StreamName } from '../feed/feed.ts';
import { recordKey, restoreOffsets, type OffsetRecord, type OffsetState, type SeenEntry } from '../feed/offset.ts';
import type { Codec } from './avro.ts';
import type { PlacedMessage } from './kafka-messages.ts';

/** Version of the meaning of an offset record. Raise it when an older connector must not read what we write. */
const VERSION = 1;

/** The offsets topic as one connector sees it. Its records share the topic with those of other names and passes. */
export interface OffsetsTopic {
  readonly topic: string;
  readonly connector: string;
  readonly pass: string;
  /** Partitions of the topic. */
  readonly shardCount: number;
  readonly codec: Codec;
}

/** `schemas/offset.avsc`. */
interface OffsetValue {
  readonly version: number;
  readonly kind: 'HEAD' | 'SEEN' | 'BARRIER';
  readonly connector: string;
  readonly pass: string;
  readonly stream: string | null;
  readonly pbxId: string | null;
  readonly shardCount: number;
  readonly watermark: number | null;
  readonly seenFrom: number | null;
  readonly page: number | null;
  readonly entries: readonly SeenEntry[];
  readonly barrier: string | null;
}

/** An offset record as a message: a page without entries is a tombstone, which compaction removes in time. */
export function offsetMessage(offsets: OffsetsTopic, shard: Shard, record: OffsetRecord): PlacedMessage {
  const key = `${offsets.connector}/${recordKey(record)}`;
  if (record.kind === 'seen' && record.entries.length === 0) {
    return { topic: offsets.topic, partition: shard, key, value: null };
  }
  const { stream, pbxId } = record.feed;
  const head = record.kind === 'head'
    ? { kind: 'HEAD', watermark: record.watermarkMs, seenFrom: record.seenFromMs }
    : { kind: 'SEEN', page: record.page, entries: record.entries };
  return message(offsets, shard, { key, value: { stream, pbxId, ...head } });
}

/** A new owner's mark in its partition: what was written before it is all there is to read. */
export function barrierMessage(offsets: OffsetsTopic, shard: Shard, barrier: string): PlacedMessage {
  return message(offsets, shard, { key: barrierKey(offsets), value: { kind: 'BARRIER', barrier } });
}

/** Whether `candidate` is the mark `barrier`. Told by its bytes: a mark of another owner need not be readable. */
export function isBarrier(offsets: OffsetsTopic, candidate: KafkaMessage, barrier: string): boolean {
  return candidate.key?.toString() === barrierKey(offsets) && (candidate.value?.includes(barrier) ?? false);
}

/**
 * The offsets of our feeds out of a partition read to its end, oldest record first.
 *
 * @throws ConnectorError OFFSETS_INVALID for a record that cannot be true. We stop rather than start anew:
 *   starting anew would publish again what consumers have, or skip what they lack.
 */
export async function offsetsFrom(
  offsets: OffsetsTopic,
  messages: readonly KafkaMessage[],
): Promise<Map<string, OffsetState>> {
  const ours = `${offsets.connector}/${offsets.pass}/`;
  const latest = new Map<string, KafkaMessage>();
  for (const candidate of messages) {
    const key = candidate.key?.toString() ?? '';
    if (!key.startsWith(ours)) continue;
    latest.delete(key); // so that the map's order is that of the last writes
    if (candidate.value !== null) latest.set(key, candidate);
  }

  const records: OffsetRecord[] = [];
  for (const [key, { value, offset }] of latest) {
    const record = await readRecord(offsets, value!).catch((error: Error) => {
      if (error instanceof ConnectorError) throw error; // the registry is away: that says nothing of the record
      throw invalid(offsets, `the record ${key} at log offset ${offset} is unreadable: ${error.message}`);
    });
    if (record !== undefined) records.push(record);
  }
  const heads = new Set(records.filter((record) => record.kind === 'head').map(({ feed }) => JSON.stringify(feed)));
  const orphan = records.find(({ feed }) => !heads.has(JSON.stringify(feed)));
  if (orphan !== undefined) throw invalid(offsets, `${recordKey(orphan)} is there without its watermark record`);
  return restoreOffsets(records);
}

async function readRecord(offsets: OffsetsTopic, bytes: Buffer): Promise<OffsetRecord | undefined> {
  const value = (await offsets.codec.decode(bytes)) as OffsetValue;
  if (value.version > VERSION) {
    throw new Error(`it is of version ${value.version}, this connector knows up to ${VERSION}; run the newer one`);
  }
  if (value.shardCount !== offsets.shardCount) {
    throw new Error(
      `it was written when the topic had ${value.shardCount} partitions, now it has ${offsets.shardCount}, ` +
        `so feeds would look for their offsets in the wrong one; restore the old number`,
    );
  }
  if (value.kind === 'BARRIER') return undefined;
  const feed: FeedId = { stream: value.stream as StreamName, pbxId: value.pbxId!, pass: value.pass };
  return value.kind === 'HEAD'
    ? { kind: 'head', feed, watermarkMs: value.watermark!, seenFromMs: value.seenFrom! }
    : { kind: 'seen', feed, page: value.page!, entries: value.entries };
}

function barrierKey({ connector, pass }: OffsetsTopic): string {
  return `${connector}/${pass}/barrier`;
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

function invalid(offsets: OffsetsTopic, what: string): ConnectorError {
  return new ConnectorError('OFFSETS_INVALID', `offsets topic ${offsets.topic}: ${what}`);
}
