import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { startSimulator, type Simulator } from '../../src/simulator/work-analytics.ts';
import { withAdmin } from '../stack/admin.ts';
import { startStack, type Stack } from '../stack/stack.ts';
import { roadSettings, startWorker, type LogLine } from './worker.ts';

// Goal: a mistake stops the start with one line that says what, where and the cure, and with its exit code.
// Method: the connector in a process of its own, on real parts, with one thing wrong at a time.

let stack: Stack;
let account: Simulator;
let number = 0;

before(async () => {
  [stack, account] = await Promise.all([startStack(), startSimulator({ callsPerHour: 60, historyMs: 600_000 })]);
});
after(async () => {
  await account.close();
  await stack.stop();
});

/** Settings of a connector that nobody has started before. */
function settings(): Record<string, string> {
  number += 1;
  return roadSettings(account, { ...stack, prefix: `start-${process.pid}-${number}` }, Date.now() - 60_000);
}

async function outcomeOf(all: Readonly<Record<string, string>>): Promise<{ code: number | null; text: string }> {
  const lines: LogLine[] = [];
  const code = await startWorker(all, (line) => lines.push(line)).exited;
  return { code, text: lines.map(({ msg }) => msg).join('\n') };
}

const SECRET = 'pw-canary-7351';
const cases: readonly {
  readonly name: string;
  readonly change: Readonly<Record<string, string>>;
  readonly code: number;
  readonly says: readonly RegExp[];
}[] = [
  { name: 'an API key that 8x8 refuses', change: { EIGHT_API_KEY: SECRET }, code: 3,
    says: [/EIGHT_API_KEY/, /Admin Console/] },
  { name: 'a user that 8x8 does not know', change: { EIGHT_USERNAME: SECRET }, code: 3, says: [/EIGHT_USERNAME/] },
  { name: 'a wrong password', change: { EIGHT_PASSWORD: SECRET }, code: 3, says: [/EIGHT_PASSWORD/] },
  { name: 'an API that cannot be reached', change: { EIGHT_BASE_URL: 'http://127.0.0.1:18999/x' }, code: 3,
    says: [/127\.0\.0\.1:18999/, /EIGHT_BASE_URL/] },
  { name: 'a broker that cannot be reached', change: { KAFKA_BROKERS: '127.0.0.1:9' }, code: 4,
    says: [/127\.0\.0\.1:9/, /KAFKA_BROKERS/] },
  { name: 'a registry that cannot be reached', change: { SCHEMA_REGISTRY_URL: 'http://127.0.0.1:9' }, code: 4,
    says: [/127\.0\.0\.1:9/, /SCHEMA_REGISTRY_URL/] },
  { name: 'schemas that are not registered and may not be', change: { SCHEMA_REGISTRY_REGISTER: 'false' }, code: 4,
    says: [/-value/, /SCHEMA_REGISTRY_REGISTER/] },
  { name: 'topics that are missing and may not be created', change: { KAFKA_CREATE_TOPICS: 'false' }, code: 4,
    says: [/kafka-topics\.sh .*--create --topic .*offsets.*cleanup\.policy=compact/, /KAFKA_CREATE_TOPICS/] },
  { name: 'a setting of the wrong form', change: { PACE_SETTLE: 'soon' }, code: 2, says: [/PACE_SETTLE/, /"90s"/] },
  { name: 'a start in the future', change: { START_FROM: '2999-01-01T00:00:00Z' }, code: 2,
    says: [/START_FROM/, /future/] },
];

for (const { name, change, code, says } of cases) {
  test(`${name} stops the start`, async () => {
    const outcome = await outcomeOf({ ...settings(), ...change });
    assert.equal(outcome.code, code, outcome.text);
    for (const pattern of says) assert.match(outcome.text, pattern);
    assert.ok(!outcome.text.includes(SECRET), 'no secret is printed');
  });
}

test('an offsets topic that is not compacted stops the start', async () => {
  const all = settings();
  const topic = all['KAFKA_TOPIC_OFFSETS']!;
  await withAdmin(stack.brokers, (admin) => admin.createTopics({ topics: [{ topic, numPartitions: 8 }] }));
  const { code, text } = await outcomeOf(all);
  assert.equal(code, 4, text);
  assert.match(text, /kafka-configs\.sh .*--add-config cleanup\.policy=compact/);
});

