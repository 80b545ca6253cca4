import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import Table from 'cli-table3';
import { roadSettings, startWorker, type Account, type Destination, type LogLine } from '../road/worker.ts';
import type { Stack } from '../stack/stack.ts';

/** How the road is measured. */
export interface RoadOptions {
  readonly rounds: number;
  /** In an hour. */
  readonly calls: number;
  /** Rows of a page. */
  readonly pages: number;
}

const HOUR_MS = 3_600_000;

interface Run {
  readonly records: number;
  readonly durationMs: number;
  readonly transactions: number;
  /** Mean duration of a transaction, milliseconds; unknown for the ceiling. */
  readonly transactionMs?: number;
  readonly peakMiB?: number;
}

/**
 * The road at full speed, beside its ceiling: one feed catches up on an hour of calls at no latency, and kafkajs
 * alone writes the same messages again, turn and turn about, so that each ratio comes from one moment of one machine.
 */
export async function measureRoad(stack: Stack, { rounds, calls, pages }: RoadOptions): Promise<string> {
  const simulator = await startAccount(calls);
  try {
    const head = ['round', 'road rec/s', 'ms/txn', 'peak MiB', 'kafkajs rec/s', 'ms/txn', 'road / kafkajs'];
    const table = new Table({ style: { head: [], border: [] }, head });
    const ratios: number[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      const to = { ...stack, prefix: `bench-${process.pid}-${round}` };
      const road = await runRoad(to, simulator.account, pages);
      const raw = await runRaw(to, pages);
      ratios.push(perSecond(road) / perSecond(raw));
      table.push([
        round, perSecond(road), road.transactionMs!.toFixed(1), road.peakMiB!,
        perSecond(raw), (raw.durationMs / raw.transactions).toFixed(1), ratios.at(-1)!.toFixed(2),
      ]);
      console.error(`round ${round}: ${JSON.stringify({ road, raw })}`);
    }
    const median = ratios.toSorted()[Math.floor(ratios.length / 2)]!.toFixed(2);
    return `One feed, pages of ${pages}, no latency; Kafka, registry, simulator, connector on one machine:
${table.toString()}
road / kafkajs: median ${median}`;
  } finally {
    simulator.end();
  }
}

/** From the first request of a poll to its last commit, for the poll that reads the whole hour. */
async function runRoad(to: Destination, account: Account, pages: number): Promise<Run> {
  const settings = {
    ...roadSettings(account, to, Date.now() - HOUR_MS),
    EIGHT_STREAMS: 'call-legs',
    EIGHT_PAGE_SIZE: String(pages),
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

async function runRaw({ brokers, prefix }: Destination, pages: number): Promise<Run> {
  const script = new URL('raw.ts', import.meta.url).pathname;
  const topics = [`${prefix}.call-legs`, `${prefix}.raw`];
  const args = ['--disable-warning=TimeoutNegativeWarning', script, brokers, ...topics, String(pages)];
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
