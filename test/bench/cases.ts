/** What the road is measured beside, in the same round. */
export type Beside = 'again' | 'kafkajs' | 'perf test' | 'parse' | 'encode' | 'no latency';

/** A history that one worker reads as fast as it can. */
export interface Case {
  readonly name: string;
  readonly what: string;
  readonly pbxs: number;
  readonly streams: 'call-legs' | 'call-legs,call-records';
  /** Rows of a page. */
  readonly pageRows: number;
  /** Of each answer, milliseconds. */
  readonly latencyMs: number;
  /** Legs of all PBXs, about; as many as a minute takes on a machine of two cores. */
  readonly legs: number;
  /** Over which they are spread; even, for windows are of two hours. */
  readonly hours: number;
  readonly settings: Readonly<Record<string, string>>;
  readonly beside: readonly Beside[];
}

const BASE: Omit<Case, 'name' | 'what'> = {
  pbxs: 1, streams: 'call-legs', pageRows: 1_000, latencyMs: 0, legs: 1_000_000, hours: 24, settings: {}, beside: [],
};

const CEILINGS: readonly Beside[] = ['again', 'kafkajs', 'perf test', 'parse', 'encode'];

/** The case that `--guard` judges by. */
export const GUARDED = 'pages-1000';

const cases: readonly Case[] = [
  { ...BASE, name: 'pages-50', what: 'pages of 50 rows', pageRows: 50, legs: 200_000, beside: CEILINGS },
  { ...BASE, name: GUARDED, what: 'pages of 1000 rows', beside: CEILINGS },
  { ...BASE, name: 'pages-7000', what: 'pages of 7000 rows', pageRows: 7_000, beside: CEILINGS },
  ...[1, 20, 100].map((pbxs): Case => ({
    ...BASE, name: `latency-${pbxs}`, what: `100 ms an answer, ${pbxs} PBXs`, pbxs, latencyMs: 100,
    legs: pbxs === 1 ? 500_000 : BASE.legs, beside: ['no latency'],
  })),
  {
    ...BASE, name: 'day', what: 'a day of 20 PBXs, both streams, look-back and sweeps as by default', pbxs: 20,
    streams: 'call-legs,call-records', legs: 700_000,
    settings: { PACE_LOOKBACK: '2h', PACE_SWEEP_EVERY: '10m' },
  },
];

/** Pairs and rows of cases that differ in one thing: what a record costs must not depend on it, or be named. */
const law: readonly Case[] = [
  ...[6, 24, 96].map((hours): Case => ({
    ...BASE, name: `history-${hours}h`, what: `${hours} hours of the same load`, hours, legs: 12_500 * hours,
  })),
  ...[['little', '11m'], ['half', '12h'], ['all', '48h']].map(([name, lookback]): Case => ({
    ...BASE, name: `seen-${name}`, what: `a look-back of ${lookback} over 24 hours`, legs: 500_000,
    settings: { PACE_LOOKBACK: lookback! },
  })),
  ...[1, 10, 100, 500].map((pbxs): Case => ({
    ...BASE, name: `pbxs-${pbxs}`, what: `the same rows of ${pbxs} PBXs`, pbxs, legs: 500_000,
  })),
  ...[1, 8, 32].map((shards): Case => ({
    ...BASE, name: `shards-${shards}`, what: `100 PBXs in ${shards} shards`, pbxs: 100, legs: 500_000,
    settings: { KAFKA_SHARDS: String(shards) },
  })),
];

/** A case in which each key that was published is remembered, of so many legs of one PBX in one shard. */
export function allSeen(legs: number): Case {
  const settings = { PACE_LOOKBACK: '48h', KAFKA_SHARDS: '1' };
  return { ...BASE, name: `restart-${legs}`, what: 'all keys are remembered', legs, settings };
}

/** Cases by name; `all` are those that a user would look for, `law` those that differ in one thing. */
export function casesNamed(names: string): readonly Case[] {
  if (names === 'all') return cases;
  if (names === 'law') return law;
  return names.split(',').map((name) => {
    const found = [...cases, ...law].find((one) => one.name === name);
    if (found !== undefined) return found;
    throw new Error(`There is no case ${name}, but: all, law, ${[...cases, ...law].map((one) => one.name).join(', ')}`);
  });
}
