import { Command, InvalidArgumentError } from 'commander';
import { ATTACKS, type AttackKind, type OnBlow } from './kinds.ts';
import { soak } from './soak.ts';
import { Tally } from './tally.ts';

interface Options {
  readonly kills: number;
  readonly seed: number;
  readonly minutes: number;
  readonly kinds: readonly AttackKind[];
  readonly hours?: number;
}

/** Kinds take turns, each with its share. */
const ROUND: readonly AttackKind[] = ['road', 'road', 'road', 'frames', 'cluster'];

/** `npm run attack`: journey after journey under blows, until enough is killed, or one shows a violation. */
async function attack({ kills, seed: first, minutes, kinds }: Options): Promise<boolean> {
  const startedMs = Date.now();
  const round = ROUND.filter((kind) => kinds.includes(kind));
  const tally = new Tally();
  const elapsedMin = (): number => (Date.now() - startedMs) / 60_000;
  const onBlow: OnBlow = (blow, killed) => {
    tally.strike(blow, killed);
    const rate = tally.kills / elapsedMin();
    const leftMin = Math.min((kills - tally.kills) / rate, minutes - elapsedMin());
    const left = Number.isFinite(leftMin) ? `${Math.max(leftMin, 0).toFixed(0)} min left` : 'time left unknown';
    show(`${tally.kills} of ${kills} kills, ${rate.toFixed(1)} a minute, ${left}; ${tally.blows()}`);
  };
  for (let seed = first; tally.kills < kills && elapsedMin() < minutes; seed += 1) {
    const kind = round[(seed - first) % round.length]!;
    const again = `again: npm run attack -- --kinds ${kind} --seed ${seed} --kills 1`;
    const outcome = await ATTACKS[kind](seed, onBlow).catch((error: unknown) => {
      console.log(`\nthis journey could not be judged; ${again}`);
      throw error;
    });
    tally.add(outcome);
    if (outcome.complaints.length === 0) continue;
    console.log(`\n${kind}, seed ${seed}:\n${outcome.complaints.join('\n')}\n${again}\n${tally.table()}`);
    return false;
  }
  const head = `${tally.kills} kills in ${tally.journeys} journeys and ${elapsedMin().toFixed(0)} min, no violation:`;
  console.log(`\n${head}\n${tally.table()}`);
  return true;
}

/** A terminal has one line that changes; a log gets one for each blow. */
function show(line: string): void {
  process.stdout.write(process.stdout.isTTY ? `\r\x1b[K${line.slice(0, process.stdout.columns - 1)}` : `${line}\n`);
}

function positive(text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new InvalidArgumentError('It must be a number above 0.');
  return number;
}

function kindsOf(text: string): readonly AttackKind[] {
  const kinds = text.split(',');
  const unknown = kinds.filter((kind) => !Object.hasOwn(ATTACKS, kind));
  if (unknown.length > 0) throw new InvalidArgumentError(`There are ${Object.keys(ATTACKS).join(', ')}.`);
  return kinds as readonly AttackKind[];
}

const command = new Command('attack')
  .description('Kills, pauses and stops connectors and brokers, and looks whether a call was lost or doubled.')
  .option('--kills <n>', 'processes to kill with SIGKILL, at least: no journey is cut short', positive, 100)
  .option('--minutes <n>', 'begin no journey after this time', positive, Infinity)
  .option('--seed <n>', 'the seed of the first journey', positive, 1)
  .option('--kinds <list>', `what to attack: ${Object.keys(ATTACKS).join(',')}`, kindsOf, ROUND)
  .option('--hours <n>', 'no attack, but a steady load for so long, and whether memory stays as it is', positive)
  .parse();
const options = command.opts<Options>();
process.exitCode = await (options.hours === undefined ? attack(options) : soak(options.hours)) ? 0 : 1;
