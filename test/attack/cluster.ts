import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../../src/simulator/random.ts';
import { openJourney, type Journey } from '../road/journey.ts';
import type { Judgement } from '../road/verdict.ts';
import { allTopics } from '../road/worker.ts';
import type { Cluster } from '../stack/cluster.ts';
import { shuffle } from './blows.ts';
import { withLog } from './kept-log.ts';
import { commitsOf, recoveriesMs, type Loss } from './recovery.ts';

/** Whose broker is killed: one of three, or two of them, and then nothing can be written. */
export const ROLES = ['leader of events', 'leader of offsets', 'transaction coordinator', 'two of three'] as const;

export type Role = (typeof ROLES)[number];

/** What came of an attack on a cluster. */
export interface ClusterAttack {
  readonly kills: ReadonlyMap<Role, number>;
  /** For each kill, milliseconds to the next commit of each shard; of two brokers, from when they are back. */
  readonly recoveries: readonly (readonly [role: Role, milliseconds: readonly number[]])[];
  readonly verdict: Judgement;
}

const PBX_IDS = ['acme', 'globex', 'initech', 'umbrella'];

/** Kills brokers by their role, each once before any again, at random moments, under two workers on the whole road. */
export async function attackCluster(
  cluster: Cluster,
  { seed, kills }: { readonly seed: number; readonly kills: number },
  onKill: (role: Role) => void = () => undefined,
): Promise<ClusterAttack> {
  const random = new Random(seed);
  const journey = await openJourney({
    stack: cluster,
    simulator: { seed, pbxIds: PBX_IDS, faults: 'standard' },
    settings: {
      EIGHT_PAGE_SIZE: '50', EIGHT_REQUEST_TIMEOUT: '5s', PACE_STEP_MAX: '1m', KAFKA_TRANSACTION_TIMEOUT: '10s',
    },
  });
  const counts = new Map<Role, number>();
  const losses: Loss<Role>[] = [];
  try {
    journey.start();
    journey.start();
    await journey.line(({ msg }) => msg === 'polled');
    for (const role of planRoles(random, kills)) {
      await sleep(random.whole(500, 3_000));
      losses.push(await strike(cluster, journey, role, random));
      counts.set(role, (counts.get(role) ?? 0) + 1);
      onKill(role);
    }
    const verdict = await withLog(await journey.settle(), journey.lines, { seed, losses });
    const commits = await commitsOf(journey);
    const recoveries = losses.map((loss) => [loss.kind, recoveriesMs(loss, losses, commits)] as const);
    return { kills: counts, recoveries, verdict };
  } finally {
    await journey.close();
  }
}

/** In an order of the seed's own. */
function planRoles(random: Random, count: number): readonly Role[] {
  const roles: Role[] = [];
  while (roles.length < count) roles.push(...shuffle(random, ROLES));
  return roles.slice(0, count);
}

/** Kills, lets the others do without, and brings back. */
async function strike(cluster: Cluster, journey: Journey, role: Role, random: Random): Promise<Loss<Role>> {
  const victims = await victimsOf(cluster, journey, role, random);
  const shards = ownedShards(journey);
  const atMs = Date.now();
  await Promise.all(victims.map((node) => cluster.kill(node)));
  await sleep(random.whole(3_000, 8_000));
  await Promise.all(victims.map((node) => cluster.start(node)));
  const backMs = Date.now();
  await cluster.inSync([...allTopics(journey.prefix), '__transaction_state']);
  return { kind: role, atMs, shards, ...(role === 'two of three' ? { fromMs: backMs } : {}) };
}

async function victimsOf(
  cluster: Cluster, { prefix, lines }: Journey, role: Role, random: Random,
): Promise<readonly number[]> {
  const shards = ownedShards({ lines });
  const shard = shards[random.whole(0, shards.length - 1)]!;
  switch (role) {
    case 'leader of events':
      return [await cluster.leaderOf(`${prefix}.call-legs`, random.whole(0, 5))];
    case 'leader of offsets':
      return [await cluster.leaderOf(`${prefix}.offsets`, shard)];
    case 'transaction coordinator':
      return [await cluster.coordinatorOf(`${prefix}.live.${shard}`)];
    case 'two of three': {
      const spared = random.whole(0, cluster.nodes.length - 1);
      return cluster.nodes.filter((_, index) => index !== spared);
    }
  }
}

/** All shards with feeds: by their own word, the workers have opened them. */
function ownedShards({ lines }: Pick<Journey, 'lines'>): readonly number[] {
  return [...new Set(lines.filter(({ msg }) => msg === 'shard opened').map(({ shard }) => Number(shard)))];
}
