import kafkajs, { type Admin, type ITopicConfig, type PartitionMetadata } from 'kafkajs';
import pRetry from 'p-retry';
import { ConnectorError } from '../errors.ts';
import type { Topics } from './kafka-messages.ts';

/** How topics are made when they are missing. */
export interface TopicOptions {
  readonly brokers: readonly string[];
  readonly topics: Topics;
  /** `false`: missing topics stop the start, with the commands that make them. */
  readonly create: boolean;
  /** Partitions of the topics of events. */
  readonly partitions: number;
  /** Partitions of the offsets topic: in how many shares workers can split the feeds. */
  readonly shards: number;
  /** `0`: three, or as many as there are brokers. */
  readonly replicationFactor: number;
  /** How long events are kept, milliseconds; -1 for ever. Counted from the disconnect time of a call. */
  readonly retentionMs: number;
}

export interface TopicPlan {
  readonly topic: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly config: Readonly<Record<string, string>>;
}

/**
 * Makes sure that all topics are there as we need them, and tells the partitions of each.
 *
 * @throws ConnectorError SINK_REFUSED with the command that mends what is missing or wrong.
 */
export async function prepareTopics(
  admin: Admin,
  options: TopicOptions,
): Promise<ReadonlyMap<string, PartitionMetadata[]>> {
  const plans = planTopics(options, await brokerCount(admin));
  await makeMissing(admin, options, plans);
  return pRetry(async () => {
    await checkCompaction(admin, options);
    const partitions = await readPartitions(admin, plans.map(({ topic }) => topic));
    checkShards(partitions.get(options.topics.offsets)!.length, options);
    return partitions;
  }, { ...SPREADING, shouldRetry: ({ error }) => isSpreading(error) });
}

/** A topic of events beside ours, and its partitions. @throws ConnectorError as {@link prepareTopics}. */
export async function prepareEventTopic(
  admin: Admin,
  options: TopicOptions,
  topic: string,
): Promise<PartitionMetadata[]> {
  await makeMissing(admin, options, [{ topic, ...eventsPlan(options, await brokerCount(admin)) }]);
  const read = async (): Promise<PartitionMetadata[]> => (await readPartitions(admin, [topic])).get(topic)!;
  return pRetry(read, { ...SPREADING, shouldRetry: ({ error }) => isSpreading(error) });
}

async function brokerCount(admin: Admin): Promise<number> {
  return (await admin.describeCluster()).brokers.length;
}

async function makeMissing(admin: Admin, options: TopicOptions, plans: readonly TopicPlan[]): Promise<void> {
  const existing = new Set(await admin.listTopics());
  const missing = plans.filter(({ topic }) => !existing.has(topic));
  if (missing.length > 0 && !options.create) {
    throw refused(`topics are missing. Create them, or set KAFKA_CREATE_TOPICS=true:\n${commands(options, missing)}`);
  }
  if (missing.length > 0) await createTopics(admin, options, missing);
}

/** Brokers hear of a new topic one after the other, a loaded one late; kafkajs takes their answers for final ones. */
const SPREADING = { retries: 40, minTimeout: 250, maxTimeout: 250, factor: 1, randomize: false, maxRetryTime: 10_000 };

function isSpreading(error: Error): boolean {
  const { type } = error as { readonly type?: string };
  return type === 'UNKNOWN_TOPIC_OR_PARTITION' || type === 'LEADER_NOT_AVAILABLE';
}

/** The partitions of topics and the brokers that lead them, as they are now. */
export async function readPartitions(
  admin: Admin,
  topics: readonly string[],
): Promise<ReadonlyMap<string, PartitionMetadata[]>> {
  const metadata = await admin.fetchTopicMetadata({ topics: [...topics] });
  return new Map(metadata.topics.map(({ name, partitions }) => [name, partitions]));
}

function eventsPlan(options: TopicOptions, brokers: number): Omit<TopicPlan, 'topic'> {
  const replicationFactor = options.replicationFactor || Math.min(3, brokers);
  const safety = { 'min.insync.replicas': String(Math.max(1, replicationFactor - 1)) };
  const config = { ...safety, 'cleanup.policy': 'delete', 'retention.ms': String(options.retentionMs) };
  return { partitions: options.partitions, replicationFactor, config };
}

/** How a topic that we need stands. */
export interface TopicFinding {
  readonly plan: TopicPlan;
  /** `hidden`: we have no right on it at all, so that nobody tells us whether it is there. */
  readonly found: FoundTopic | 'missing' | 'hidden';
  /** The command that makes it. */
  readonly command: string;
}

export interface FoundTopic {
  readonly partitions: number;
  readonly replicationFactor: number;
  /** Undefined if we may not read its settings. */
  readonly config: Readonly<Record<string, string>> | undefined;
}

/** Looks at all topics, and changes none. */
export async function inspectTopics(admin: Admin, options: TopicOptions): Promise<readonly TopicFinding[]> {
  const plans = planTopics(options, await brokerCount(admin));
  const existing = new Set(await admin.listTopics());
  return Promise.all(plans.map(async (plan) => {
    const { topic } = plan;
    const found = existing.has(topic) ? await inspectTopic(admin, topic) : await inspectAbsent(admin, topic);
    return { plan, found, command: commands(options, [plan]) };
  }));
}

