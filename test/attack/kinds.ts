import { startCluster } from '../stack/cluster.ts';
import type { Judgement } from '../road/verdict.ts';
import { DECK_SIZE, KILLS } from './blows.ts';
import { attackCluster, ROLES } from './cluster.ts';
import { attackFrames, COMBINATIONS } from './frames.ts';
import { attackRoad } from './journeys.ts';

/** What came of one journey, whatever struck it. */
export interface Outcome {
  readonly verdict: Judgement;
  /** What speaks against the connector, a line each. */
  readonly complaints: readonly string[];
  /** For each blow, milliseconds to the next commit of each shard that it struck. */
  readonly recoveries: readonly (readonly [blow: string, milliseconds: readonly number[]])[];
}

/** Hears of each blow as it falls, and how many processes it has killed. */
export type OnBlow = (blow: string, kills: number) => void;

type Attack = (seed: number, onBlow: OnBlow) => Promise<Outcome>;

/** Every kind of attack: one journey, all by seed. */
export const ATTACKS = {
  /** Workers and their broker: killed, stopped, paused. */
  async road(seed, onBlow) {
    const { verdict, recoveries } = await attackRoad({ seed, blows: DECK_SIZE }, (blow) =>
      onBlow(blow, KILLS.has(blow) ? 1 : 0));
    return { verdict, recoveries, complaints: complaintsOf(verdict) };
  },

  /** Requests of transactions on their way to the broker and back. */
  async frames(seed, onBlow) {
    const { verdict, done } = await attackFrames({ seed, faults: COMBINATIONS.length });
    for (const [struck, times] of done) {
      const [, deed = ''] = struck.split(' ');
      for (let time = 0; time < times; time += 1) onBlow(deed, 0);
    }
    return { verdict, recoveries: [], complaints: complaintsOf(verdict) };
  },

  /** The brokers of a cluster, by their role. */
  async cluster(seed, onBlow) {
    const cluster = await startCluster();
    try {
      const { verdict, recoveries } = await attackCluster(cluster, { seed, kills: 2 * ROLES.length }, (role) =>
        onBlow(role, role === 'two of three' ? 2 : 1));
      return { verdict, recoveries, complaints: complaintsOf(verdict) };
    } finally {
      await cluster.stop();
    }
  },
} as const satisfies Readonly<Record<string, Attack>>;

export type AttackKind = keyof typeof ATTACKS;

function complaintsOf({ shown, lost, doubled, complaints }: Judgement): readonly string[] {
  return [
    ...complaints,
    ...(lost.length > 0 ? [`${lost.length} of ${shown} rows are lost, e.g. ${lost[0]}`] : []),
    ...(doubled.length > 0 ? [`${doubled.length} rows are doubled, e.g. ${doubled[0]}`] : []),
    ...(shown < 500 ? [`the phone system has shown too little to tell: ${shown} rows`] : []),
  ];
}
