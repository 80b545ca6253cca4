import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs, promisify } from 'node:util';
import Table from 'cli-table3';
import { roadSettings, startWorker, type Account, type LogLine } from '../road/worker.ts';
import { startStack, type Stack } from '../stack/stack.ts';
import { measureTakeovers } from './takeover.ts';

/**
 * The road at full speed, beside its ceiling: one feed catches up on an hour of calls at no latency, and kafkajs
 * alone writes the same messages again, turn and turn about, so that each ratio comes from one moment of one machine.
 */
const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    calls: { type: 'string', default: '40000' },
    pages: { type: 'string', default: '1000' },
    'no-takeover': { type: 'boolean', default: false },
  },
});

const HOUR_MS = 3_600_000;

interface Run {
  readonly records: number;
  readonly durationMs: number;
  readonly transactions: number;
  /** Mean duration of a transaction, milliseconds; unknown for the ceiling. */
  readonly transactionMs?: number;
  readonly peakMiB?: number;
}

const stack = await startStack();
const simulator = await startAccount(Number(options.calls));
try {
  const head = ['round', 'road rec/s', 'ms/txn', 'peak MiB', 'kafkajs rec/s', 'ms/txn', 'road / kafkajs'];
  const table = new Table({ style: { head: [], border: [] }, head });
  const ratios: number[] = [];
  for (let round = 1; round <= Number(options.rounds); round += 1) {
    const prefix = `bench-${process.pid}-${round}`;
    const road = await runRoad(stack, simulator.account, prefix);
    const raw = await runRaw(stack, prefix);
    ratios.push(perSecond(road) / perSecond(raw));
    table.push([
      round, perSecond(road), road.transactionMs!.toFixed(1), road.peakMiB!,
      perSecond(raw), (raw.durationMs / raw.transactions).toFixed(1), ratios.at(-1)!.toFixed(2),
    ]);
    console.error(`round ${round}: ${JSON.stringify({ road, raw })}`);
  }
  console.log(`One feed, pages of ${options.pages}, no latency; Kafka, registry, simulator, connector on one machine:`);
  console.log(table.toString());
  console.log(`road / kafkajs: median ${ratios.toSorted()[Math.floor(ratios.length / 2)]!.toFixed(2)}`);
  if (!options['no-takeover']) console.log(await measureTakeovers(Number(options.rounds)));
} finally {
  simulator.end();
  await stack.stop();
}

/** From the first request of a poll to its last commit, for the poll that reads the whole hour. */
async function runRoad(kafka: Stack, account: Account, prefix: string): Promise<Run> {
  const settings = {
    ...roadSettings(account, { ...kafka, prefix }, Date.now() - HOUR_MS),
    EIGHT_STREAMS: 'call-legs',
    EIGHT_PAGE_SIZE: options.pages,
    EIGHT_REQUESTS_PER_MINUTE: '1000000',
    PACE_STEP_MAX: '2h',
    PACE_LOOKBACK: '30m',
  };
  const started = Promise.withResolvers<string>();
  const polled = Promise.withResolvers<LogLine>();
  const worker = startWorker(settings, (line) => {
    if (line.msg === 'starting') started.resolve(String(line['http']));
    if (line.msg === 'polled') polled.resolve(line);
    if (Number(line['level']) >= 40) console.error(line);
  });
  const line = await Promise.race([polled.promise, worker.exited.then(() => Promise.reject(new Error('it ended')))]);
  const metrics = await (await fetch(`${await started.promise}/metrics`)).text();
  const read = (name: string): number =>
    Number(new RegExp(`^${name}\\{outcome="committed"\\} (.*)$`, 'm').exec(metrics)![1]);
  const peakKiB = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${worker.pid}/status`, 'utf8'))![1]);
  await worker.stop();
  const transactions = read('connector_transaction_duration_seconds_count');
  return {
    records: Number(line['published']),
    durationMs: Number(line['durationMs']),
    transactions,
    transactionMs: (read('connector_transaction_duration_seconds_sum') * 1_000) / transactions,
    peakMiB: Math.round(peakKiB / 1_024),
  };
}

async function runRaw(kafka: Stack, prefix: string): Promise<Run> {
  const script = new URL('raw.ts', import.meta.url).pathname;
  const topics = [`${prefix}.call-legs`, `${prefix}.raw`];
  const args = ['--disable-warning=TimeoutNegativeWarning', script, kafka.brokers, ...topics, options.pages];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    env: { ...process.env, KAFKAJS_NO_PARTITIONER_WARNING: '1' },
  });
  return JSON.parse(stdout);
}

async function startAccount(callsPerHour: number): Promise<{ readonly account: Account; end(): void }> {
  const script = new URL('simulator.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [script, String(callsPerHour), '0'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  const account = JSON.parse(line);
  console.error(`simulator ready with ${account.rows} rows`);
  return { account, end: () => child.stdin.end() };
}

function perSecond({ records, durationMs }: Run): number {
  return Math.round(records / (durationMs / 1_000));
}
