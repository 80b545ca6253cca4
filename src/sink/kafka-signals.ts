import { Kafka, type EachMessagePayload } from 'kafkajs';
import { systemClock, withDeadline } from '../clock.ts';
import { clientConfig, clientOf, type Client } from './kafka-client.ts';

export interface SignalsOptions extends Client {
  readonly topic: string;
  readonly sessionTimeoutMs: number;
  readonly onLog: (message: string) => void;
}

/** A record of the topic of signals. */
export interface ReceivedSignal {
  /** `topic-partition@offset`: it is the same when it is received again. */
  readonly signal: string;
  readonly text: string;
}

/** Time until a reader that has crashed, or has not come up, is made anew. */
const REST_MS = 5_000;

/** A stop does not wait longer for a signal that is being obeyed: whoever reads next finds what has become of it. */
const STOP_MAX_MS = 3_000;

/**
 * Gives `take` each signal, one after the other, until `stop` aborts. Of all processes of the connector one reads them.
 * A signal is done with when `take` is: a crash before that has it received again. `take` must not throw.
 */
export async function followSignals(
  options: SignalsOptions,
  take: (received: ReceivedSignal) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const { onLog } = options;
  const kafka = new Kafka(clientConfig(clientOf(options), onLog));
  while (!stop.aborted) {
    await readSignals(kafka, options, take, stop).catch((error: unknown) => onLog(`signals: ${String(error)}`));
    await systemClock.sleepUntil(systemClock.nowMs() + REST_MS, stop);
  }
}

/** Until `stop` aborts, or the reader crashes for good. */
async function readSignals(
  kafka: Kafka,
  { connector, topic, sessionTimeoutMs }: SignalsOptions,
  take: (received: ReceivedSignal) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const heartbeatInterval = sessionTimeoutMs / 6;
  const consumer = kafka.consumer({
    groupId: `${connector}.signals`,
    sessionTimeout: sessionTimeoutMs,
    heartbeatInterval,
    maxWaitTimeInMs: 500,
    readUncommitted: false,
    allowAutoTopicCreation: false,
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 8 },
  });
  const { promise: over, resolve } = Promise.withResolvers<void>();
  stop.addEventListener('abort', () => resolve(), { once: true });
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) resolve();
  });
  const eachMessage = async ({ topic: from, partition, message, heartbeat }: EachMessagePayload): Promise<void> => {
    const done = new AbortController();
    const beating = beat(heartbeat, heartbeatInterval, done.signal);
    const text = message.value?.toString() ?? '';
    await take({ signal: `${from}-${partition}@${message.offset}`, text }).finally(() => done.abort());
    await beating;
  };
  try {
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({ autoCommitThreshold: 1, eachMessage });
    await over;
  } finally {
    await withDeadline(consumer.disconnect(), STOP_MAX_MS, () => new Error('late')).catch(() => undefined);
  }
}

/** A change may take longer than a session does. */
async function beat(heartbeat: () => Promise<void>, everyMs: number, until: AbortSignal): Promise<void> {
  while (!until.aborted) {
    await systemClock.sleepUntil(systemClock.nowMs() + everyMs, until);
    if (!until.aborted) await heartbeat().catch(() => undefined); // the group is told when the signal is done with
  }
}
