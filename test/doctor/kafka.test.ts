import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Check } from '../../src/doctor/check.ts';
import { rightCheck, rightsToTry, schemaCheck, topicCheck, transactionCheck } from '../../src/doctor/kafka.ts';
import { rightsOf } from '../../src/sink/kafka-rights.ts';
import type { FoundTopic, TopicFinding } from '../../src/sink/kafka-topics.ts';

// Goal: what a probe has seen of Kafka becomes the right verdict, with the command that mends it. Method: tables.

const topics = { 'call-legs': 'l', 'call-records': 'r', 'rejected': 'x', 'offsets': 'o' };
const rights = rightsOf({ connector: '8x8', topics, create: true });
const wish = {
  brokers: ['a:1'], rights, offsets: 'o', createTopics: true, register: true, compatibility: 'BACKWARD',
};
const refusal = (type: string | undefined): Error & { type?: string } =>
  Object.assign(new Error('no'), type === undefined ? {} : { type });
const unfound = Object.assign(new Error('no coordinator'), { name: 'KafkaJSGroupCoordinatorNotFound' });
const acls = 'kafka-acls.sh --bootstrap-server a:1 --add --allow-principal User:8x8-connector';

/** A state, and what the cure must say. */
function assertCheck({ state, cure = '' }: Check, wanted: string, says: RegExp | string = ''): void {
  assert.equal(state, wanted);
  if (typeof says === 'string') assert.ok(cure.includes(says), cure);
  else assert.match(cure, says);
}

test('transactions that are refused come with their right, or their setting', () => {
  assertCheck(transactionCheck(wish, undefined), 'ok');
  assertCheck(transactionCheck(wish, refusal('TRANSACTIONAL_ID_AUTHORIZATION_FAILED')), 'failed',
    `${acls} --operation Write --transactional-id 8x8. --resource-pattern-type prefixed`);
  assertCheck(transactionCheck(wish, refusal('INVALID_TRANSACTION_TIMEOUT')), 'failed', 'KAFKA_TRANSACTION_TIMEOUT');
  assertCheck(transactionCheck(wish, refusal(undefined)), 'failed', 'transaction.state.log');
  assertCheck(transactionCheck(wish, unfound), 'failed', /transaction\.state\.log.*\n.*Write --transactional-id 8x8/);
});

const well: FoundTopic = {
  partitions: 8, replicationFactor: 3, config: { 'cleanup.policy': 'delete', 'min.insync.replicas': '2' },
};
const plan = (topic: string, policy: string) =>
  ({ topic, partitions: 8, replicationFactor: 3, config: { 'cleanup.policy': policy } });

test('a topic beside its plan', () => {
  const events = (found: TopicFinding['found'], more = {}): Check =>
    topicCheck({ ...wish, ...more }, { plan: plan('l', 'delete'), found, command: 'kafka-topics.sh …' }, 3);
  assertCheck(events(well), 'ok');
  assertCheck(events({ ...well, partitions: 3 }), 'ok');
  assertCheck(events('missing'), 'ok');
  assertCheck(events('missing', { createTopics: false }), 'failed', 'kafka-topics.sh …');
  assertCheck(events('hidden'), 'failed', `${acls} --operation Write --operation Create --topic l`);
  assertCheck(events({ ...well, config: undefined }), 'ok');
  assertCheck(events({ ...well, config: { ...well.config, 'cleanup.policy': 'compact' } }), 'warning',
    '--entity-name l --add-config cleanup.policy=delete');
  assertCheck(events({ ...well, config: { ...well.config, 'min.insync.replicas': '3' } }), 'warning',
    '--add-config min.insync.replicas=2');
  assertCheck(events({ ...well, replicationFactor: 1 }), 'warning', 'kafka-reassign-partitions.sh');
});

test('offsets that would be lost are no warning', () => {
  const offsets = (found: FoundTopic): Check =>
    topicCheck(wish, { plan: plan('o', 'compact'), found, command: '' }, 3);
  const compact = { ...well.config, 'cleanup.policy': 'compact' };
  assertCheck(offsets({ ...well, config: compact }), 'ok');
  assertCheck(offsets(well), 'failed', '--entity-name o --add-config cleanup.policy=compact');
  assertCheck(offsets({ ...well, config: undefined }), 'warning', 'DescribeConfigs');
  assertCheck(offsets({ ...well, config: compact, partitions: 9 }), 'failed', 'KAFKA_SHARDS=9');
});

test('one broker alone can keep no copies, and is not blamed for it', () => {
  const found = { ...well, replicationFactor: 1, config: { ...well.config, 'min.insync.replicas': '1' } };
  assertCheck(topicCheck(wish, { plan: plan('l', 'delete'), found, command: '' }, 1), 'ok');
});

test('a right that is missing comes with the line that grants it, and no other', () => {
  const right = rights.find(({ name, operation }) => name === 'o' && operation === 'Read')!;
  assertCheck(rightCheck(wish, right, undefined), 'ok');
  const refused = rightCheck(wish, right, refusal('TOPIC_AUTHORIZATION_FAILED'));
  assert.deepEqual([refused.state, refused.cure], ['failed', `${acls} --operation Read --topic o`]);
  assertCheck(rightCheck(wish, right, unfound), 'failed');
  assertCheck(rightCheck(wish, right, new Error('Not authorized to access topics: [x]')), 'failed');
  assertCheck(rightCheck(wish, right, refusal('REQUEST_TIMED_OUT')), 'warning');
  assertCheck(rightCheck(wish, right, refusal(undefined)), 'warning');
});

test('each right is tried that has not shown yet, the group first, and Create only for topics that are missing', () => {
  const found = new Map<string, TopicFinding['found']>([['l', well], ['r', 'missing'], ['x', 'hidden'], ['o', well]]);
  const tried = rightsToTry(rights, found).map(({ operation, name }) => `${operation} ${name}`);
  assert.deepEqual(tried, ['Read 8x8.', 'Write l', 'Write r', 'Create r', 'Read o', 'Write o', 'DescribeConfigs o']);
});

test('a schema is wrong if it does not fit, or is missing and may not be registered', () => {
  const states = (more = {}): readonly string[] => (['registered', 'compatible', 'unknown', 'incompatible'] as const)
    .map((finding) => schemaCheck({ ...wish, ...more }, 'l-value', finding).state);
  assert.deepEqual(states(), ['ok', 'ok', 'ok', 'failed']);
  assert.deepEqual(states({ register: false }), ['ok', 'failed', 'failed', 'failed']);
});
