import { ConnectorError } from '../errors.ts';
import type { SubjectFinding } from '../sink/avro.ts';
import type { KafkaProbe, Refusal } from '../sink/kafka-probe.ts';
import { aclCommands, type Right } from '../sink/kafka-rights.ts';
import type { TopicFinding } from '../sink/kafka-topics.ts';
import { failed, skipped, type Check } from './check.ts';

/** What the settings want of Kafka and the registry. */
export interface KafkaWish {
  readonly brokers: readonly string[];
  readonly rights: readonly Right[];
  /** The topic that holds the offsets. */
  readonly offsets: string;
  readonly createTopics: boolean;
  readonly register: boolean;
  readonly compatibility: string;
}

const part = 'kafka';

/** Whom the commands grant rights to, for nobody tells us by which name Kafka knows us. */
const PRINCIPAL = 'User:8x8-connector';

/** Looks at Kafka in the order in which one thing needs the other. Changes nothing: see {@link KafkaProbe}. */
export async function* checkKafka(wish: KafkaWish, probe: KafkaProbe): AsyncGenerator<Check> {
  const { rights } = wish;
  let brokers: number;
  try {
    brokers = await probe.brokers();
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    yield failed(part, 'brokers', error.message);
    return yield* ['transactions', 'topics', 'rights'].map((name) => skipped(part, name, 'no broker can be asked'));
  }
  yield { part, name: 'brokers', state: 'ok', found: brokers === 1 ? 'one answers' : `${brokers} of them answer` };
  const refusal = await probe.transaction();
  yield transactionCheck(wish, refusal);
  const findings = await probe.topics();
  yield* findings.map((finding) => topicCheck(wish, finding, brokers));
  const found = new Map(findings.map((finding) => [finding.plan.topic, finding.found]));
  let group: Check | undefined;
  for (const right of rightsToTry(rights, found)) {
    const reach = { ...wish, found, transactions: refusal === undefined, group: group?.state !== 'failed' };
    const why = whyNotTried(right, reach);
    const check = why === undefined ? rightCheck(wish, right, await probe.right(right))
      : skipped(part, rightName(right), why);
    yield check;
    if (right.resource === 'group') group = check;
  }
}

export function transactionCheck({ brokers, rights }: KafkaWish, refusal: Refusal): Check {
  const check = { part, name: 'transactions' } as const;
  if (refusal === undefined) return { ...check, state: 'ok', found: 'one was begun, and given up again' };
  const { type = 'no code', message } = refusal;
  const found = `${message} (${type})`;
  if (type === 'INVALID_TRANSACTION_TIMEOUT') {
    const cure = 'Set KAFKA_TRANSACTION_TIMEOUT to at most transaction.max.timeout.ms of the brokers';
    return { ...check, state: 'failed', found, cure };
  }
  const needed = rights.filter(({ resource }) => resource === 'transactional-id');
  const grant = aclCommands(needed, { principal: PRINCIPAL, brokers }).join('\n');
  if (isDenied(refusal) && !isUncoordinated(refusal)) return { ...check, state: 'failed', found, cure: grant };
  const cure = `The brokers must meet transaction.state.log.replication.factor and .min.isr. If they do:\n${grant}`;
  return { ...check, state: 'failed', found, cure };
}

/** kafkajs keeps it to itself why a coordinator is not found: most often we may not ask for it. */
function isUncoordinated(refusal: NonNullable<Refusal>): boolean {
  return refusal.name === 'KafkaJSGroupCoordinatorNotFound';
}

function isDenied(refusal: NonNullable<Refusal>): boolean {
  const { type = '', message } = refusal;
  return type.includes('AUTHORIZATION') || /^Not authorized/.test(message) || isUncoordinated(refusal);
}

