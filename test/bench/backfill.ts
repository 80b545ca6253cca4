import { setTimeout as sleep } from 'node:timers/promises';
import { floorToSecond } from '../../src/feed/window.ts';
import { countRows } from '../../src/simulator/walk.ts';
import { command } from '../road/command.ts';
import { openJourney, type Journey } from '../road/journey.ts';
import type { LogLine } from '../road/worker.ts';
import type { Stack } from '../stack/stack.ts';
import { plainTable, spread, Standing, timeOf, until, watch, type Seen } from './watch.ts';

export interface BackfillLoad {
  /** Legs in the history that is read, about. */
  readonly rows: number;
  /** The longest that is read in one going, `6h` by default. */
  readonly window: string;
  /** Of the PBX in an hour. */
  readonly calls: number;
  /** For which the live feed is watched before. */
  readonly minutes: number;
}

const HOUR_MS = 3_600_000;
const START_MS = 5 * 60_000;
const LEGS_PER_CALL = 2.56;
const WAIT_MAX_MS = 60 * 60_000;
const PASS = 'history';

/** A backfill of many legs of a PBX, beside the live feed of the same: they share a shard, and its transactions. */
export async function measureBackfill(stack: Stack, load: BackfillLoad): Promise<string> {
  const { rows, window, calls, minutes } = load;
  const toMs = floorToSecond(Date.now() - START_MS);
  const fromMs = floorToSecond(toMs - (rows / LEGS_PER_CALL / calls) * HOUR_MS);
  const journey = await openJourney({
    stack,
    // All rows stand ready in memory: made while they are asked for, they would hold up the live feed's requests, too.
    simulator: {
      pbxIds: ['acme'], callsPerHour: calls, historyMs: Date.now() - fromMs + HOUR_MS, rowsCachedMax: Infinity,
    },
    settings: {
      EIGHT_STREAMS: 'call-legs', START_FROM: new Date(toMs).toISOString(),
      PACE_STEP_MAX: window, PACE_SWEEP_EVERY: '1m',
    },
  });
  try {
    const shown = prepare(journey, fromMs, toMs - 1);
    console.error(`${shown} legs ready`);
    const worker = journey.start();
    const standing = new Standing(journey);
    await until(() => standing.reached(toMs + START_MS) === 1, worker, WAIT_MAX_MS);
    const before = await watch(journey, worker, sleep(minutes * 60_000));

    await begin(journey, fromMs, toMs);
    const during = await watch(journey, worker, until(() => ended(journey, toMs), worker, WAIT_MAX_MS));
    return tell({ shown, load, before, during });
  } finally {
    await journey.close();
  }
}

function prepare({ account }: Journey, lowMs: number, highMs: number): number {
  const span = { report: 'call-legs', pbxIds: ['acme'], timeOf: 'disconnect', lowMs, highMs } as const;
  return countRows(account.system, { ...span, nowMs: Date.now(), simplified: false, matches: undefined }).count;
}

async function begin(journey: Journey, fromMs: number, toMs: number): Promise<void> {
  const [from, to] = [fromMs, toMs].map((ms) => new Date(ms).toISOString()) as [string, string];
  const options = { name: PASS, from, to, stream: 'call-legs', reason: 'benchmark' };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  const { code, stderr } = await command(journey, 'backfill', ...args, '--detach');
  if (code !== 0) throw new Error(`backfill: ${stderr}`);
}

function ended({ lines }: Journey, toMs: number): boolean {
  return lines.some((line) => isHistory(line) && Date.parse(String(line['watermark'])) >= toMs);
}

function isHistory({ msg, feed }: LogLine): boolean {
  return msg === 'polled' && String(feed).startsWith(`${PASS}/`);
}

interface Measured {
  readonly shown: number;
  readonly load: BackfillLoad;
  readonly before: Seen;
  readonly during: Seen;
}

function tell({ shown, load, before, during }: Measured): string {
  const windows = during.polls.filter(isHistory);
  const published = windows.reduce((sum, line) => sum + Number(line['published']), 0);
  const [first, last] = [windows[0]!, windows.at(-1)!];
  const seconds = (timeOf(last) - timeOf(first) + Number(first['durationMs'])) / 1_000;
  const head = ['legs shown', 'published', 'windows', 's', 'rows / s', 'RSS MiB before, during', 'cores'];
  const backfill = plainTable(head);
  backfill.push([shown, published, windows.length, seconds.toFixed(1), (published / seconds).toFixed(0),
    `${before.rssMiB}, ${during.rssMiB}`, during.cores.toFixed(2)]);

  const liveHead = ['live feed', 'polls', 'lag s: p50 / p95 / max', 'poll s: p50 / p95 / max', 'commits / s, all'];
  const live = plainTable(liveHead);
  for (const [name, seen] of [['before', before], ['during', during]] as const) {
    const polls = seen.polls.filter((line) => !isHistory(line));
    const durations = polls.map((line) => Number(line['durationMs']) / 1_000);
    const shares = [0.5, 0.95, 1];
    live.push([name, polls.length, spread(seen.lags, shares), spread(durations, shares),
      (seen.commits / seen.seconds).toFixed(1)]);
  }
  const { calls, window } = load;
  return `A backfill of a PBX of ${calls} calls an hour, pages of 1000, windows of ${window}, no latency, and its live `
    + `feed (settle 2s, step 1s, a sweep of 15m each minute):\n${backfill.toString()}\n${live.toString()}`;
}
