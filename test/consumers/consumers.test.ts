import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { Kafka, logLevel } from 'kafkajs';
import { patched, type Patch } from '../patches/patch.ts';
import { openJourney, type Journey } from '../road/journey.ts';
import { NODE_OPTIONS } from '../road/worker.ts';
import { withAdmin } from '../stack/admin.ts';
import { fileOf, javaCommand, settled, startExample, type Example } from './example.ts';
import { fetchClasspath, fetchPython } from './fetched.ts';
import { callOf, readTruth, type Row, type Truth } from './truth.ts';

// Goal: each example computes what is true. Method: one journey of old and new calls, with corrections; the examples
// read it as a user starts them, and are compared with what the simulator knows.

const MINUTE = 60_000;
const HISTORY_MS = 20 * MINUTE;
/** A call of two corrections is settled when it is as old, and all sweeps are over it. */
const CORRECTED_MS = 10_000;
const SETTLED_MS = 2 * CORRECTED_MS + 15_000;

const fromMs = Date.now() - HISTORY_MS;
const toMs = Date.now() - 5_000;

let journey: Journey;
let directory: string;
let truth: Truth;
const examples: Example[] = [];

function run(command: readonly [string, ...string[]], env: Readonly<Record<string, string>> = {}): Example {
  const example = startExample(journey, command, env);
  examples.push(example);
  return example;
}

before(async () => {
  directory = await mkdtemp(join(tmpdir(), '8x8-consumers-'));
  journey = await openJourney({
    simulator: { historyMs: HISTORY_MS, callsPerHour: 3_000, revisedShare: 0.3, revisedMaxMs: CORRECTED_MS },
    settings: { START_FROM: new Date(fromMs).toISOString() },
  });
  journey.start();
  await journey.line(({ msg }) => msg === 'shards owned'); // from then on the topics are there
  truth = await readTruth(journey.account.origin, fromMs, toMs);
  assert.ok(truth.records.length > 500, `enough calls to tell: ${truth.records.length}`);
});

after(async () => {
  for (const example of examples) await example.kill();
  await journey.close();
  await rm(directory, { recursive: true });
});

test('TypeScript: a missed call has one callback, though the service dies between work and commit', async () => {
  const file = fileOf('typescript/callbacks.ts');
  const death: Patch = {
    file: 'test/consumers/typescript/callbacks.ts',
    find: '    await consumer.commitOffsets(',
    replace: `    if (database.prepare('SELECT * FROM callbacks').get()) process.kill(process.pid, 'SIGKILL');
    await consumer.commitOffsets(`,
  };
  const path = join(directory, 'callbacks.db');
  const start = (patches: readonly Patch[]) => {
    const { args, env } = patched(patches);
    return run([process.execPath, ...NODE_OPTIONS, ...args, file], { ...env, DATABASE: path });
  };
  const noted = () => {
    const database = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
    const rows = database.prepare('SELECT pbx, call FROM callbacks WHERE ended_at < ?').all(toMs);
    database.close();
    return rows.map(({ pbx, call }) => `${pbx}/${call}`).sort();
  };

  await start([death]).exited;
  assert.ok(noted().length > 0, 'it died behind some work');
  const service = start([]);
  const committed = async () => {
    const asked = { groupId: `${journey.prefix}.callbacks`, topics: [`${journey.prefix}.call-records`] };
    const [topic] = await withAdmin(journey.stack.brokers, (admin) => admin.fetchOffsets(asked));
    return topic!.partitions.map(({ offset }) => Number(offset));
  };
  const missed = truth.records.filter((record) => record.missed === 'Missed').map(callOf).sort();
  assert.deepEqual(await settled(noted, ({ length }) => length >= missed.length), missed);
  const everywhere = (offsets: readonly number[]): boolean => offsets.every((offset) => offset > 0);
  assert.ok(everywhere(await settled(committed, everywhere)), 'what is done is committed');
  assert.equal(await service.stop(), 0);
  assert.deepEqual(noted(), missed);
});

interface Alert {
  readonly record: Row;
  readonly legs?: Readonly<Record<string, unknown>>;
}