test('an incompatible schema in the registry stops the start with its reason', async () => {
  const all = settings();
  const fields = [{ name: 'callId', type: 'long' }];
  const schema = JSON.stringify({ type: 'record', name: 'CallLeg', namespace: 'work.eightbyeight.v1', fields });
  const subject = `${all['KAFKA_TOPIC_CALL_LEGS']}-value`;
  await tellRegistry('POST', `subjects/${subject}/versions`, { schema });
  await tellRegistry('PUT', `config/${subject}`, { compatibility: 'BACKWARD' });
  const { code, text } = await outcomeOf(all);
  assert.equal(code, 4, text);
  assert.match(text, /call-legs-value \(409\)/);
});

test('an offsets topic that has grown stops the start, for feeds would not find their offsets', async () => {
  const all = settings();
  await firstPollOf(all);
  const topic = all['KAFKA_TOPIC_OFFSETS']!;
  await withAdmin(stack.brokers, (admin) => admin.createPartitions({ topicPartitions: [{ topic, count: 9 }] }));
  const { code, text } = await outcomeOf(all);
  assert.equal(code, 4, text);
  assert.match(text, /has 9 partitions, KAFKA_SHARDS says 8.*Restore the topic/);
});

test('an offsets topic whose records say another number of partitions stops the connector', async () => {
  const all = settings();
  const offsets = all['KAFKA_TOPIC_OFFSETS']!;
  await firstPollOf({ ...all, KAFKA_SHARDS: '1' });
  await withAdmin(stack.brokers, (admin) =>
    admin.createPartitions({ topicPartitions: [{ topic: offsets, count: 2 }] }));
  // Of so many PBXs some are looked for in the partition that holds the records of before.
  const { code, text } = await outcomeOf({ ...all, KAFKA_SHARDS: '2', EIGHT_PBX_IDS: 'acme,globex,a,b,c,d' });
  assert.equal(code, 4, text);
  assert.match(text, /OFFSETS_INVALID.*had 1 partitions, now it has 2.*restore the old number/);
});

test('a dry run prints events as JSON lines, and asks for no Kafka', async () => {
  const ofTheBus = /^(KAFKA|SCHEMA)_/;
  const all = { ...settings(), START_FROM: '10m' }; // as far back as there are calls
  const env = Object.fromEntries(Object.entries(all).filter(([name]) => !ofTheBus.test(name)));
  const main = new URL('../../src/main.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [main, 'run', '--dry-run'], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  const found = await firstAccepted(child.stdout);
  child.kill('SIGTERM');
  const { eventId, callId } = found!;
  assert.match(eventId, /^[0-9a-f]{32}$/);
  assert.match(callId, /^\d+$/);
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

/** The ledger tells of windows without calls, too. */
async function firstAccepted(stdout: Readable): Promise<Record<'eventId' | 'callId', string> | undefined> {
  for await (const line of createInterface({ input: stdout })) {
    const event = JSON.parse(line) as Record<'channel' | 'eventId' | 'callId', string>;
    if (event.channel === 'accepted') return event;
  }
  return undefined;
}

test('a clean stop exits with 0, and the next start continues', async () => {
  const all = settings();
  const [first, second] = [await firstPollOf(all), await firstPollOf(all)];
  assert.ok(Date.parse(String(second['watermark'])) > Date.parse(String(first['watermark'])));
  assert.equal(second['from'], first['from'], 'the first poll of a start sweeps the lookback, here to the origin');
});

/** Starts a connector, and stops it once it has polled. */
async function firstPollOf(all: Readonly<Record<string, string>>): Promise<LogLine> {
  const polled = Promise.withResolvers<LogLine>();
  const worker = startWorker(all, (line) => {
    if (line.msg === 'polled' && line['feed'] === 'live/call-legs/acme') polled.resolve(line);
  });
  const line = await polled.promise;
  assert.equal(await worker.stop(), 0);
  return line;
}

async function tellRegistry(method: string, path: string, body: object): Promise<void> {
  const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' };
  const { ok } = await fetch(`${stack.registryUrl}/${path}`, { method, headers, body: JSON.stringify(body) });
  assert.ok(ok, `${method} ${path}`);
}