/** A topic beside the one that the settings ask for. */
export function topicCheck(
  { offsets, createTopics, rights, brokers: addresses }: KafkaWish,
  { plan, found, command }: TopicFinding,
  brokers: number,
): Check {
  const { topic, partitions, config } = plan;
  const check = { part, name: `topic ${topic}` } as const;
  if (found === 'hidden') {
    const needed = rights.filter(({ resource, name }) => resource === 'topic' && name === topic);
    const cure = aclCommands(needed, { principal: PRINCIPAL, brokers: addresses }).join('\n');
    return { ...check, state: 'failed', found: 'we may not even see it', cure };
  }
  if (found === 'missing') {
    if (createTopics) return { ...check, state: 'ok', found: 'it is not there yet; run creates it' };
    const cure = `Create it, or set KAFKA_CREATE_TOPICS=true:\n${command}`;
    return { ...check, state: 'failed', found: 'it is not there', cure };
  }
  const size = `${found.partitions} partitions, replication factor ${found.replicationFactor}`;
  if (topic === offsets && found.partitions !== partitions) {
    const cure = `Set KAFKA_SHARDS=${found.partitions} if no connector has used the topic with another number`;
    return { ...check, state: 'failed', found: `${size}, KAFKA_SHARDS says ${partitions}`, cure };
  }
  if (found.config === undefined) { // run reads those of the offsets alone, and needs no right to others
    const unread = `${size}; its settings cannot be read`;
    if (topic !== offsets) return { ...check, state: 'ok', found: unread };
    return { ...check, state: 'warning', found: unread, cure: 'Grant DescribeConfigs' };
  }
  const alter = `kafka-configs.sh --bootstrap-server ${addresses.join()} --alter --entity-type topics `
    + `--entity-name ${topic} --add-config`;
  const [policy, wanted] = [found.config['cleanup.policy'], config['cleanup.policy']];
  if (policy !== wanted) {
    const state = topic === offsets ? 'failed' : 'warning';
    const cure = `${alter} cleanup.policy=${wanted}`;
    return { ...check, state, found: `cleanup.policy is ${policy}, not ${wanted}`, cure };
  }
  const inSync = Number(found.config['min.insync.replicas']);
  if (found.replicationFactor > 1 && inSync >= found.replicationFactor) {
    const cure = `${alter} min.insync.replicas=${found.replicationFactor - 1}`;
    return { ...check, state: 'warning', found: `${size}, all in sync: a broker that restarts stops writing`, cure };
  }
  if (found.replicationFactor < Math.min(brokers, 2)) {
    const cure = 'Give it copies by kafka-reassign-partitions.sh';
    return { ...check, state: 'warning', found: `${size}: a broker that is lost takes calls with it`, cure };
  }
  return { ...check, state: 'ok', found: `${size}, cleanup.policy ${policy}` };
}

function rightName({ operation, resource, name, prefixed }: Right): string {
  return `${operation} ${resource} ${name}${prefixed ? '*' : ''}`;
}

type Found = ReadonlyMap<string, TopicFinding['found']>;

/**
 * The group first, for whoever reads is in one. The right to transactions has shown already, those on a topic that is
 * hidden too; and the one to create it is not needed once it is there.
 */
export function rightsToTry(rights: readonly Right[], found: Found): readonly Right[] {
  const wanted = rights.filter(({ resource, operation, name }) =>
    resource !== 'transactional-id' && found.get(name) !== 'hidden'
    && !(operation === 'Create' && found.get(name) !== 'missing'));
  return wanted.toSorted((a, b) => Number(b.resource === 'group') - Number(a.resource === 'group'));
}

interface Reach extends Pick<KafkaWish, 'offsets'> {
  readonly found: Found;
  /** Whether there are transactions, and whether we may be in our group. */
  readonly transactions: boolean;
  readonly group: boolean;
}

/** Why a right cannot be tried. */
function whyNotTried(right: Right, { offsets, found, transactions, group }: Reach): string | undefined {
  const { resource, operation, name } = right;
  if (operation === 'Create') return undefined;
  if (typeof found.get(resource === 'group' ? offsets : name) !== 'object') return 'there is no topic to try it on';
  if (operation === 'Write' && !transactions) return 'there are no transactions';
  if (resource === 'topic' && operation === 'Read' && !group) return 'whoever reads is in a group';
  return undefined;
}

export function rightCheck({ brokers }: KafkaWish, right: Right, refusal: Refusal): Check {
  const check = { part, name: rightName(right) } as const;
  if (refusal === undefined) return { ...check, state: 'ok', found: 'granted' };
  const { message } = refusal;
  if (!isDenied(refusal)) return { ...check, state: 'warning', found: `unknown: ${message}`, cure: 'Try again' };
  const [cure] = aclCommands([right], { principal: PRINCIPAL, brokers });
  return { ...check, state: 'failed', found: `refused: ${message}`, cure: cure! };
}

/** Looks at the schemas. Nothing is registered. */
export async function* checkRegistry(wish: KafkaWish, probe: Pick<KafkaProbe, 'subjects'>): AsyncGenerator<Check> {
  let lost: string | undefined;
  for (const { subject, look } of await probe.subjects()) {
    const name = `schema ${subject}`;
    if (lost !== undefined) {
      yield skipped('registry', name, lost);
      continue;
    }
    try {
      yield schemaCheck(wish, subject, await look());
    } catch (error) {
      if (!(error instanceof ConnectorError)) throw error;
      yield failed('registry', name, error.message);
      if (error.code === 'SINK_UNAVAILABLE') lost = 'the registry cannot be asked';
    }
  }
}

export function schemaCheck({ register, compatibility }: KafkaWish, subject: string, finding: SubjectFinding): Check {
  const check = { part: 'registry', name: `schema ${subject}` } as const;
  if (finding === 'registered') return { ...check, state: 'ok', found: 'it is registered' };
  if (finding === 'incompatible') {
    const cure = `Mend the subject, or name another topic. SCHEMA_REGISTRY_COMPATIBILITY is ${compatibility}`;
    return { ...check, state: 'failed', found: 'it does not fit the versions that are there', cure };
  }
  const found = finding === 'unknown' ? 'it is not there' : 'it fits the versions that are there';
  if (register) return { ...check, state: 'ok', found: `${found}; run registers it` };
  const cure = 'Register the file in schemas/, or set SCHEMA_REGISTRY_REGISTER=true';
  return { ...check, state: 'failed', found: `${found}, and may not be registered`, cure };
}
