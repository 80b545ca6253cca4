import { startBroker, type Broker, type BrokerControl, type ProxiedListener } from './broker.ts';
import { fetchJars } from './jars.ts';
import { startRegistry, type Registry } from './registry.ts';

/** A real Kafka and a real schema registry. */
export interface Stack {
  readonly brokers: string;
  readonly registryUrl: string;
  /** For Kafka's own command line tools, as in `java -cp <this> …`. Undefined for servers of yours. */
  readonly toolsClasspath: string | undefined;
  /** Undefined when the broker was not started by this call. Ask for `ownBroker` in a test that crashes it. */
  readonly broker: BrokerControl | undefined;
  /** Stops what this call has started, and removes its data. */
  stop(): Promise<void>;
}

export interface StackOptions {
  /** Added to the broker's properties, or put in their place. Only for a broker that is started here. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Starts a broker even if KAFKA_BROKERS is set. The registry of SCHEMA_REGISTRY_URL is still used if set. */
  readonly ownBroker?: boolean;
  /** With `ownBroker`: a listener for clients behind a proxy. */
  readonly proxied?: ProxiedListener;
}

/**
 * Uses the servers of KAFKA_BROKERS and SCHEMA_REGISTRY_URL if both are set, and starts its own otherwise. So a test
 * file may call this without knowing whether `npm test` has started servers for all files, or it was run alone.
 *
 * What is started here ends with this process at the latest, however the process ends.
 */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const { properties = {}, ownBroker = false, proxied } = options;
  const { KAFKA_BROKERS, SCHEMA_REGISTRY_URL, STACK_TOOLS_CLASSPATH } = process.env;
  if (!ownBroker && Boolean(KAFKA_BROKERS) !== Boolean(SCHEMA_REGISTRY_URL)) {
    throw new Error('Set both KAFKA_BROKERS and SCHEMA_REGISTRY_URL to use your servers, or neither to start some.');
  }
  if (!ownBroker && KAFKA_BROKERS && SCHEMA_REGISTRY_URL) {
    return {
      brokers: KAFKA_BROKERS,
      registryUrl: SCHEMA_REGISTRY_URL,
      toolsClasspath: STACK_TOOLS_CLASSPATH,
      broker: undefined,
      stop: async () => undefined,
    };
  }
  const jars = await fetchJars();
  const [broker, registry] = await bothOrNone(
    startBroker(jars, properties, proxied),
    SCHEMA_REGISTRY_URL ? existingRegistry(SCHEMA_REGISTRY_URL) : startRegistry(jars),
  );
  return {
    brokers: broker.address,
    registryUrl: registry.url,
    toolsClasspath: jars.kafkaClasspath,
    broker,
    stop: async () => {
      await Promise.all([broker.remove(), registry.remove()]);
    },
  };
}

async function bothOrNone(broker: Promise<Broker>, registry: Promise<Registry>): Promise<[Broker, Registry]> {
  const started = await Promise.allSettled([broker, registry]);
  const [first, second] = started;
  if (first.status === 'fulfilled' && second.status === 'fulfilled') return [first.value, second.value];
  for (const one of started) if (one.status === 'fulfilled') await one.value.remove();
  throw started.find((one) => one.status === 'rejected')!.reason;
}

async function existingRegistry(url: string): Promise<Registry> {
  return { url, remove: async () => undefined };
}
