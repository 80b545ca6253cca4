import { randomBytes } from 'node:crypto';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withAdmin } from './admin.ts';
import { answers, propertiesOf, withProxy, type ProxiedListener } from './broker.ts';
import { fetchJars, type Jars } from './jars.ts';
import { freePort } from './port.ts';
import { startRegistry } from './registry.ts';
import { Server } from './server.ts';
import type { Stack } from './stack.ts';

/** Three brokers that keep three copies of everything, of which two must agree. */
export interface Cluster extends Stack {
  readonly nodes: readonly number[];
  /** SIGKILL of a broker. */
  kill(node: number): Promise<void>;
  /** SIGTERM, and waits for the end. */
  terminate(node: number): Promise<void>;
  /** Resolves when the broker answers again. */
  start(node: number): Promise<void>;
  /** The broker that leads a partition. */
  leaderOf(topic: string, partition: number): Promise<number>;
  /** The broker that coordinates the transactions of an id. */
  coordinatorOf(transactionalId: string): Promise<number>;
  /** With `proxied`: where a proxy before a broker listens, and what is behind it. */
  listenerOf(node: number): ProxiedListener;
  /** Resolves when every copy of every partition of the topics has caught up. */
  inSync(topics: readonly string[]): Promise<void>;
}

const NODES = [1, 2, 3] as const;
const TRANSACTION_PARTITIONS = 4;
const IN_SYNC_TRIES_MAX = 300;

interface Ports {
  readonly client: number;
  readonly controller: number;
  readonly proxied: ProxiedListener | undefined;
}

export interface ClusterOptions {
  /** Gives each broker a second listener, for clients behind a proxy that the caller starts. */
  readonly proxied?: boolean;
}

export async function startCluster({ proxied = false }: ClusterOptions = {}): Promise<Cluster> {
  const jars = await fetchJars();
  const ports = new Map<number, Ports>();
  for (const node of NODES) ports.set(node, await choosePorts(proxied));
  const addressOf = (node: number): string => `127.0.0.1:${ports.get(node)!.client}`;

  const servers = new Map<number, Server>();
  for (const node of NODES) servers.set(node, await createNode(jars, node, ports));
  const registry = startRegistry(jars);
  const start = (node: number): Promise<void> => servers.get(node)!.start(() => answers(addressOf(node)));
  const remove = async (): Promise<void> => {
    for (const server of servers.values()) await server.remove();
    await (await registry).remove();
  };
  try {
    await Promise.all([...NODES.map(start), registry]);
  } catch (error) {
    await remove();
    throw error;
  }

  const brokers = NODES.map(addressOf).join(',');
  const metadataOf = async (topics: readonly string[]) =>
    (await withAdmin(brokers, (admin) => admin.fetchTopicMetadata({ topics: [...topics] }))).topics;
  const leaderOf = async (topic: string, partition: number): Promise<number> => {
    const [found] = await metadataOf([topic]);
    return found!.partitions.find(({ partitionId }) => partitionId === partition)!.leader;
  };
  return {
    nodes: NODES,
    brokers,
    registryUrl: (await registry).url,
    toolsClasspath: jars.kafkaClasspath,
    broker: undefined,
    stop: remove,
    kill: (node) => servers.get(node)!.kill(),
    terminate: (node) => servers.get(node)!.stop(),
    start,
    leaderOf,
    listenerOf: (node) => ports.get(node)!.proxied!,
    coordinatorOf: (id) => leaderOf('__transaction_state', Math.abs(javaHash(id)) % TRANSACTION_PARTITIONS),
    async inSync(topics) {
      for (let tries = 0; tries < IN_SYNC_TRIES_MAX; tries += 1) {
        const all = (await metadataOf(topics).catch(() => [])).flatMap(({ partitions }) => partitions);
        if (all.length > 0 && all.every(({ isr, replicas }) => isr.length === replicas.length)) return;
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      throw new Error('The copies have not caught up.');
    },
  };
}

async function choosePorts(proxied: boolean): Promise<Ports> {
  const [client, controller] = [await freePort(), await freePort()];
  return { client, controller, proxied: proxied ? { port: await freePort(), proxyPort: await freePort() } : undefined };
}

async function createNode(jars: Jars, node: number, ports: ReadonlyMap<number, Ports>): Promise<Server> {
  const { client, controller, proxied } = ports.get(node)!;
  return Server.create(`broker-${node}`, async (directory) => {
    const logDirectory = join(directory, 'log');
    await cp(jars.formattedDirectory, logDirectory, { recursive: true });
    const meta = join(logDirectory, 'meta.properties');
    const own = (await readFile(meta, 'utf8'))
      .replace(/node\.id=.*/, `node.id=${node}`)
      .replace(/directory\.id=.*/, `directory.id=${randomBytes(16).toString('base64url').replace(/^-/, 'A')}`);
    await writeFile(meta, own);
    const single = propertiesOf(client, controller);
    const listeners = proxied === undefined ? {} : withProxy(single, proxied);
    const all = { ...single, ...listeners, ...clusterProperties(node, ports), 'log.dirs': logDirectory };
    const file = join(directory, 'server.properties');
    await writeFile(file, Object.entries(all).map(([key, value]) => `${key}=${value}\n`).join(''));
    return ['-Xms128m', '-Xmx384m', ...jars.sharedClasses, '-cp', jars.kafkaClasspath, 'kafka.Kafka', file];
  });
}

function clusterProperties(node: number, ports: ReadonlyMap<number, Ports>): Record<string, string> {
  const voters = [...ports].map(([id, { controller }]) => `${id}@127.0.0.1:${controller}`);
  return {
    'node.id': String(node),
    'controller.quorum.voters': voters.join(','),
    'default.replication.factor': '3',
    'min.insync.replicas': '2',
    'offsets.topic.replication.factor': '3',
    'transaction.state.log.replication.factor': '3',
    'transaction.state.log.min.isr': '2',
    'transaction.state.log.num.partitions': String(TRANSACTION_PARTITIONS),
    'share.coordinator.state.topic.replication.factor': '3',
    'share.coordinator.state.topic.min.isr': '2',
    // A copy that has fallen silent leaves the agreement after this time; 30 s by default.
    'replica.lag.time.max.ms': '3000',
  };
}

/** Java's `String.hashCode`, by which the broker chooses the partition of a transactional id. */
function javaHash(text: string): number {
  let hash = 0;
  for (let index = 0; index < text.length; index += 1) hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0;
  return hash;
}
