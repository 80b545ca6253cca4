import { Random } from '../../src/simulator/random.ts';
import { PLACES, type Place } from './failpoints.ts';

/** What strikes a journey of two workers, and how often in {@link DECK_SIZE} blows. */
const DECK = {
  /** SIGKILL of a worker at a random moment. */
  'kill': 8,
  /** SIGKILL of a third worker, which has just joined, by its own hand at a failpoint. */
  'failpoint': 10,
  /** SIGTERM of a worker. */
  'stop': 2,
  /** SIGSTOP of a worker until the group has given its shards away, then SIGCONT. */
  'pause': 2,
  /** SIGKILL of the broker, and a new start. */
  'broker killed': 1,
  /** SIGTERM of the broker, and a new start. */
  'broker stopped': 1,
} as const;

export type BlowKind = keyof typeof DECK;

export const BLOW_KINDS = Object.keys(DECK) as readonly BlowKind[];
export const DECK_SIZE = Object.values(DECK).reduce((sum, count) => sum + count, 0);

/** What a blow comes to. A worker that meets a fault of 8x8 at its start ends by itself, on its way to a failpoint. */
export type Struck = BlowKind | 'failed start';

/** Which of them are kills: no handler of ours, or of the broker's, runs. */
export const KILLS: ReadonlySet<Struck> = new Set<Struck>(['kill', 'failpoint', 'broker killed']);

export interface Blow {
  readonly kind: BlowKind;
  /** From the end of the blow before, milliseconds. */
  readonly afterMs: number;
  /** Which of the two workers. */
  readonly victim: 0 | 1;
  /** How long the broker is away, or a worker is paused beyond its session timeout, milliseconds. */
  readonly lastsMs: number;
  /** Where, and at which passage, a `failpoint` kills. */
  readonly place: Place;
  readonly nth: number;
}

/** Above it nearly every takeover has come to its end, so that its time can be told. */
const REST_MAX_MS = 12_000;

/** The first blow of each kind comes before the second of any. Feeds can begin only once, so no place of that phase. */
export function planBlows(seed: number, count: number): readonly Blow[] {
  const random = new Random(seed);
  const places = PLACES.filter(({ phase }) => phase !== 'beginning');
  const kinds: BlowKind[] = shuffle(random, BLOW_KINDS);
  const rest = BLOW_KINDS.flatMap((kind) => Array.from({ length: DECK[kind] - 1 }, () => kind));
  while (kinds.length < count) kinds.push(...shuffle(random, rest));
  return kinds.slice(0, count).map((kind) => {
    const place = random.pick(places);
    return {
      kind,
      // Half of them strike while the one before is still being mended.
      afterMs: random.chance(0.5) ? random.whole(0, 2_000) : random.whole(2_000, REST_MAX_MS),
      victim: random.chance(0.5) ? 0 : 1,
      lastsMs: random.whole(0, 4_000),
      place,
      nth: place.phase === 'reading' || place.phase === 'publishing' ? random.whole(1, 8) : 1,
    };
  });
}

export function shuffle<T>(random: Random, list: readonly T[]): T[] {
  return list.map((value) => [random.next(), value] as const).toSorted(([a], [b]) => a - b).map(([, value]) => value);
}
