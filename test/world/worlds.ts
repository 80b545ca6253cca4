import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Trouble } from './trace.ts';

/** What is told of a world when it is over. */
export interface Life {
  readonly seed: number;
  /** Every broken promise, a line each. */
  readonly violations: readonly string[];
  readonly troubles: ReadonlyMap<Trouble, number>;
}

/**
 * Lives through the worlds of all seeds, one thread per core, about in their order, and tells of each as it ends.
 * Nothing of a world is kept here, so there may be any number.
 */
export async function liveAll(seeds: Iterable<number, undefined>, onLife: (life: Life) => void): Promise<void> {
  const queue = seeds[Symbol.iterator]();
  await Promise.all(Array.from({ length: availableParallelism() }, () => runThread(queue, onLife)));
}

/** Resolves when the queue is empty. */
function runThread(queue: Iterator<number, undefined>, onLife: (life: Life) => void): Promise<void> {
  return new Promise((resolve) => {
    const thread = new Worker(new URL('./worlds-thread.ts', import.meta.url));
    let seed: number | undefined;
    const next = (): void => {
      seed = queue.next().value;
      if (seed === undefined) void thread.terminate().then(() => resolve());
      else thread.postMessage(seed);
    };
    thread.on('message', (life: Life) => {
      onLife(life);
      next();
    });
    // An error that nobody awaits ends the thread, not the rest of the worlds.
    thread.on('error', (error: Error) => {
      onLife({ seed: seed!, violations: [`thread: ${error.stack}`], troubles: new Map() });
      resolve(runThread(queue, onLife));
    });
    next();
  });
}

const SHOWN_MAX = 5;

/** How to repeat a world, and its first violations; nothing if it keeps its promises. */
export function explainLife({ seed, violations }: Life): readonly string[] {
  if (violations.length === 0) return [];
  const more = violations.length > SHOWN_MAX ? [`  and ${violations.length - SHOWN_MAX} more`] : [];
  return [
    `SEED=${seed} node --test test/world/world.test.ts`,
    ...violations.slice(0, SHOWN_MAX).map((line) => `  ${line}`),
    ...more,
  ];
}

/** Fewer worlds may miss a kind of trouble by chance. */
export const WORLDS_FOR_ALL_TROUBLES = 300;

/** Adds the troubles of a world to those of others. */
export function addTroubles(sum: Map<Trouble, number>, { troubles }: Life): void {
  for (const [trouble, times] of troubles) sum.set(trouble, (sum.get(trouble) ?? 0) + times);
}
