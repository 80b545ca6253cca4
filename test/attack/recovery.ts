import { readTopics } from '../reader/topics.ts';
import type { Journey } from '../road/journey.ts';
import type { Worker } from '../road/worker.ts';

/** A commit of a feed: its offset record, as it stands in Kafka. */
export interface CommitSeen {
  readonly shard: number;
  /** Epoch milliseconds at which it was sent. */
  readonly atMs: number;
}

/** Something that takes shards from their owner. */
export interface Loss<Kind extends string = string> {
  readonly kind: Kind;
  readonly atMs: number;
  /** From when on they can be taken over, if that is later: a broker is back. */
  readonly fromMs?: number;
  readonly shards: readonly number[];
}

/** Every commit of a feed in the journey, by the time at which it was sent. */
export async function commitsOf({ stack, prefix }: Journey): Promise<readonly CommitSeen[]> {
  const records = await readTopics(stack, [`${prefix}.offsets`]);
  return records
    .filter(({ value }) => value?.['kind'] === 'HEAD')
    .map(({ partition, timestamp }) => ({ shard: partition, atMs: timestamp }))
    .toSorted((a, b) => a.atMs - b.atMs);
}

/** The shards with feeds that a worker owns, by its own word. */
export function shardsOf({ lines }: Journey, { pid }: Worker): readonly number[] {
  const line = lines.findLast(({ msg, worker }) => msg === 'shards owned' && worker === pid);
  return (line?.['shards'] ?? []) as readonly number[];
}

/**
 * For each shard that was lost, the time to the next commit of one of its feeds, milliseconds. Shards that were struck
 * again before it have none.
 */
export function recoveriesMs(loss: Loss, losses: readonly Loss[], commits: readonly CommitSeen[]): readonly number[] {
  return loss.shards.flatMap((shard) => {
    const next = commits.find((commit) => commit.shard === shard && commit.atMs > loss.atMs);
    if (next === undefined) return [];
    if (losses.some(({ atMs }) => atMs > loss.atMs && atMs < next.atMs)) return [];
    return [Math.max(next.atMs - (loss.fromMs ?? loss.atMs), 0)];
  });
}
