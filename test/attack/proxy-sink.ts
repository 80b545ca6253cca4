import { randomUUID } from 'node:crypto';
import { KafkaSink } from '../../src/sink/kafka.ts';
import type { ShardSession } from '../../src/sink/sink.ts';
import type { BusEvent } from '../../src/streams/stream.ts';
import { readTopics } from '../reader/topics.ts';
import { isReopen, ownsAll, step } from '../sink/sink.contract.ts';
import { smallSink } from '../sink/small-sink.ts';
import type { Api, Deed, Frame } from './proxy.ts';
import { startProxiedStack, type ProxiedStack } from './proxy-stack.ts';

/** Our sink behind a proxy, on topics of its own with one partition each. */
export interface ProxiedSink {
  readonly name: string;
  readonly offsetsTopic: string;
  openShard(): Promise<ShardSession>;
  /** Call ids of the legs in its topic, in their order, as Kafka's own client reads them. */
  calls(isolation?: 'read_committed' | 'read_uncommitted'): Promise<readonly string[]>;
}

/** Servers behind a proxy that does nothing unless it is told to. */
export interface Range {
  readonly stack: ProxiedStack;
  openSink(): Promise<ProxiedSink>;
  /** Decides for every request of a transaction, in place of what was decided before. */
  strike(decide: (frame: Frame) => Deed | undefined): void;
  /** Does `deed` to the next such request, once. Resolves when it has come. */
  strikeNext(api: Api, deed: Deed): Promise<Frame>;
  close(): Promise<void>;
}

/** Our deadline for a transaction is three quarters of it. */
const TRANSACTION_TIMEOUT_MS = 5_000;

const { feed } = step([]);

export async function openRange(): Promise<Range> {
  const nothing = (): undefined => undefined;
  let decide: (frame: Frame) => Deed | undefined = nothing;
  const stack = await startProxiedStack((frame) => (frame.transactionalId === null ? undefined : decide(frame)));
  const stop = new AbortController();
  const sinks: KafkaSink[] = [];
  const sessions: ShardSession[] = [];

  const openSink = async (): Promise<ProxiedSink> => {
    const name = `attack-${randomUUID().slice(0, 8)}`;
    const options = smallSink(name, { ...stack, brokers: stack.proxiedBrokers });
    const { topics } = options;
    const sink = new KafkaSink({ ...options, transactionTimeoutMs: TRANSACTION_TIMEOUT_MS });
    sinks.push(sink);
    await sink.check();
    await ownsAll(sink, stop.signal);
    return {
      name,
      offsetsTopic: topics.offsets,
      async openShard() {
        const session = await sink.openShard(0);
        sessions.push(session);
        return session;
      },
      async calls(isolation) {
        const records = await readTopics(stack, [topics['call-legs']], isolation);
        return records.map(({ value }) => String(value!['callId']));
      },
    };
  };

  return {
    stack,
    openSink,
    strike: (next) => (decide = next),
    strikeNext: (api, deed) => new Promise((resolve) => {
      decide = (frame) => {
        if (frame.api !== api) return undefined;
        decide = nothing;
        resolve(frame);
        return deed;
      };
    }),
    async close() {
      stop.abort();
      for (const session of sessions) await session.close();
      for (const sink of sinks) await sink.close();
      await stack.stop();
    },
  };
}

/** As a worker does it: what fails ends its session, and the next one tells what there is. `begin` is called once. */
export async function publish(
  sink: ProxiedSink,
  event: BusEvent,
  begin: () => unknown = () => undefined,
): Promise<void> {
  for (let tries = 0; tries < 3; tries++) {
    const session = await sink.openShard();
    if (tries === 0) begin();
    try {
      if (!knows(session, event)) await session.commit(step([event]));
      return;
    } catch (error) {
      if (!isReopen(error)) throw error;
    } finally {
      await session.close();
    }
  }
  throw new Error('not published in three tries');
}

/** Whether the session takes the event for published. */
export function knows(session: ShardSession, { key }: BusEvent): boolean {
  return session.offsetOf(feed)?.seenEntry(key) !== undefined;
}
