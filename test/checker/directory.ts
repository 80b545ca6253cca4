import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dumps } from './dumps.ts';

/** What is many lines, a file `<name>.jsonl` each. */
const LISTS = ['ledger', 'answers', 'committed', 'uncommitted', 'prefix', 'ends', 'log'] as const;

/**
 * Writes dumps as files that a person can read and grep: `meta.json`, a file of JSON lines for each list, and the
 * artefacts as they are, in a folder of their own.
 */
export async function writeDumps(directory: string, dumps: Dumps): Promise<void> {
  await mkdir(join(directory, 'artefacts'), { recursive: true });
  await writeFile(join(directory, 'meta.json'), `${JSON.stringify(dumps.run, null, 2)}\n`);
  for (const name of LISTS) {
    const lines = dumps[name].map((entry) => `${JSON.stringify(entry)}\n`);
    await writeFile(join(directory, `${name}.jsonl`), lines.join(''));
  }
  for (const [name, text] of Object.entries(dumps.artefacts)) await writeFile(join(directory, 'artefacts', name), text);
}

export async function readDumps(directory: string): Promise<Dumps> {
  const text = (...names: string[]): Promise<string> => readFile(join(directory, ...names), 'utf8');
  const lists: Record<string, readonly unknown[]> = {};
  for (const name of LISTS) {
    const lines = (await text(`${name}.jsonl`)).split('\n').filter((line) => line !== '');
    lists[name] = lines.map((line) => JSON.parse(line) as unknown);
  }
  const artefacts: Record<string, string> = {};
  for (const name of await readdir(join(directory, 'artefacts'))) artefacts[name] = await text('artefacts', name);
  return { ...lists, run: JSON.parse(await text('meta.json')) as Dumps['run'], artefacts } as unknown as Dumps;
}
