import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import kafkajs, { type AclEntry } from 'kafkajs';
import type { Check } from '../../src/doctor/check.ts';
import { KafkaSink, type KafkaSinkOptions } from '../../src/sink/kafka.ts';
import { rightsOf, type Right } from '../../src/sink/kafka-rights.ts';
import { callLegs } from '../../src/streams/call-legs.ts';
import { callRecords } from '../../src/streams/call-records.ts';
import { command } from '../road/command.ts';
import { closingJourneys } from '../road/journey.ts';
import { legEvent, ownsAll, step } from '../sink/sink.contract.ts';
import { smallSink } from '../sink/small-sink.ts';
import { withAdmin } from '../stack/admin.ts';
import { execute, JAVA, SMALL_JVM } from '../stack/java.ts';
import { startStack, type Stack } from '../stack/stack.ts';

// Goal: the rights that `acl print` prints are enough, and none of them is too much. Method: a broker that lets its
// one client do nothing on topics, groups and transactional ids but what has been granted.

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;
const OPERATIONS = {
  Read: AclOperationTypes.READ, Write: AclOperationTypes.WRITE, Describe: AclOperationTypes.DESCRIBE,
  DescribeConfigs: AclOperationTypes.DESCRIBE_CONFIGS, Create: AclOperationTypes.CREATE,
};
const RESOURCES = {
  'topic': AclResourceTypes.TOPIC, 'group': AclResourceTypes.GROUP,
  'transactional-id': AclResourceTypes.TRANSACTIONAL_ID,
};
const US = { principal: 'User:ANONYMOUS', host: '*' };

const { journey, closeAll } = closingJourneys();
let stack: Stack;
before(async () => {
  stack = await startStack({
    ownBroker: true,
    properties: {
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'allow.everyone.if.no.acl.found': 'true',
    },
  });
  const all = { resourcePatternType: ResourcePatternTypes.LITERAL, operation: AclOperationTypes.ALL };
  const allow = { ...all, permissionType: AclPermissionTypes.ALLOW };
  const cluster = { ...allow, ...US, resourceType: AclResourceTypes.CLUSTER, resourceName: 'kafka-cluster' };
  const closed = Object.values(RESOURCES).map((resourceType) =>
    ({ ...allow, resourceType, resourceName: '*', principal: 'User:nobody', host: '*' }));
  // The broker and the administrator are the same client to it, so the cluster stays open, but for Create.
  const noCreate = { operation: AclOperationTypes.CREATE, permissionType: AclPermissionTypes.DENY };
  await withAdmin(stack.brokers, (admin) =>
    admin.createAcls({ acl: [...closed, cluster, { ...cluster, ...noCreate }] }));
});
after(async () => {
  await closeAll();
  await stack.stop();
});

function aclOf({ resource, name, prefixed, operation }: Right): AclEntry {
  return {
    ...US, resourceType: RESOURCES[resource], resourceName: name, operation: OPERATIONS[operation],
    resourcePatternType: prefixed ? ResourcePatternTypes.PREFIXED : ResourcePatternTypes.LITERAL,
    permissionType: AclPermissionTypes.ALLOW,
  };
}

const grant = (rights: readonly Right[]) =>
  withAdmin(stack.brokers, (admin) => admin.createAcls({ acl: rights.map(aclOf) }));
const revoke = (right: Right) =>
  withAdmin(stack.brokers, (admin) => admin.deleteAcls({ filters: [aclOf(right)] }));

test('under the rights that acl print prints, and no other, a connector creates its topics and publishes', async () => {
  const one = await journey({ stack });
  const signals = { KAFKA_TOPIC_SIGNALS: `${one.prefix}.signals`, KAFKA_TOPIC_CALLS: `${one.prefix}.calls` };
  const asked = { settings: { ...one.settings, ...signals } };
  const said = await command(asked, 'acl', 'print', '--principal', US.principal, '--json');
  assert.equal(said.code, 0, said.stderr);
  assert.ok(!said.stdout.includes(one.account.options.password), 'no secret is printed');
  const rights = said.stdout.trim().split('\n').map((line) => JSON.parse(line) as Right);
  await grant(rights.filter(({ prefixed }) => !prefixed));
  // Those of names that begin with something are granted as a person would do it.
  const { stdout } = await command(asked, 'acl', 'print', '--principal', US.principal);
  const lines = stdout.trim().split('\n').filter((line) => line.endsWith(' prefixed'));
  assert.equal(lines.length, 2);
  await Promise.all(lines.map((line) => execute(JAVA,
    [...SMALL_JVM, '-cp', stack.toolsClasspath!, 'org.apache.kafka.tools.AclCommand', ...line.split(' ').slice(1)])));

  const worker = one.start(signals);
  const polledOf = (stream: string) =>
    one.line(({ msg, feed }) => msg === 'polled' && String(feed).startsWith(`live/${stream}/`));
  await Promise.all([polledOf('call-legs'), polledOf('call-records')]);
  assert.deepEqual(one.lines.filter(({ code }) => code !== undefined), []);
  assert.equal(await worker.stop(), 0);
});

