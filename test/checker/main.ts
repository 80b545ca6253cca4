import { parseArgs } from 'node:util';
import { check } from './check.ts';
import { readDumps } from './directory.ts';
import { complaintsOf, isBad, OPTIONAL, tableOf } from './report.ts';

/**
 * `node test/checker/main.ts <directory> [--optional I9,I10]` judges what was collected of a run. It exits with 1 if an
 * invariant is broken, or has had nothing to look at and is not optional.
 */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ options: { optional: { type: 'string' } }, allowPositionals: true });
  const [directory] = positionals;
  if (directory === undefined) {
    console.error('usage: node test/checker/main.ts <directory> [--optional I9,I10]');
    return 2;
  }
  const optional = values.optional === undefined ? OPTIONAL : new Set(values.optional.split(','));
  const dumps = await readDumps(directory);
  const verdicts = check(dumps);
  console.log(tableOf(verdicts));
  if (!verdicts.some((verdict) => isBad(verdict, optional))) return 0;
  console.log(`\n${complaintsOf(verdicts, optional).join('\n')}\n\nRepeat it: ${dumps.run.repeat}`);
  return 1;
}

process.exitCode = await main();
