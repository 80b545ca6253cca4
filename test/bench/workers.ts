import { feedNamed, shardOf } from '../../src/feed/feed.ts';
import { shardsOf } from '../attack/recovery.ts';
import { openJourney, type Journey } from '../road/journey.ts';
import type { Worker } from '../road/worker.ts';
import type { Stack } from '../stack/stack.ts';
import { pbxNames } from './account.ts';
import { SHARDS } from './fleet.ts';
import { plainTable, Standing, timeOf, until } from './watch.ts';

export interface WorkersLoad {
  readonly pbxs: number;
  /** Of each PBX in an hour. */
  readonly calls: number;
  /** Of history to catch up on. */
  readonly hours: number;
}

const HOUR_MS = 3_600_000;
const WAIT_MAX_MS = 10 * 60_000;

/** A fleet that catches up on some hours by one, two and four workers; then a second worker comes, and is killed. */
export async function measureWorkers(stack: Stack, load: WorkersLoad): Promise<string> {
  const table = plainTable(['workers', 'rows', 's until all have caught up', 'rows / s', 'rows / s, less the start']);
  const moves = plainTable(['beside a worker', 's until each shard that moves has been polled', 'shards']);
  for (const count of [1, 2, 4]) {
    const journey = await openFleet(stack, load);
    try {
      const { workers, row } = await catchUp(journey, load, count);
      table.push(row);
      if (count === 1) moves.push(...await moveShards(journey, workers[0]!));
    } finally {
      await journey.close();
    }
  }
  const { pbxs, calls, hours } = load;
  return `${2 * pbxs} feeds of ${pbxs} PBXs of ${calls} calls an hour in ${SHARDS} shards, ${hours} hours of history, `
    + `pages of 1000, no latency; Kafka, registry, simulator, workers on one machine:\n${table.toString()}\n`
    + `session timeout 6 s, step 5 s:\n${moves.toString()}`;
}

function openFleet(stack: Stack, { pbxs, calls, hours }: WorkersLoad): Promise<Journey> {
  return openJourney({
    stack,
    simulator: { pbxIds: pbxNames(pbxs), callsPerHour: calls, historyMs: (hours + 1) * HOUR_MS },
    settings: {
      START_FROM: `${hours}h`, EIGHT_REQUESTS_PER_MINUTE: '1000000',
      PACE_STEP_MIN: '5s', PACE_STEP_MAX: '1h', PACE_LOOKBACK: '30m', PACE_SWEEP_EVERY: '10m',
    },
  });
}

interface CaughtUp {
  readonly workers: readonly Worker[];
  readonly row: string[];
}

async function catchUp(journey: Journey, { pbxs, hours }: WorkersLoad, count: number): Promise<CaughtUp> {
  const startedMs = Date.now();
  const rows = journey.account.prepare(startedMs - hours * HOUR_MS, startedMs);
  const standing = new Standing(journey);
  const begunMs = Date.now();
  const workers = Array.from({ length: count }, () => journey.start());
  await until(() => standing.reached(startedMs) === 2 * pbxs, workers[0]!, WAIT_MAX_MS);
  const endedMs = Date.now();

  const first = journey.lines.find(({ msg }) => msg === 'polled')!;
  const firstMs = timeOf(first) - Number(first['durationMs']);
  const [all, less] = [(endedMs - begunMs) / 1_000, (endedMs - firstMs) / 1_000];
  console.error(`${count} workers: ${rows} rows in ${all} s`);
  const row = [String(count), String(rows), all.toFixed(1), (rows / all).toFixed(0), (rows / less).toFixed(0)];
  return { workers, row };
}

/** The second worker comes: until it has polled each shard that it takes. Then it dies: until the first has again. */
async function moveShards(journey: Journey, first: Worker): Promise<readonly string[][]> {
  const cameMs = Date.now();
  const second = journey.start();
  await until(() => shardsOf(journey, second).length > 0, second, WAIT_MAX_MS);
  const shards = shardsOf(journey, second);
  const came = await pollsOf(journey, second, { shards, sinceMs: cameMs });

  const diedMs = Date.now();
  await second.kill();
  const died = await pollsOf(journey, first, { shards, sinceMs: diedMs });
  return [
    ['a second one is started', came.toFixed(1), shards.join(' ')],
    ['SIGKILL of the second one', died.toFixed(1), shards.join(' ')],
  ];
}

/** Until a worker has ended a poll in each of the shards since then, in seconds. */
async function pollsOf(
  { lines }: Journey,
  worker: Worker,
  { shards, sinceMs }: { readonly shards: readonly number[]; readonly sinceMs: number },
): Promise<number> {
  const polled = (shard: number): number | undefined => {
    const line = lines.find((one) => one.msg === 'polled' && one['worker'] === worker.pid && timeOf(one) > sinceMs
      && shardOf(feedNamed(String(one['feed']))!, SHARDS) === shard);
    return line === undefined ? undefined : timeOf(line);
  };
  await until(() => shards.every((shard) => polled(shard) !== undefined), worker, WAIT_MAX_MS);
  return (Math.max(...shards.map((shard) => polled(shard)!)) - sinceMs) / 1_000;
}
