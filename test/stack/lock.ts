import { readlink, rm, symlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const WAIT_MAX_MS = 15 * 60_000;
const TRY_EVERY_MS = 250;

/**
 * One process at a time. The lock is a symbolic link whose target is the holder's pid: made and labelled in one
 * step, so it is never seen without its label. A holder that was killed leaves a label of no living process.
 */
export async function withLock(path: string, work: () => Promise<void>): Promise<void> {
  await takeLock(path);
  try {
    await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function takeLock(path: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < WAIT_MAX_MS; waitedMs += TRY_EVERY_MS) {
    const taken = await symlink(String(process.pid), path).then(() => true, isTaken);
    if (taken) return;
    const holder = Number(await readlink(path).catch(() => 0));
    if (holder > 0 && !isAlive(holder)) {
      await rm(path, { force: true });
      continue;
    }
    if (waitedMs === 0) process.stderr.write(`stack: waiting for process ${holder} to fetch the jars\n`);
    await sleep(TRY_EVERY_MS);
  }
  throw new Error(`Another process has held ${path} for too long. If none is fetching jars, delete that file.`);
}

function isTaken(error: NodeJS.ErrnoException): false {
  if (error.code === 'EEXIST') return false;
  throw error;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