const name = `rights-${process.pid}`;
const CREATED: readonly Right[] = rightsOf({ connector: name, topics: smallSinkTopics(), create: true });
const OTHERS = CREATED.filter(({ operation }) => operation !== 'Create');

function smallSinkTopics(): KafkaSinkOptions['topics'] {
  return smallSink(name, { brokers: '', registryUrl: '' }).topics;
}

/** A start, and a commit with an event for each topic. */
async function publishOnce(): Promise<void> {
  const out = Promise.withResolvers<never>();
  out.promise.catch(() => undefined);
  const onMembership = (error?: Error): void => error && out.reject(error);
  const sink = new KafkaSink({ ...smallSink(name, stack), onMembership });
  const stop = new AbortController();
  try {
    await sink.check();
    await Promise.race([ownsAll(sink, stop.signal), out.promise]);
    const session = await Promise.race([sink.openShard(0), out.promise]);
    await session.commit(step([legEvent('a'), recordEvent('a'), brokenEvent()]));
    await session.close();
  } finally {
    stop.abort();
    await sink.close();
  }
}

const context = { pbxId: 'acme', window: { from: 0, to: 3_000 }, observedAtMs: 4_000 };
const recordEvent = (callId: string) =>
  callRecords.toEvent({ pbxId: 'acme', callId, startTimeUTC: 1_000, disconnectedTimeUTC: 2_000 }, context);
const brokenEvent = () => callLegs.toEvent({ pbxId: 'acme' }, context);

/** Of a coordinator kafkajs keeps to itself why there is none. */
const REFUSALS = {
  'topic': /AUTHORIZATION|[Nn]ot authorized|OPERATION_NOT_ATTEMPTED/,
  'group': /out of consumer group .*that we may read the group/,
  'transactional-id': /did not confirm: Failed to find group coordinator/,
};

test('without any one of these rights nothing is published', async (t) => {
  const topics = [...new Set(CREATED.filter(({ resource }) => resource === 'topic').map((right) => right.name))];
  const attempt = async (right: Right): Promise<void> => {
    await revoke(right);
    try {
      await assert.rejects(publishOnce(), REFUSALS[right.resource]);
    } finally {
      await grant([right]);
    }
  };
  await grant(CREATED);
  for (const right of CREATED.filter(({ operation }) => operation === 'Create')) {
    await t.test(`${right.operation} on ${right.resource} ${right.name}`, () => attempt(right));
    await deleteTopics(topics);
  }
  await publishOnce();
  for (const right of OTHERS) {
    await t.test(`${right.operation} on ${right.resource} ${right.name}`, () => attempt(right));
  }
  await publishOnce();
});

test('doctor names each right that is missing, with the line that grants it', async (t) => {
  const one = await journey({ stack });
  const said = await command(one, 'acl', 'print', '--principal', US.principal, '--json');
  const rights = said.stdout.trim().split('\n').map((line) => JSON.parse(line) as Right);
  const unwell = async (): Promise<readonly Check[]> => {
    const { stdout } = await command(one, 'doctor', '--json');
    return stdout.trim().split('\n').map((line) => JSON.parse(line) as Check).filter(({ state }) => state !== 'ok');
  };
  await grant(rights);
  assert.ok((await unwell()).every(({ state }) => state === 'skipped'), 'what is missing cannot be tried');
  const worker = one.start();
  await one.line(({ msg }) => msg === 'polled');
  await worker.stop();
  assert.deepEqual(await unwell(), []);
  const needed = rights.filter(({ operation }) => operation !== 'Create');
  const kinds = Map.groupBy(needed, ({ resource, operation, name: of }) =>
    `${operation} on ${of.endsWith('.offsets') ? 'the offsets' : `a ${resource}`}`);
  for (const [kind, [right]] of kinds) {
    await t.test(kind, async () => {
      const { resource, operation, name: of } = right!;
      await revoke(right!);
      try {
        const found = await unwell();
        const grants = new RegExp(`--operation ${operation} (.* )?--${resource} ${RegExp.escape(of)}`);
        const failed = found.filter(({ state }) => state === 'failed');
        assert.ok(failed.some(({ cure }) => grants.test(cure!)), JSON.stringify(found, undefined, 2));
        assert.equal(failed.length, 1, JSON.stringify(failed, undefined, 2));
      } finally {
        await grant([right!]);
      }
    });
  }
});

/** Those that are there, be it that the broker that lists them has not heard of them yet. */
async function deleteTopics(topics: readonly string[]): Promise<void> {
  const acl = topics.map((topic): AclEntry => ({
    ...aclOf({ resource: 'topic', name: topic, prefixed: false, operation: 'Read' }),
    operation: AclOperationTypes.DELETE,
  }));
  await withAdmin(stack.brokers, async (admin) => {
    await admin.createAcls({ acl });
    await Promise.allSettled(topics.map((topic) => admin.deleteTopics({ topics: [topic] })));
    await admin.deleteAcls({ filters: acl });
  });
}
