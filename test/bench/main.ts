import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import { startStack, type Stack } from '../stack/stack.ts';
import { measureBackfill } from './backfill.ts';
import { casesNamed, GUARDED, type Case } from './cases.ts';
import { HEAD, objectionTo, ratioOf, rowsOf, type Measured } from './figures.ts';
import { measureFleet } from './fleet.ts';
import { measureCases } from './measure.ts';
import { measureRestart } from './restart.ts';
import type { Profile } from './road.ts';
import { measureTakeovers } from './takeover.ts';
import { plainTable } from './watch.ts';
import { measureWorkers } from './workers.ts';

interface Options {
  readonly cases: readonly Case[];
  readonly rounds: number;
  readonly seconds: number;
  readonly json?: string;
  readonly profile?: Profile;
  readonly guard: boolean;
  readonly keep: boolean;
  readonly restart: boolean;
  readonly takeovers: boolean;
  readonly fleet: boolean;
  readonly workers: boolean;
  readonly backfill: boolean;
  readonly pbxs?: number;
  readonly calls?: number;
  readonly budget: number;
  readonly step: number;
  readonly minutes?: number;
  readonly hours: number;
  readonly rows: number;
  readonly window: string;
}

/** What the guard judges by: a ratio, for no time is the same on two machines. */
const KEPT = new URL('kept.json', import.meta.url);

const options = new Command('bench')
  .description('Measures the connector on a Kafka, a registry and a simulator of this machine. Run nothing beside it.')
  .option('--cases <names>', 'what the road is measured with: all, law, or names', casesOf, casesNamed(GUARDED))
  .option('--rounds <n>', 'of each case', positive, 3)
  .option('--seconds <n>', 'that a run takes, about', positive, 60)
  .option('--json <file>', 'where all figures go, too')
  .addOption(new Option('--profile <kind:directory>', 'cpu:DIR or heap:DIR of the road').argParser(profileOf))
  .option('--guard', `fails if ${GUARDED} has lost more than a tenth beside kafkajs`, false)
  .option('--keep', 'keeps that ratio, for --guard to judge by', false)
  .option('--restart', 'how long a restart takes with --rows keys remembered, and with fewer', false)
  .option('--takeovers', 'how soon another worker goes on', false)
  .option('--fleet', 'many PBXs, one worker', false)
  .option('--workers', 'catching up with 1, 2 and 4 workers', false)
  .option('--backfill', 'a million legs beside a live feed', false)
  .option('--pbxs <n>', 'of --fleet and --workers', positive)
  .option('--calls <n>', 'of a PBX in an hour', positive)
  .option('--budget <n>', 'of --fleet: requests a minute', positive, 1_500)
  .option('--step <s>', 'of --fleet: seconds between two polls of a feed', positive, 60)
  .option('--minutes <n>', 'of --fleet and --backfill', positive)
  .option('--hours <n>', 'of --workers: of history', positive, 8)
  .option('--rows <n>', 'of --backfill and --restart', positive, 1_000_000)
  .option('--window <span>', 'of --backfill: what it reads in one going', '6h')
  .parse()
  .opts<Options>();

// An exit has listeners that kill the workers; a signal would end us without it.
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

const { restart, takeovers, fleet, workers, backfill } = options;
const stack = await startStack();
try {
  if (restart) console.log(await measureRestart(stack, options.rows));
  if (takeovers) console.log(await measureTakeovers(options.rounds));
  if (fleet) console.log(await fleetOf(stack, options));
  if (workers) console.log(await workersOf(stack, options));
  if (backfill) console.log(await backfillOf(stack, options));
  if (!restart && !takeovers && !fleet && !workers && !backfill) await road(stack, options);
} finally {
  await stack.stop();
}

async function road(on: Stack, { cases, guard, keep, json, ...how }: Options): Promise<void> {
  const chosen = guard || keep ? casesNamed(GUARDED) : cases;
  const measured = await measureCases(on, chosen, how);
  const table = plainTable(HEAD);
  for (const one of measured) table.push(...rowsOf(one).map((row) => [...row]));
  console.log(table.toString());
  if (json !== undefined) writeFileSync(json, `${JSON.stringify({ machine: machine(), measured }, undefined, 2)}\n`);
  if (keep) writeFileSync(KEPT, `${JSON.stringify({ [GUARDED]: ratio(measured).median }, undefined, 2)}\n`);
  if (guard) judge(measured);
}

function judge(measured: readonly Measured[]): void {
  const kept = (JSON.parse(readFileSync(KEPT, 'utf8')) as Readonly<Record<string, number>>)[GUARDED]!;
  const objection = objectionTo(kept, ratio(measured));
  console.log(objection ?? `the road is as fast beside kafkajs as it was: ${ratio(measured).median.toFixed(2)}`);
  if (objection !== undefined) process.exitCode = 1;
}

function ratio(measured: readonly Measured[]): ReturnType<typeof ratioOf> {
  return ratioOf(measured[0]!, 'kafkajs');
}

function machine(): object {
  return { cores: availableParallelism(), node: process.version, platform: `${process.platform} ${process.arch}` };
}

function fleetOf(on: Stack, { pbxs = 500, calls = 10, minutes = 5, budget, step }: Options) {
  return measureFleet(on, { pbxs, calls, minutes, budget, step });
}

function workersOf(on: Stack, { pbxs = 100, calls = 120, hours }: Options) {
  return measureWorkers(on, { pbxs, calls, hours });
}

function backfillOf(on: Stack, { calls = 20_000, minutes = 1, rows, window }: Options) {
  return measureBackfill(on, { calls, minutes, rows, window });
}

function positive(text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new InvalidArgumentError('It must be a number above 0.');
  return number;
}

function casesOf(names: string): readonly Case[] {
  try {
    return casesNamed(names);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

function profileOf(text: string): Profile {
  const [kind, directory] = text.split(':');
  if ((kind === 'cpu' || kind === 'heap') && directory) return { kind, directory };
  throw new InvalidArgumentError('It must be cpu:DIRECTORY or heap:DIRECTORY.');
}