/** All alerts, as long as the test runs, with the legs that they know. */
async function followAlerts(topic: string): Promise<string[]> {
  await withAdmin(journey.stack.brokers, (admin) => admin.createTopics({ topics: [{ topic, numPartitions: 1 }] }));
  const kafka = new Kafka({ brokers: journey.stack.brokers.split(','), logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: `${topic}.test`, maxWaitTimeInMs: 300 });
  after(() => consumer.disconnect());
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const alerts: string[] = [];
  await consumer.run({
    eachMessage: async ({ message }) => {
      const { record, legs = {} } = JSON.parse(String(message.value)) as Alert;
      if (record.disconnectedTimeUTC < toMs) alerts.push(`${callOf(record)}: ${Object.keys(legs).sort().join()}`);
    },
  });
  return alerts;
}

test('Java: each missed call is told once, with all of its legs, though the program dies in between', async () => {
  const classpath = await fetchClasspath('java', 'Kafka Streams from Maven Central (28 MB, once)');
  const alerts = await followAlerts(`${journey.prefix}.missed-calls`);
  const legsOf = Map.groupBy(truth.legs, callOf);
  const expected = truth.records.filter((record) => record.missed === 'Missed').map(callOf)
    .map((call) => `${call}: ${(legsOf.get(call) ?? []).map(({ legId }) => legId).sort().join()}`).sort();

  const command = javaCommand(classpath, 'java/CallAlerts.java');
  const start = (): Example => run(command, { STATE_DIRECTORY: directory });
  const first = start();
  await settled(() => alerts, ({ length }) => length > 0);
  await first.kill();
  const second = start();
  await settled(() => alerts, ({ length }) => length >= expected.length);
  assert.deepEqual(alerts.toSorted(), expected);
  await second.stop();
});

test('Python: the report of talk time is that of the last revision of each leg', async () => {
  const python = await fetchPython();
  const script = fileOf('python/talk_time.py');
  // Long enough that legs were read, corrected and read again.
  const settledMs = await settled(() => Date.now() - SETTLED_MS, (ms) => ms > toMs + 15_000);
  const { legs: told } = await readTruth(journey.account.origin, fromMs, settledMs);
  const span = [fromMs, settledMs].map((ms) => new Date(ms).toISOString());
  const expected = Object.fromEntries([...Map.groupBy(told, ({ pbxId }) => pbxId)].map(([pbx, legs]) => [pbx, {
    legs: legs.length,
    answered: legs.filter(({ answered }) => answered === 'Answered').length,
    talkTimeMS: legs.reduce((sum, { talkTimeMS }) => sum + talkTimeMS, 0),
  }]));
  const example = run([python, script, ...span]);
  assert.equal(await example.exited, 0);
  assert.deepEqual(JSON.parse(example.lines.at(-1)!), expected);
});

test('Flink: each window of event time has the calls, and the abandoned ones, that ended in it', async () => {
  const classpath = await fetchClasspath('flink', 'Apache Flink from Maven Central (154 MB, once)');
  const windowOf = (ms: number): number => Math.floor(ms / MINUTE) * MINUTE;
  const [first, end] = [windowOf(fromMs) + MINUTE, windowOf(Date.now() - 15_000)];
  const { records } = await readTruth(journey.account.origin, first, end);
  const windows = Map.groupBy(records, (row) => `${windowOf(row.disconnectedTimeUTC)} ${row.pbxId}`);
  const expected = [...windows].map(([window, rows]) =>
    `${window} ${rows.length} ${rows.filter(({ abandoned }) => abandoned === 'Abandoned').length}`);

  const command = javaCommand(classpath, 'flink/RunSql.java', fileOf('flink/abandoned-calls.sql'));
  const example = run(command);
  assert.equal(await example.exited, 0);
  const found = example.lines.map((line) => line.split('\t')).map(([start, ...rest]) =>
    ({ startMs: Date.parse(`${start}Z`), text: [Date.parse(`${start}Z`), ...rest].join(' ') }));
  const inSpan = found.filter(({ startMs }) => startMs >= first && startMs < end).map(({ text }) => text);
  assert.ok(expected.length >= 30, 'windows enough to tell');
  assert.deepEqual(inSpan.sort(), expected.sort());
});
