import type { Consumer, Kafka, KafkaMessage } from 'kafkajs';
import { systemClock, withDeadline } from '../clock.ts';
import { ConnectorError } from '../errors.ts';
import type { Shard } from '../feed/feed.ts';
import { reachCure } from './kafka-client.ts';

/** How the workers of one connector share its shards. */
export interface GroupOptions {
  readonly groupId: string;
  readonly offsetsTopic: string;
  /** After how long without a sign of life a worker's shards go to the others, milliseconds. */
  readonly sessionTimeoutMs: number;
  /** Called with the error when we are out of the group, and without one when we are in it. */
  readonly onMembership: (error?: ConnectorError) => void;
}

/** Someone waiting to read a partition from its start up to a record. */
interface Reader {
  readonly isLast: (message: KafkaMessage) => boolean;
  readonly finish: (messages: readonly KafkaMessage[]) => void;
  readonly fail: (error: Error) => void;
  messages: KafkaMessage[];
}

const READ_DEADLINE_MS = 60_000;

/** Time between two tries to get into the group: doubled from first to last, then kept. */
const RESTART_MIN_MS = 1_000;
const RESTART_MAX_MS = 30_000;

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
  #restMs = RESTART_MIN_MS;
  /** Of whoever listens to what we own; nobody joins without. */
  #signal = AbortSignal.abort();

  constructor(kafka: Kafka, options: GroupOptions) {
    this.#kafka = kafka;
    this.#options = options;
  }

  /** Joins the group and yields the shards it gives us, now and after every change, until `signal` aborts. */
  async *ownedShards(signal: AbortSignal): AsyncIterable<ReadonlySet<Shard>> {
    const wake = (): void => this.#changed.resolve();
    signal.addEventListener('abort', wake);
    this.#signal = signal;
    if (this.#consumer === undefined) await this.#joinUntilUp();
    else this.#changed.resolve(); // a member already, of whom the feeds have changed
    while (!signal.aborted) {
      await this.#changed.promise;
      this.#changed = Promise.withResolvers();
      if (!signal.aborted) yield this.#owned;
    }
    signal.removeEventListener('abort', wake);
  }

  /** Every committed record of an owned partition, from its start up to the one that `isLast` knows. */
  async read(shard: Shard, isLast: (message: KafkaMessage) => boolean): Promise<readonly KafkaMessage[]> {
    const reading = new Promise<readonly KafkaMessage[]>((finish, fail) => {
      this.#readers.set(shard, { isLast, finish, fail, messages: [] });
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

  async #join(): Promise<void> {
    const { groupId, offsetsTopic: topic, sessionTimeoutMs } = this.#options;
    const consumer = this.#kafka.consumer({
      groupId,
      sessionTimeout: sessionTimeoutMs,
      heartbeatInterval: Math.min(250, sessionTimeoutMs / 6),
      // Heartbeats are sent between fetches, and tell of a rebalance: a clean handover waits for the next one.
      maxWaitTimeInMs: 300,
      readUncommitted: false,
      allowAutoTopicCreation: false,
      retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 8, restartOnFailure: async () => true },
    });
    this.#consumer = consumer;

    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => this.#assign(payload.memberAssignment[topic] ?? []));
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      this.#lose(payload.error);
      // kafkajs starts a crashed consumer again by itself only for errors it calls retriable.
      if (!payload.restart) void this.#rest().then(() => this.#joinUntilUp());
    });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch, isStale }) => {
        if (!isStale()) this.#take(batch.partition, batch.messages); // else it is from before a rewind
      },
    });
  }

  async #joinUntilUp(): Promise<void> {
    while (!this.#signal.aborted) {
      try {
        await this.leave();
        return await this.#join();
      } catch (error) {
        this.#lose(error as Error);
        await this.#rest();
      }
    }
  }

  async #rest(): Promise<void> {
    await systemClock.sleepUntil(systemClock.nowMs() + this.#restMs, this.#signal);
    this.#restMs = Math.min(this.#restMs * 2, RESTART_MAX_MS);
  }

  /** Without membership nothing is ours. */
  #lose({ message }: Error): void {
    const { groupId, offsetsTopic } = this.#options;
    const where = `consumer group ${groupId} on ${offsetsTopic}`;
    const cure = reachCure(message, 'Check the broker, and that we may read the group and the topic');
    this.#options.onMembership(new ConnectorError('SINK_UNAVAILABLE', `out of ${where}: ${message}. ${cure}`));
    this.#own(new Set());
  }

  /** A join forgets positions: what was being read is read again from its start. */
  #assign(shards: readonly Shard[]): void {
    this.#restMs = RESTART_MIN_MS;
    this.#options.onMembership();
    for (const shard of shards) {
      if (this.#readers.has(shard)) this.#rewind(shard);
      else this.#pause(shard);
    }
    this.#own(new Set(shards));
  }

  #own(shards: ReadonlySet<Shard>): void {
    for (const [shard, reader] of this.#readers) {
      if (shards.has(shard)) continue;
      reader.fail(new ConnectorError('SINK_FENCED', `shard ${shard}: taken away while its offsets were read`));
    }
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
