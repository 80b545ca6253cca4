import type { Stack } from '../stack/stack.ts';
import { startAccount } from './account.ts';
import { BESIDE } from './beside.ts';
import type { Beside, Case } from './cases.ts';
import { perSecond, type Figure, type Measured, type Round } from './figures.ts';
import { runRoad, type Profile } from './road.ts';

export interface MeasureOptions {
  readonly rounds: number;
  /** How long a ceiling is measured; a road reads so many rows as take a minute, or that part of a minute. */
  readonly seconds: number;
  readonly profile?: Profile | undefined;
}

/** Case by case: rounds, in each of which the road and what it stands beside run one after the other. */
export async function measureCases(
  stack: Stack,
  cases: readonly Case[],
  options: MeasureOptions,
): Promise<readonly Measured[]> {
  const all: Measured[] = [];
  for (const { legs, ...more } of cases) {
    const of = { ...more, legs: Math.round((legs * options.seconds) / 60) };
    const account = await startAccount(of);
    console.error(`${of.name}: ${of.what}; ${account.rows} rows`);
    try {
      const rounds: Round[] = [];
      for (let round = 1; round <= options.rounds; round += 1) {
        const to = { ...stack, prefix: `bench-${process.pid}-${of.name}-${round}` };
        const road = tell('road', await runRoad(to, account, of, options.profile));
        const others: [Beside, Figure][] = [];
        for (const name of of.beside) {
          others.push([name, tell(name, await BESIDE[name]({ to, account, of, seconds: options.seconds }))]);
        }
        rounds.push({ road, ...Object.fromEntries(others) });
      }
      all.push({ name: of.name, what: of.what, rounds });
    } finally {
      account.end();
    }
  }
  return all;
}

function tell(name: string, figure: Figure): Figure {
  const { records, seconds } = figure;
  console.error(`  ${name}: ${records} records in ${seconds.toFixed(1)} s, ${perSecond(figure).toFixed(0)}/s`);
  return figure;
}
