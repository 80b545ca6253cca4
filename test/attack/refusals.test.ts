import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import kafkajs from 'kafkajs';
import { ConnectorError } from '../../src/errors.ts';
import { KafkaSink } from '../../src/sink/kafka.ts';
import { readTopics } from '../reader/topics.ts';
import { closingJourneys, type Journey } from '../road/journey.ts';
import { assertWhole } from '../road/verdict.ts';
import type { LogLine } from '../road/worker.ts';
import { legEvent, ownsAll, step } from '../sink/sink.contract.ts';
import { smallSink } from '../sink/small-sink.ts';
import { withAdmin } from '../stack/admin.ts';
import { startStack, type Stack } from '../stack/stack.ts';

// Goal: what Kafka or the registry refuses is said with its cure, heals when it is mended, and costs no call. Method:
// the whole road on a broker of its own that refuses one thing at a time.

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ConfigResourceTypes, ResourcePatternTypes } = kafkajs;

/** A week by default. */
const ID_EXPIRES_MS = 4_000;

const { journey, closeAll } = closingJourneys();
let stack: Stack;
const gates: Server[] = [];
before(async () => {
  stack = await startStack({
    ownBroker: true,
    properties: {
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'allow.everyone.if.no.acl.found': 'true',
      'transactional.id.expiration.ms': String(ID_EXPIRES_MS),
      'transaction.remove.expired.transaction.cleanup.interval.ms': '500',
    },
  });
});
after(async () => {
  await closeAll();
  for (const gate of gates) gate.close();
  await stack.stop();
});

const isPolled = ({ msg }: LogLine): boolean => msg === 'polled';
/** A poll after all that has been logged so far. */
function nextPoll({ line, lines }: Journey): Promise<LogLine> {
  const before = new Set(lines);
  return line((entry) => isPolled(entry) && !before.has(entry));
}

test('a right that is taken away is named, and when it is granted again the connector goes on by itself', async () => {
  const one = await journey({ stack });
  const worker = one.start();
  await one.line(isPolled);
  const acl = {
    resourceType: AclResourceTypes.TOPIC, resourceName: `${one.prefix}.call-legs`,
    resourcePatternType: ResourcePatternTypes.LITERAL, principal: 'User:ANONYMOUS', host: '*',
  };
  const all = { ...acl, operation: AclOperationTypes.ALL, permissionType: AclPermissionTypes.ALLOW };
  const denied = { ...acl, operation: AclOperationTypes.WRITE, permissionType: AclPermissionTypes.DENY };
  await withAdmin(stack.brokers, (admin) => admin.createAcls({ acl: [all, denied] }));
  const { msg } = await one.line(({ code }) => code === 'SINK_OUTCOME_UNKNOWN');
  assert.match(msg, /Grant our principal Write on .*\((TOPIC_AUTHORIZATION_FAILED|OPERATION_NOT_ATTEMPTED)\)/);
  await withAdmin(stack.brokers, (admin) => admin.deleteAcls({ filters: [denied] }));
  await one.line((entry) => isPolled(entry) && entry['feed'] === 'live/call-legs/acme'
    && String(entry['time']) > String(one.lines.findLast(({ code }) => code === 'SINK_OUTCOME_UNKNOWN')!['time']));
  assertWhole(await one.settle());
  assert.equal(await worker.exited, 0);
});

test('a topic that takes small messages only stops the connector with the cure, and nothing is lost', async () => {
  const one = await journey({ stack });
  const first = one.start();
  await one.line(isPolled);
  await first.stop();
  const limit = (value: string) => withAdmin(stack.brokers, (admin) => admin.alterConfigs({
    validateOnly: false,
    resources: [{
      type: ConfigResourceTypes.TOPIC, name: `${one.prefix}.call-legs`,
      configEntries: [{ name: 'max.message.bytes', value }],
    }],
  }));
  await limit('400');
  const refused = one.start();
  await one.line(({ msg }) => msg.includes('SINK_REFUSED')); // has an end, if it never stops
  assert.equal(await refused.exited, 4);
  assert.match(one.lines.at(-1)!.msg, /SINK_REFUSED.*Raise max\.message\.bytes/);
  await limit('1048588');
  one.start();
  assertWhole(await one.settle());
});

test('a transactional id that has expired in a time of silence costs a session, and nothing else', async (t) => {
  const name = `idle-${process.pid}`;
  const options = smallSink(name, stack);
  const sink = new KafkaSink(options);
  const stop = new AbortController();
  t.after(async () => {
    stop.abort();
    await sink.close();
  });
  await sink.check();
  await ownsAll(sink, stop.signal);
  const session = await sink.openShard(0);
  await session.commit(step([legEvent('before')]));
  await sleep(ID_EXPIRES_MS * 2);
  await assert.rejects(session.commit(step([legEvent('lost')])), (error) =>
    error instanceof ConnectorError && error.code === 'SINK_FENCED');
  await session.close();

  const next = await sink.openShard(0);
  await next.commit(step([legEvent('after')]));
  await next.close();
  const published = (await readTopics(stack, [options.topics['call-legs']])).map(({ value }) => value!['callId']);
  assert.deepEqual(published, ['before', 'after']);
});

test('a registry that is away does not matter to a connector that runs; a start says so', async () => {
  const gate = await openGate(stack.registryUrl);
  const one = await journey({ stack, settings: { SCHEMA_REGISTRY_URL: gate.url } });
  const worker = one.start();
  await one.line(isPolled);
  gate.shut();
  await nextPoll(one);
  await nextPoll(one);
  await worker.stop();
  const refused = one.start();
  await one.line(({ msg }) => msg.includes('SCHEMA_REGISTRY_URL'));
  assert.equal(await refused.exited, 4);
  assert.match(one.lines.at(-1)!.msg, /SCHEMA_REGISTRY_URL/);
  gate.open();
  one.start();
  assertWhole(await one.settle());
});

test('a broker whose disk is full fails, and when there is room again nothing is lost or doubled', async () => {
  const one = await journey({ ownBroker: true });
  one.start();
  await one.line(isPolled);
  const broker = one.stack.broker!;
  // Every file has its greatest size from now on: to the broker that is a full disk.
  await promisify(execFile)('prlimit', ['--pid', String(broker.pid), '--fsize=1']);
  for (let tries = 0; tries < 300 && broker.pid !== undefined; tries += 1) await sleep(100);
  assert.equal(broker.pid, undefined, 'a broker without a log directory ends');
  await one.line(({ code }) => String(code).startsWith('SINK_'));
  await broker.start();
  assertWhole(await one.settle());
});

interface Gate {
  readonly url: string;
  shut(): void;
  open(): void;
}

/** A way to a server that can be shut for one client, while others still reach it. */
async function openGate(url: string): Promise<Gate> {
  const { hostname, port, pathname } = new URL(url);
  const sockets = new Set<Socket>();
  let isShut = false;
  const server = createServer((client) => {
    if (isShut) return void client.destroy();
    const upstream = connect(Number(port), hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    }
    client.pipe(upstream).pipe(client);
  });
  gates.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}${pathname}`,
    shut: () => {
      isShut = true;
      for (const socket of sockets) socket.destroy();
    },
    open: () => {
      isShut = false;
    },
  };
}
