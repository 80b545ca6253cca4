import { setTimeout as sleep } from 'node:timers/promises';
import { shardOf } from '../../src/feed/feed.ts';
import { openJourney, type Journey } from '../road/journey.ts';
import type { LogLine, Worker } from '../road/worker.ts';
import type { Stack } from '../stack/stack.ts';
import { pbxNames } from './account.ts';
import { plainTable, spread, timeOf, until, watch, type Seen } from './watch.ts';

export interface FleetLoad {
  readonly pbxs: number;
  /** Of each PBX in an hour. */
  readonly calls: number;
  /** Requests a minute. */
  readonly budget: number;
  /** Seconds between two polls of a feed, if the budget suffices. */
  readonly step: number;
  /** For which it is watched. */
  readonly minutes: number;
}

const HOUR_MS = 3_600_000;
/** As many as there are by default. */
export const SHARDS = 8;
const CATCH_UP_MAX_MS = 20 * 60_000;

/** Many PBXs with few calls each, read by one worker: with a budget that suffices, then with half of what it used. */
export async function measureFleet(stack: Stack, load: FleetLoad): Promise<string> {
  const { pbxs, calls, budget, step, minutes } = load;
  const pbxIds = pbxNames(pbxs);
  const journey = await openJourney({
    stack,
    simulator: { pbxIds, callsPerHour: calls, historyMs: 4 * HOUR_MS },
    settings: { ...paceOf(step), START_FROM: '2h' },
  });
  try {
    const table = plainTable([
      'requests: budget, used a minute', 'polls / s', 'commits / s', 'lag s: p50 / p99 / max', 'visible to readable s',
      's between polls of a feed: min / p50 / p99 / max', 'polls of a feed: min, max', 'RSS MiB', 'cores', '/metrics',
    ]);
    const enough = await watchFleet(journey, load, budget);
    table.push(rowOf(enough, budget));
    const half = Math.round(perMinute(enough) / 2);
    table.push(rowOf(await watchFleet(journey, load, half), half));
    const shards = Map.groupBy(pbxIds, (pbxId) => shardOf({ pbxId, stream: 'call-legs', pass: 'live' }, SHARDS));
    const sizes = [...shards.values()].map(({ length }) => 2 * length);
    const feeds = `${2 * pbxs} feeds in ${SHARDS} shards of ${Math.min(...sizes)} to ${Math.max(...sizes)}`;
    return `${pbxs} PBXs of ${calls} calls an hour, ${feeds}, one worker, ${minutes} minutes each; `
      + `settle ${2 * step}s, step ${step}s, a sweep of 2h every ${10 * step}s:\n${table.toString()}`;
  } finally {
    await journey.close();
  }
}

/** With a step of a minute, the pace that the settings have by default. */
function paceOf(step: number): Readonly<Record<string, string>> {
  return {
    PACE_SETTLE: `${2 * step}s`, PACE_STEP_MIN: `${step}s`, PACE_STEP_MAX: '6h', PACE_OVERLAP: `${step}s`,
    PACE_LOOKBACK: '2h', PACE_SWEEP_EVERY: `${10 * step}s`,
  };
}

/** Starts a worker, and watches it once each feed has had two turns: by the second it is at the live edge. */
async function watchFleet(journey: Journey, { pbxs, minutes }: FleetLoad, budget: number): Promise<Seen> {
  const worker = journey.start({ EIGHT_REQUESTS_PER_MINUTE: String(budget) });
  await until(() => twice(journey, worker) === 2 * pbxs, worker, CATCH_UP_MAX_MS);
  console.error(`budget ${budget}: all feeds have had two turns`);
  const seen = await watch(journey, worker, sleep(minutes * 60_000));
  await worker.stop();
  return seen;
}

function twice({ lines }: Journey, { pid }: Worker): number {
  const polls = lines.filter(({ msg, worker }) => msg === 'polled' && worker === pid);
  return [...byFeed(polls).values()].filter(({ length }) => length > 1).length;
}

function byFeed(polls: readonly LogLine[]): ReadonlyMap<string, readonly LogLine[]> {
  return Map.groupBy(polls, ({ feed }) => String(feed));
}

function rowOf(seen: Seen, budget: number): string[] {
  const { polls, seconds, commits, lags, visibleToReadable, rssMiB, cores, metrics } = seen;
  const lists = [...byFeed(polls).values()];
  const gaps = lists.flatMap((list) => list.slice(1).map((line, at) => (timeOf(line) - timeOf(list[at]!)) / 1_000));
  const counts = lists.map(({ length }) => length);
  const used = perMinute(seen);
  return [
    `${budget}, ${Math.round(used)} (${Math.round((100 * used) / budget)} %)`,
    (polls.length / seconds).toFixed(1), (commits / seconds).toFixed(1), spread(lags), spread(visibleToReadable),
    spread(gaps, [0, 0.5, 0.99, 1]),
    `${Math.min(...counts)}, ${Math.max(...counts)}`,
    String(rssMiB), cores.toFixed(2), `${metrics.kib} KiB, ${metrics.ms} ms`,
  ];
}

function perMinute({ requests, seconds }: Seen): number {
  return (requests * 60) / seconds;
}
