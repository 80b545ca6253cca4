import type { Consumer, Kafka, KafkaMessage } from 'kafkajs';
import { systemClock, withDeadline } from '../clock.ts';
import { ConnectorError } from '../errors.ts';
import type { Shard } from '../feed/feed.ts';

/** How the workers of one connector share its shards. */
export interface GroupOptions {
  readonly groupId: string;
  readonly offsetsTopic: string;
  /** After how long without a sign of life a worker's shards go to the others, milliseconds. */
  readonly sessionTimeoutMs: number;
}

/** Someone waiting to read a partition from its start up to a record. */
interface Reader {
  readonly isLast: (message: KafkaMessage) => boolean;
  readonly finish: (messages: readonly KafkaMessage[]) => void;
  messages: KafkaMessage[];
}

const READ_DEADLINE_MS = 60_000;
const RESTART_AFTER_MS = 1_000;

/**
 * Membership in the consumer group on the offsets topic: it says which shards are ours, and it reads them.
 *
 * The member that owns a partition reads it, by a seek: a group made for one reading costs three seconds with
 * a broker's default rebalance delay. Between readings every partition is paused; nothing is ever committed.
 */
export class KafkaGroup {
  readonly #kafka: Kafka;
  readonly #options: GroupOptions;
  readonly #readers = new Map<Shard, Reader>();
  #consumer: Consumer | undefined;
  #owned: ReadonlySet<Shard> = new Set();
  #changed = Promise.withResolvers<void>();

  constructor(kafka: Kafka, options: GroupOptions) {
    this.#kafka = kafka;
    this.#options = options;
  }

  /** Joins the group and yields the shards it gives us, now and after every change, until `signal` aborts. */
  async *ownedShards(signal: AbortSignal): AsyncIterable<ReadonlySet<Shard>> {
    const wake = (): void => this.#changed.resolve();
    signal.addEventListener('abort', wake);
    await this.#joinUntilUp(signal);
    while (!signal.aborted) {
      await this.#changed.promise;
      this.#changed = Promise.withResolvers();
      if (!signal.aborted) yield this.#owned;
    }
    signal.removeEventListener('abort', wake);
  }

  /** Every committed record of an owned partition, from its start up to the one that `isLast` knows. */
  async read(shard: Shard, isLast: (message: KafkaMessage) => boolean): Promise<readonly KafkaMessage[]> {
    const reading = new Promise<readonly KafkaMessage[]>((finish) => {
      this.#readers.set(shard, { isLast, finish, messages: [] });
    });
    this.#rewind(shard);
    try {
      return await withDeadline(reading, READ_DEADLINE_MS, () =>
        new ConnectorError('SINK_UNAVAILABLE', `shard ${shard}: its offsets were not read in ${READ_DEADLINE_MS} ms`));
    } finally {
      this.#readers.delete(shard);
      this.#pause(shard);
    }
  }

  /** Leaves the group, so that the others take our shards at once. */
  async leave(): Promise<void> {
    await this.#consumer?.disconnect();
    this.#consumer = undefined;
  }

  async #join(signal: AbortSignal): Promise<void> {
    const { groupId, offsetsTopic: topic, sessionTimeoutMs } = this.#options;
    const consumer = this.#kafka.consumer({
      groupId,
      sessionTimeout: sessionTimeoutMs,
      heartbeatInterval: Math.min(1_000, sessionTimeoutMs / 6),
      // Heartbeats are sent between fetches: a shorter wait notices a rebalance sooner.
      maxWaitTimeInMs: 300,
      readUncommitted: false,
      allowAutoTopicCreation: false,
      retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 8, restartOnFailure: async () => true },
    });
    this.#consumer = consumer;

    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => this.#assign(payload.memberAssignment[topic] ?? []));
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      this.#own(new Set()); // without membership nothing is ours
      // kafkajs starts a crashed consumer again by itself only for errors it calls retriable.
      if (!payload.restart) void this.#joinUntilUp(signal);
    });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => this.#take(batch.partition, batch.messages),
    });
  }

  async #joinUntilUp(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.leave();
        return await this.#join(signal);
      } catch {
        await systemClock.sleepUntil(systemClock.nowMs() + RESTART_AFTER_MS, signal);
      }
    }
  }

  /** A join forgets positions: what was being read is read again from its start. */
  #assign(shards: readonly Shard[]): void {
    for (const shard of shards) {
      if (this.#readers.has(shard)) this.#rewind(shard);
      else this.#pause(shard);
    }
    this.#own(new Set(shards));
  }

  #own(shards: ReadonlySet<Shard>): void {
    this.#owned = shards;
    this.#changed.resolve();
  }

  #rewind(shard: Shard): void {
    const reader = this.#readers.get(shard);
    if (reader !== undefined) reader.messages = [];
    const topic = this.#options.offsetsTopic;
    this.#tell((consumer) => {
      consumer.seek({ topic, partition: shard, offset: '0' });
      consumer.resume([{ topic, partitions: [shard] }]);
    });
  }

  #pause(shard: Shard): void {
    this.#tell((consumer) => consumer.pause([{ topic: this.#options.offsetsTopic, partitions: [shard] }]));
  }

  /** A consumer that is down cannot be told anything; {@link KafkaGroup.#assign} makes up for it when it is back. */
  #tell(act: (consumer: Consumer) => void): void {
    try {
      if (this.#consumer !== undefined) act(this.#consumer);
    } catch (error) {
      if ((error as Error).name !== 'KafkaJSNonRetriableError') throw error;
    }
  }

  #take(shard: Shard, messages: readonly KafkaMessage[]): void {
    const reader = this.#readers.get(shard);
    if (reader === undefined) return;
    for (const message of messages) {
      if (reader.isLast(message)) return reader.finish(reader.messages);
      reader.messages.push(message);
    }
  }
}
