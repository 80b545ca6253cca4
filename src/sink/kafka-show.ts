import { Kafka } from 'kafkajs';
import type { Shard } from '../feed/feed.ts';
import { restoreOffsets, type HeadRecord, type OffsetState } from '../feed/offset.ts';
import { openCodec, type RegistryOptions } from './avro.ts';
import { clientConfig, clientOf, type Client } from './kafka-client.ts';
import { readHead, readLatest } from './kafka-offsets.ts';
import { followTopic, readTopic } from './kafka-read.ts';

export interface ShowOptions extends Client {
  readonly pass: string;
  readonly topic: string;
  readonly registry: RegistryOptions;
}

/** Where a feed stands. */
export interface ShownOffset {
  readonly feed: string;
  readonly shard: Shard;
  /** As far as it can be read. */
  readonly offset: OffsetState | undefined;
  /** What is wrong with it, so that a takeover would refuse it. */
  readonly problem: string | undefined;
}

/**
 * The offsets of every feed as they are committed, without taking anything over: workers go on.
 *
 * @throws ConnectorError as {@link readTopic}; OFFSETS_INVALID where another connector has written.
 */
export async function readOffsets(options: ShowOptions): Promise<readonly ShownOffset[]> {
  const { connector, pass, topic, registry } = options;
  const kafka = new Kafka(clientConfig(clientOf(options), () => undefined));
  const partitions = await readTopic(kafka, { topic, group: `${connector}.offsets` });
  const codec = await openCodec({ ...registry, register: false }, `${topic}-value`, 'offset.avsc');
  const shown: ShownOffset[] = [];
  for (const [shard, messages] of partitions) {
    const offsets = { topic, connector, pass, shardCount: partitions.size, codec };
    const { records, broken } = await readLatest(offsets, messages);
    const states = restoreOffsets(records);
    for (const feed of new Set([...states.keys(), ...broken.map((record) => record.feed)])) {
      const [offset, unreadable] = [states.get(feed), broken.find((record) => record.feed === feed)];
      const problem = unreadable === undefined ? offset?.contradiction()
        : `the record ${unreadable.key} at log offset ${unreadable.logOffset} ${unreadable.why}`;
      shown.push({ feed, shard, offset, problem });
    }
  }
  return shown.toSorted((a, b) => (a.feed < b.feed ? -1 : 1));
}

/** The heads of a pass, as they are and as they come, until `signal` aborts. */
export async function followHeads(
  options: ShowOptions,
  take: (head: HeadRecord) => void,
  signal: AbortSignal,
): Promise<void> {
  const { connector, pass, topic, registry } = options;
  const kafka = new Kafka(clientConfig(clientOf(options), () => undefined));
  const codec = await openCodec({ ...registry, register: false }, `${topic}-value`, 'offset.avsc');
  await followTopic(kafka, { topic, group: `${connector}.offsets` }, async (message) => {
    const head = await readHead(codec, `${connector}/${pass}/`, message);
    if (head !== undefined) take(head);
  }, signal);
}
