import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Kafka, Partitioners, logLevel } from 'kafkajs';
import type { Jars } from './jars.ts';
import { freePort } from './port.ts';
import { Server } from './server.ts';

/** A broker that a test may crash and bring back. It keeps its port and its data until the stack is stopped. */
export interface BrokerControl {
  /** Of the Java process; undefined while the broker is down. */
  readonly pid: number | undefined;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGTERM, and waits for the end. */
  stop(): Promise<void>;
  /** Resolves when the broker answers again, coordinators included. Does nothing while it runs. */
  start(): Promise<void>;
}

export interface Broker extends BrokerControl {
  readonly address: string;
  /** The end: kills the broker and removes its data. */
  remove(): Promise<void>;
}

/** A second listener, for clients that come through a proxy: the broker tells them the proxy's port. */
export interface ProxiedListener {
  readonly port: number;
  readonly proxyPort: number;
}

export async function startBroker(
  jars: Jars,
  properties: Readonly<Record<string, string>>,
  proxied?: ProxiedListener,
): Promise<Broker> {
  const [port, controllerPort] = [await freePort(), await freePort()];
  const address = `127.0.0.1:${port}`;
  const server = await Server.create('broker', async (directory) => {
    const logDirectory = join(directory, 'log');
    await cp(jars.formattedDirectory, logDirectory, { recursive: true });
    const own = { ...propertiesOf(port, controllerPort), 'log.dirs': logDirectory };
    const all = { ...own, ...(proxied === undefined ? {} : withProxy(own, proxied)), ...properties };
    const file = join(directory, 'server.properties');
    await writeFile(file, Object.entries(all).map(([key, value]) => `${key}=${value}\n`).join(''));
    return ['-Xms256m', '-Xmx512m', ...jars.sharedClasses, '-cp', jars.kafkaClasspath, 'kafka.Kafka', file];
  });
  const start = () => server.start(() => answers(address));
  try {
    await start();
  } catch (error) {
    await server.remove();
    throw error;
  }
  return {
    address,
    get pid() {
      return server.pid;
    },
    start,
    kill: () => server.kill(),
    stop: () => server.stop(),
    remove: () => server.remove(),
  };
}

export function withProxy(own: Record<string, string>, { port, proxyPort }: ProxiedListener): Record<string, string> {
  return {
    'listeners': `${own['listeners']},PROXIED://127.0.0.1:${port}`,
    'advertised.listeners': `${own['advertised.listeners']},PROXIED://127.0.0.1:${proxyPort}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT',
  };
}

export function propertiesOf(port: number, controllerPort: number): Record<string, string> {
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    // A topic the connector forgot to make must be an error here, as it is on most clusters.
    'auto.create.topics.enable': 'false',
    'group.initial.rebalance.delay.ms': '0',
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '4',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    // After a crash the controller keeps the old registration for this long and the broker waits. 9 s by default.
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    // Retention counts from a record's own time, and the calls of a test are often older than the default week.
    'log.retention.ms': '-1',
    // 128 MB by default, taken from the heap whether there is anything to compact or not.
    'log.cleaner.dedupe.buffer.size': '16777216',
    'num.io.threads': '4',
    'num.network.threads': '2',
  };
}

/**
 * A port that accepts connections is not enough: on a fresh broker the first group and the first transaction fail for
 * about a second, while the topics behind their coordinators are made. So we use one of each, once.
 */
export async function answers(address: string): Promise<boolean> {
  const kafka = new Kafka({
    clientId: 'stack',
    brokers: [address],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1_000,
    requestTimeout: 5_000,
    retry: { retries: 1, initialRetryTime: 50 },
  });
  const admin = kafka.admin();
  const producer = kafka.producer({
    transactionalId: 'stack',
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  try {
    await admin.connect();
    await admin.describeGroups(['stack']);
    await producer.connect();
    await (await producer.transaction()).abort();
    return true;
  } catch {
    return false;
  } finally {
    await Promise.allSettled([admin.disconnect(), producer.disconnect()]);
  }
}