/** Asked for by its name, a topic that we may not see is told apart from one that is not there. */
async function inspectAbsent(admin: Admin, topic: string): Promise<'missing' | 'hidden'> {
  const error: unknown = await admin.fetchTopicMetadata({ topics: [topic] }).catch((thrown: unknown) => thrown);
  return (error as { readonly type?: string }).type === 'TOPIC_AUTHORIZATION_FAILED' ? 'hidden' : 'missing';
}

async function inspectTopic(admin: Admin, topic: string): Promise<FoundTopic> {
  const partitions = (await readPartitions(admin, [topic])).get(topic)!;
  const described = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }],
  }).catch(() => undefined);
  const entries = described?.resources[0]?.configEntries;
  return {
    partitions: partitions.length,
    replicationFactor: Math.min(...partitions.map(({ replicas }) => replicas.length)),
    config: entries && Object.fromEntries(entries.map(({ configName, configValue }) => [configName, configValue])),
  };
}

/** How kafkajs is asked for one of our topics. */
export async function plannedTopic(admin: Admin, options: TopicOptions, topic: string): Promise<ITopicConfig> {
  const plan = planTopics(options, await brokerCount(admin)).find((one) => one.topic === topic)!;
  return asKafkajs(plan);
}

function asKafkajs({ topic, partitions, replicationFactor, config }: TopicPlan): ITopicConfig {
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
  return { topic, numPartitions: partitions, replicationFactor, configEntries };
}

function planTopics(options: TopicOptions, brokers: number): readonly TopicPlan[] {
  const { topics, partitions, shards } = options;
  const { replicationFactor, config: events } = eventsPlan(options, brokers);
  const safety = { 'min.insync.replicas': events['min.insync.replicas']! };
  const latest = { ...safety, 'cleanup.policy': 'compact' };
  // Small segments: the newest is never compacted, and a takeover reads the topic from its start.
  const offsets = { ...safety, 'cleanup.policy': 'compact', 'segment.bytes': String(16 * 1_024 ** 2) };
  const { offsets: offsetsTopic, watermarks, signals, ...others } = topics;
  const { 'call-legs.latest': legs, 'call-records.latest': records, ...kept } = others;
  const plan = (topic: string | undefined, config: TopicPlan['config'], count = partitions): readonly TopicPlan[] =>
    topic === undefined ? [] : [{ topic, partitions: count, replicationFactor, config }];
  return [
    ...Object.values(kept).flatMap((topic) => plan(topic, events)),
    ...[watermarks, legs, records].flatMap((topic) => plan(topic, latest)),
    // One partition, for signals are obeyed in their order.
    ...plan(signals, { ...safety, 'cleanup.policy': 'delete' }, 1),
    { topic: offsetsTopic, partitions: shards, replicationFactor, config: offsets },
  ];
}

async function createTopics(admin: Admin, options: TopicOptions, plans: readonly TopicPlan[]): Promise<void> {
  try {
    const topics = plans.map(asKafkajs);
    await admin.createTopics({ topics, waitForLeaders: false }); // it waits for some, and gives up on others
  } catch (error) {
    const reason = (error as { errors?: readonly Error[] }).errors?.[0]?.message ?? (error as Error).message;
    throw refused(`topics could not be created: ${reason}. Create them yourself:\n${commands(options, plans)}`, error);
  }
}

/** On a topic that deletes by age, the offsets of a quiet feed would vanish, and its calls be published again. */
async function checkCompaction(admin: Admin, { topics, brokers }: TopicOptions): Promise<void> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topics.offsets, configNames: ['cleanup.policy'] }],
  });
  const policy = resources[0]?.configEntries.find(({ configName }) => configName === 'cleanup.policy')?.configValue;
  if (policy === 'compact') return;
  throw refused(
    `offsets topic ${topics.offsets} has cleanup.policy=${policy}, it must be compact:\n` +
      `kafka-configs.sh --bootstrap-server ${brokers.join(',')} --alter --entity-type topics ` +
      `--entity-name ${topics.offsets} --add-config cleanup.policy=compact`,
  );
}

/**
 * A feed's partition follows from their number. In a topic that has grown, a feed would look for its offset where
 * there is none, and begin anew; no record could tell, for the one that knows better lies in another partition.
 */
function checkShards(count: number, { topics, shards }: TopicOptions): void {
  if (count === shards) return;
  throw refused(
    `offsets topic ${topics.offsets} has ${count} partitions, KAFKA_SHARDS says ${shards}: feeds would not find ` +
      `their offsets. Restore the topic; or set KAFKA_SHARDS=${count}, if no connector has used it with another number`,
  );
}

function commands({ brokers }: TopicOptions, plans: readonly TopicPlan[]): string {
  return plans
    .map(({ topic, partitions, replicationFactor, config }) =>
      [
        `kafka-topics.sh --bootstrap-server ${brokers.join(',')} --create --topic ${topic}`,
        `--partitions ${partitions} --replication-factor ${replicationFactor}`,
        ...Object.entries(config).map(([name, value]) => `--config ${name}=${value}`),
      ].join(' '))
    .join('\n');
}

function refused(what: string, cause?: unknown): ConnectorError {
  return new ConnectorError('SINK_REFUSED', `Kafka: ${what}`, { cause });
}
