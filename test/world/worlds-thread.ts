import { parentPort } from 'node:worker_threads';
import { troublesOf } from './coverage.ts';
import { violations } from './promises.ts';
import { World } from './world.ts';
import type { Life } from './worlds.ts';

/** One thread of {@link liveAll}: is told seeds, one after the other, and tells what became of each. */
parentPort!.on('message', (seed: number) => void live(seed).then((life) => parentPort!.postMessage(life)));

async function live(seed: number): Promise<Life> {
  try {
    const outcome = await new World(seed).live();
    return { seed, violations: violations(outcome), troubles: troublesOf(outcome) };
  } catch (error) {
    const problem = error instanceof Error ? error.stack : String(error);
    return { seed, violations: [`world: ${problem}`], troubles: new Map() };
  }
}
