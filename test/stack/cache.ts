import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { withLock } from './lock.ts';

const PROJECT = join(import.meta.dirname, '..', '..');
const CACHE = join(PROJECT, '.cache');

/**
 * The directory of that name under `.cache/`: answers at once when it is there; otherwise `fill` makes it, whole or not
 * at all, once for all processes. What is in it is read only.
 */
export async function fetchOnce(name: string, fill: (directory: string) => Promise<void>): Promise<string> {
  const place = join(CACHE, name);
  if (existsSync(place)) return place;
  const folder = join(place, '..');
  await mkdir(folder, { recursive: true });
  await withLock(join(folder, 'lock'), async () => {
    if (existsSync(place)) return;
    // Only the holder of the lock comes here, so whatever is half-made belongs to a process that was killed.
    for (const half of await readdir(folder)) {
      if (half.startsWith('partial-')) await rm(join(folder, half), { recursive: true, force: true });
    }
    const partial = join(folder, `partial-${process.pid}`);
    await fill(partial);
    await rename(partial, place);
    process.stderr.write(`stack: kept in ${relative(PROJECT, place)}\n`);
  });
  return place;
}

/** Different for every change of what was asked for, so that an old copy is never taken for a new one. */
export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}
