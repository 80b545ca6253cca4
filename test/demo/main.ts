import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startSimulator, type Simulator } from '../../src/simulator/work-analytics.ts';
import { followTopics, type ReadRecord } from '../reader/topics.ts';
import { judge, readLedger, type Verdict } from '../road/verdict.ts';
import { eventTopics, roadSettings, startWorker, type Worker } from '../road/worker.ts';
import { startStack, type Stack } from '../stack/stack.ts';
import { openScreen, type Screen } from './screen.ts';

/**
 * The demo: a simulated phone system, the connector in processes of its own, a real Kafka and a real registry,
 * and a reader that shares no code with the connector. It compares what the one has shown with what the other read.
 */
const { values: options } = parseArgs({
  options: { seconds: { type: 'string' }, faults: { type: 'boolean', default: false } },
});
const HISTORY_MS = 10 * 60_000;
const DRAIN_MAX_MS = 90_000;

const stopped = new AbortController();
process.once('SIGINT', () => stopped.abort());
process.once('SIGTERM', () => stopped.abort());

const seconds = options.seconds === undefined ? Infinity : Number(options.seconds);
if (!(seconds > 0)) throw new Error(`--seconds ${options.seconds}: give a number above 0`);

const stack = await startStack();
const simulator = await startSimulator({
  seed: 8,
  pbxIds: ['acme', 'globex', 'initech'],
  callsPerHour: 1_200,
  historyMs: HISTORY_MS,
  latencyMs: 1_000,
  lateShare: 0.02,
  lateMaxMs: 8_000,
  faults: options.faults ? 'standard' : 'off',
});
try {
  process.exitCode = await show(stack, simulator);
} finally {
  await simulator.close();
  await stack.stop();
}

async function show(kafka: Stack, account: Simulator): Promise<number> {
  // On a Kafka of the user's own nothing of earlier runs may be in the way.
  const prefix = kafka.broker === undefined ? `8x8-demo-${randomUUID().slice(0, 8)}` : '8x8';
  const fromMs = Date.now() - HISTORY_MS;
  const settings = roadSettings(account, { ...kafka, prefix }, fromMs);
  const screen = openScreen({ kafka, prefix, account: account.origin, until: seconds });
  const records: ReadRecord[] = [];
  const joined = Promise.withResolvers<void>();
  const failed = Promise.withResolvers<never>();

  const start = (): Worker => {
    const worker = startWorker(settings, (line) => {
      if (line.msg === 'shards owned') joined.resolve();
      screen.log(line);
    });
    void worker.exited.then((code) => {
      if (code !== null && code !== 0) failed.reject(new Error(`the connector ended with exit code ${code}`));
    });
    return worker;
  };
  const workers = [start()];
  if (options.faults) workers.push(start());
  await Promise.race([joined.promise, failed.promise]);
  const reader = await followTopics(kafka, eventTopics(prefix), (record) => {
    records.push(record);
    screen.read(record);
  });

  try {
    await Promise.race([failed.promise, live(workers, start, screen)]);
    const ended = await Promise.race([failed.promise, drain(account, records, fromMs)]);
    for (const worker of workers) await worker.stop();
    await sleep(1_000); // whatever a stopping worker might still double shows up by now
    return conclude(screen, { ...ended, ...judge(ended.rows, records) });
  } finally {
    for (const worker of workers) await worker.kill();
    await reader.stop();
    screen.close();
  }
}

/** Runs until the time is up or somebody stops it; with faults, a worker is killed half-way and replaced. */
async function live(workers: Worker[], start: () => Worker, screen: Screen): Promise<void> {
  const pause = (share: number): Promise<unknown> =>
    sleep(Math.min(seconds * share * 1_000, 2 ** 31 - 1), undefined, { signal: stopped.signal }).catch(() => undefined);
  if (!options.faults || seconds === Infinity) return void (await pause(1));
  await pause(0.5);
  const victim = workers.shift()!;
  await victim.kill();
  screen.note(`worker ${victim.pid} was killed with SIGKILL; the others take its shards over`);
  await pause(0.2);
  workers.push(start());
  await pause(0.3);
}

/** Ends the faults, and waits until all that can be read by now has been read from the bus. */
async function drain(account: Simulator, records: readonly ReadRecord[], fromMs: number) {
  account.setFaults(false);
  const rows = await readLedger(account.origin, fromMs, Date.now());
  const startedMs = Date.now();
  while (Date.now() < startedMs + DRAIN_MAX_MS && judge(rows, records).lost.length > 0) await sleep(500);
  return { rows, stats: account.stats() };
}

function conclude(screen: Screen, verdict: Verdict & { readonly stats: unknown }): number {
  screen.close();
  const { shown, published, lost, doubled, rejected } = verdict;
  for (const row of [...lost.map((name) => `lost ${name}`), ...doubled.map((name) => `doubled ${name}`)].slice(0, 20)) {
    console.log(row);
  }
  if (options.faults) console.log(`dead letters ${rejected}, the simulator's faults: ${JSON.stringify(verdict.stats)}`);
  console.log(`shown ${shown}, published ${published}, lost ${lost.length}, doubled ${doubled.length}`);
  return lost.length + doubled.length === 0 ? 0 : 1;
}

