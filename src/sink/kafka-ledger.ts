import { Kafka } from 'kafkajs';
import { feedName, type FeedId } from '../feed/feed.ts';
import type { LedgerEntry } from '../streams/audit.ts';
import { openCodec, type RegistryOptions } from './avro.ts';
import { clientConfig, clientOf, type Client } from './kafka-client.ts';
import { readTopic } from './kafka-read.ts';

export interface LedgerOptions extends Client {
  readonly topic: string;
  readonly registry: RegistryOptions;
}

/**
 * Every entry of the ledger whose window ends at `fromMs` or later, each once, in the order of its feed's commits.
 *
 * kafkajs may give an entry that was aborted. It has the number of the commit that came in its place, so of each number
 * the last is the true one.
 *
 * @throws ConnectorError as {@link readTopic}, and SINK_UNAVAILABLE when the registry cannot be reached.
 */
export async function readLedger(options: LedgerOptions, fromMs: number): Promise<LedgerEntry[]> {
  const { connector, topic, registry } = options;
  const kafka = new Kafka(clientConfig(clientOf(options), () => undefined));
  // A record's time is the end of its window, or earlier.
  const read = await readTopic(kafka, { topic, group: `${connector}.ledger`, fromMs });
  const codec = await openCodec({ ...registry, register: false }, `${topic}-value`, 'ledger.avsc');
  const messages = [...read.values()].flat();
  const entries = await Promise.all(messages.map(({ value }) => codec.decode(value!) as Promise<LedgerEntry>));
  const byCommit = new Map(entries.map((entry) => [`${feedName(entry as FeedId)}/${entry.commit}`, entry]));
  return [...byCommit.values()].filter(({ windowTo }) => windowTo >= fromMs);
}
