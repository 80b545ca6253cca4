import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../../src/simulator/random.ts';
import { openJourney } from '../road/journey.ts';
import type { Judgement } from '../road/verdict.ts';
import { withLog } from './kept-log.ts';
import { APIS, DEEDS, type Api, type Deed, type Frame } from './proxy.ts';

/** What came of an attack on the frames. */
export interface FramesAttack {
  /** How often each deed was done to each kind of request. */
  readonly done: ReadonlyMap<`${Api} ${Deed}`, number>;
  /** How many requests of each kind there were. */
  readonly seen: ReadonlyMap<Api, number>;
  readonly verdict: Judgement;
}

/** Every combination of a request and what may happen to it. */
export const COMBINATIONS = (Object.keys(APIS) as Api[]).flatMap((api) =>
  DEEDS.map((deed) => `${api} ${deed}` as const));

/** How many of the requests of each kind are struck: a session has one InitProducerId and many of the others. */
const SHARES: Readonly<Record<Api, number>> = {
  InitProducerId: 0.3, AddPartitionsToTxn: 0.08, Produce: 0.08, EndTxn: 0.08,
};

const PBX_IDS = ['acme', 'globex', 'initech', 'umbrella'];
const PER_FAULT_MAX_MS = 15_000;
const RELEASE_EVERY_MS = 5_000;

/**
 * The whole road on real parts, through a proxy that strikes `faults` requests of transactions: every combination as
 * often as any other, the moment by the seed. What is held is released when its sender has long given up.
 */
export async function attackFrames(attack: { readonly seed: number; readonly faults: number }): Promise<FramesAttack> {
  const network = strikes(attack.seed, attack.faults);
  const journey = await openJourney({
    simulator: { pbxIds: PBX_IDS, callsPerHour: 2_000 },
    // Our deadline for a transaction is three quarters of its time: an answer that never comes costs four seconds.
    settings: { EIGHT_PAGE_SIZE: '50', PACE_STEP_MAX: '1m', KAFKA_TRANSACTION_TIMEOUT: '5s' },
    network: network.decide,
  });
  try {
    let alive = true;
    void journey.start().exited.then(() => (alive = false));
    const proxy = journey.proxy!;
    const waitMaxMs = attack.faults * PER_FAULT_MAX_MS;
    for (let waitedMs = 0; waitedMs < waitMaxMs && (network.left() > 0 || proxy.held > 0); waitedMs += 100) {
      if (!alive) throw new Error(`the connector has ended: ${JSON.stringify(journey.lines.slice(-5))}`);
      if (waitedMs % RELEASE_EVERY_MS === 0) proxy.release();
      await sleep(100);
    }
    const done = [...proxy.done];
    const verdict = await withLog(await journey.settle(), journey.lines, { ...attack, done });
    return { verdict, done: proxy.done, seen: proxy.seen };
  } finally {
    await journey.close();
  }
}

function strikes(seed: number, faults: number): { decide(frame: Frame): Deed | undefined; left(): number } {
  const random = new Random(seed);
  const counts = new Map(COMBINATIONS.map((combination) => [combination, 0]));
  let left = faults;
  return {
    left: () => left,
    decide({ api }) {
      if (left === 0 || !random.chance(SHARES[api])) return undefined;
      const least = Math.min(...counts.values());
      const waiting = DEEDS.filter((deed) => counts.get(`${api} ${deed}`) === least);
      if (waiting.length === 0) return undefined; // the turn of other kinds of requests
      const deed = random.pick(waiting);
      counts.set(`${api} ${deed}`, least + 1);
      left -= 1;
      return deed;
    },
  };
}
