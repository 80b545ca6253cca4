import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import Table from 'cli-table3';
import { percentile } from '../attack/tally.ts';
import { followTopics } from '../reader/topics.ts';
import type { Journey } from '../road/journey.ts';
import type { LogLine, Worker } from '../road/worker.ts';

const SAMPLE_EVERY_MS = 250;
/** In which Linux counts the time of processes. */
const TICKS_PER_SECOND = 100;

/** What was seen of a worker, and of live feeds, within a span of time. */
export interface Seen {
  readonly seconds: number;
  readonly requests: number;
  readonly commits: number;
  /** The most it ever held. */
  readonly rssMiB: number;
  /** 1 is one core. */
  readonly cores: number;
  /** How far each live feed was behind the clock, at each moment that was sampled, in seconds. */
  readonly lags: readonly number[];
  /** From when 8x8 shows a leg until a consumer of committed records has it, in seconds. */
  readonly visibleToReadable: readonly number[];
  /** What was logged meanwhile of polls that came to their end. */
  readonly polls: readonly LogLine[];
  /** What it took to ask for all metrics once. */
  readonly metrics: { readonly kib: number; readonly ms: number };
}

/** How far live feeds have come, by what workers log. */
export class Standing {
  readonly #lines: readonly LogLine[];
  readonly #watermarksMs = new Map<string, number>();
  #read = 0;

  constructor({ lines }: Pick<Journey, 'lines'>) {
    this.#lines = lines;
  }

  lags(nowMs: number): readonly number[] {
    return this.#now().map((watermarkMs) => (nowMs - watermarkMs) / 1_000);
  }

  /** How many feeds are complete up to then. */
  reached(timeMs: number): number {
    return this.#now().filter((watermarkMs) => watermarkMs >= timeMs).length;
  }

  #now(): readonly number[] {
    for (; this.#read < this.#lines.length; this.#read += 1) {
      const { msg, feed, watermark } = this.#lines[this.#read]!;
      if (msg !== 'polled' || !String(feed).startsWith('live/')) continue;
      this.#watermarksMs.set(String(feed), Date.parse(String(watermark)));
    }
    return [...this.#watermarksMs.values()];
  }
}

/** Watches a worker from now on until `ended` resolves. */
export async function watch(journey: Journey, worker: Worker, ended: Promise<unknown>): Promise<Seen> {
  const { lines, account } = journey;
  const standing = new Standing(journey);
  const lags: number[] = [];
  const visibleToReadable: number[] = [];
  let over = false;
  const end = Promise.race([ended, failureOf(worker)]).finally(() => (over = true));

  const before = await readMetrics(journey, worker);
  const [startedMs, firstLine, cpu, requests] = [Date.now(), lines.length, cpuSeconds(worker), requestsOf(account)];
  const reader = await followTopics(journey.stack, [`${journey.prefix}.call-legs`], ({ timestamp }) => {
    const visibleMs = timestamp + account.options.latencyMs;
    if (visibleMs >= startedMs) visibleToReadable.push((Date.now() - visibleMs) / 1_000);
  });
  while (!over) {
    await Promise.race([sleep(SAMPLE_EVERY_MS), end]);
    for (const lag of standing.lags(Date.now())) lags.push(lag);
  }
  await end;
  const seconds = (Date.now() - startedMs) / 1_000;
  const cores = (cpuSeconds(worker) - cpu) / seconds;
  const made = requestsOf(account) - requests;
  const polls = lines.slice(firstLine).filter(({ msg }) => msg === 'polled');
  const { commits, ...metrics } = await readMetrics(journey, worker);
  await reader.stop();
  return {
    seconds, requests: made, commits: commits - before.commits, rssMiB: rssMaxMiB(worker), cores, lags,
    visibleToReadable, polls, metrics,
  };
}

/** Until a condition holds; fails when it takes too long, or the worker ends. */
export async function until(condition: () => boolean, worker: Worker, maxMs: number): Promise<void> {
  const failure = failureOf(worker);
  failure.catch(() => undefined); // it may end when nobody waits any more
  for (const startedMs = Date.now(); !condition();) {
    if (Date.now() - startedMs > maxMs) throw new Error(`not within ${maxMs / 1_000} s`);
    await Promise.race([sleep(100), failure]);
  }
}

/** `p50 / p99 / max`, or other shares. */
export function spread(values: readonly number[], shares = [0.5, 0.99, 1]): string {
  if (values.length === 0) return 'none';
  const sorted = values.toSorted((a, b) => a - b);
  return shares.map((share) => percentile(sorted, share).toFixed(1)).join(' / ');
}

/** When a line was logged, epoch milliseconds. */
export function timeOf(line: LogLine): number {
  return Date.parse(String(line['time']));
}

export function plainTable(head: readonly string[]): InstanceType<typeof Table> {
  return new Table({ style: { head: [], border: [] }, head: [...head] });
}

async function failureOf({ exited, pid }: Worker): Promise<never> {
  throw new Error(`worker ${pid} has ended with code ${await exited}`);
}

interface MetricsRead {
  readonly commits: number;
  readonly kib: number;
  readonly ms: number;
}

async function readMetrics({ line }: Journey, { pid }: Worker): Promise<MetricsRead> {
  const { http } = await line(({ msg, worker }) => msg === 'starting' && worker === pid);
  const startedMs = performance.now();
  const text = await (await fetch(`${http}/metrics`)).text();
  const ms = Math.round(performance.now() - startedMs);
  const commits = /^connector_transaction_duration_seconds_count\{outcome="committed"\} (.*)$/m.exec(text)?.[1];
  return { commits: Number(commits ?? 0), kib: Math.round(text.length / 1_024), ms };
}

function requestsOf({ stats }: Journey['account']): number {
  return Object.values(stats().requests).reduce((sum, count) => sum + count, 0);
}

export function rssMaxMiB({ pid }: Worker): number {
  return Math.round(Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1_024);
}

export function cpuSeconds({ pid }: Worker): number {
  // The name of the process, in brackets, may hold spaces.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
