import type { StreamName } from '../feed/feed.ts';
import { erasedEvent, type ErasureNote } from '../streams/rejected.ts';
import { eventMessages, type PlacedMessage } from './kafka-messages.ts';
import { discard, publish, type SessionParts } from './kafka-session.ts';

/** Rows that shall leave the table of their stream, and who wants it. */
export interface Erasure {
  readonly stream: StreamName;
  /** As events are named: `pbx/callId/legId` or `pbx/callId`, the PBX in lower case. */
  readonly keys: readonly string[];
  readonly note: Omit<ErasureNote, 'topic'>;
}

/**
 * Writes a tombstone for each key into the table of the stream, and what was done as dead letters, in one transaction
 * of a producer of its own: no shard is taken over, so the workers do not notice.
 */
export async function eraseRows(parts: SessionParts, { stream, keys, note }: Erasure): Promise<void> {
  const { encoder, offsets } = parts;
  const topic = encoder.topics[`${stream}.latest`]!;
  const tombstone = (key: string): PlacedMessage =>
    ({ topic, partition: encoder.placers.get(topic)!(key), key, value: null });
  const messages = [
    ...keys.map(tombstone),
    ...keys.flatMap((key) => eventMessages(encoder, erasedEvent(stream, key, { ...note, topic }))),
  ];
  const transactionalId = `${offsets.connector}.erase`;
  const publisher = await parts.openPublisher({ ...parts.publishing, transactionalId });
  try {
    await publish(parts, publisher, { messages });
  } finally {
    await discard(publisher);
  }
}
