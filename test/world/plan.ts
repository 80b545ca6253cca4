import { deepPace } from '../../src/feed/deep-sweep.ts';
import { latenessCoveredMs, OVERLAP_MIN_MS, type Pace } from '../../src/feed/window.ts';
import type { SimulatorOptions } from '../../src/simulator/options.ts';
import type { WindowRules } from '../../src/simulator/query.ts';
import { hashNumbers, Random } from '../../src/simulator/random.ts';
import type { LegCount } from '../../src/streams/calls.ts';
import { PAGE_FAULTS, REQUEST_FAULTS, type FaultRules } from './faults.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** All that a seed decides of a world before it begins. Shares are probabilities; times are epoch milliseconds. */
export interface WorldPlan {
  readonly seed: number;
  readonly startMs: number;
  /** From then on nothing goes wrong any more. Rows that ended before must all arrive. */
  readonly healMs: number;
  readonly endMs: number;
  readonly originMs: number;
  readonly pace: Pace;
  readonly pbxIds: readonly string[];
  /** What one request asks for: a PBX, or several. */
  readonly requests: readonly string[];
  readonly shardCount: number;
  readonly hostCount: number;
  readonly callsPerHour: number;
  /** From the end of a call until its rows are shown; `late` ones, and changes of rows, come up to that much later. */
  readonly latencyMs: number;
  readonly lateShare: number;
  readonly lateMaxMs: number;
  readonly revisedShare: number;
  readonly movedShare: number;
  readonly poisonShare: number;
  /** How coarse 8x8 keeps the end of a call. Coarse ends fall into the seams of windows. */
  readonly grainMs: number;
  readonly bounds: WindowRules['bounds'];
  /** Share of rows that vanish once they were shown: for a while, or for ever. */
  readonly vanishedShare: number;
  /** What we ask for. 8x8 may allow pages of 50 rows only. */
  readonly pageSize: number | 'auto';
  readonly pageSizeRule: SimulatorOptions['pageSizeRule'];
  readonly emptyWindow: SimulatorOptions['emptyWindow'];
  readonly endMarker: SimulatorOptions['endMarker'];
  readonly tokenLifetimeS: number;
  readonly expiresIn: SimulatorOptions['expiresIn'];
  readonly throttleStyle: SimulatorOptions['throttleStyle'];
  readonly serverErrorBody: SimulatorOptions['serverErrorBody'];
  readonly forbiddenForm: SimulatorOptions['forbiddenForm'];
  /** How long a scrollId is good, as long as the world is not healed. */
  readonly scrollLifeMs: number;
  readonly requestsPerMinute: number;
  readonly requestTimeoutMs: number;
  readonly bodyMaxBytes: number;
  readonly pageLatencyMaxMs: number;
  readonly commitLatencyMaxMs: number;
  /** How far a host's clock may be ahead, and behind. */
  readonly clockAheadMaxMs: number;
  readonly clockBehindMaxMs: number;
  readonly faults: FaultRules;
  /** Of a commit or an opening. */
  readonly commitFaultShare: number;
  /** How many times something happens to the hosts, the source or the bus as a whole. */
  readonly blows: number;
  /** Of rows that have a field which nobody knows. */
  readonly oddShare: number;
  /** Backfills that a person begins. */
  readonly passes: number;
  /** What records count as legs, if whole calls are wanted. */
  readonly legCount: LegCount | undefined;
  /** Feeds find settle and lookback for themselves: `pace` has the longest settle and the shortest lookback. */
  readonly auto: boolean;
  /** How many feeds one request may read. */
  readonly groupMax: number;
  /** Rows that are shown so late that only deep sweeps find them. */
  readonly buried: Buried | undefined;
}

/** How late, counted from their end, and how many of all rows. */
export interface Buried {
  readonly share: number;
  readonly minMs: number;
  readonly maxMs: number;
}

/** How much later than its first showing a row's time may still change. */
export const MOVE_MAX_MS = 2 * MINUTE;

export function drawPlan(seed: number): WorldPlan {
  const random = new Random(hashNumbers([seed, 1]));
  const between = (low: number, high: number) => random.whole(low / SECOND, high / SECOND) * SECOND;
  const calm = random.chance(0.05);

  const pace = drawPace(random);
  const startMs = Date.parse('2026-03-01T00:00:00Z') + random.whole(0, 1_440) * MINUTE;
  const healMs = startMs + between(1 * HOUR, 4 * HOUR);
  const grainMs = random.pick([1, 1, SECOND, MINUTE]);
  const clockAheadMaxMs = random.chance(0.5) ? 0 : between(0, 2 * HOUR);
  const movedShare = random.chance(0.5) ? 0 : 0.1;

  // Together these may be as late as the pace covers, and not a second later.
  // A `Date` header has whole seconds, so the last second that a clock is ahead cannot be told.
  const budgetMs = latenessCoveredMs(pace) - grainMs - SECOND - (movedShare > 0 ? MOVE_MAX_MS : 0);
  const latencyMs = Math.min(random.chance(0.2) ? 0 : between(0, 5 * MINUTE), budgetMs);
  const requests = random.pick([
    ['acme', 'Globex'], ['acme'], ['acme,Globex'], ['allpbxes'], ['acme', 'Globex', 'initech'],
  ]);
  const pageSize = random.pick([1, 3, 10, 50, 1_000, 'auto', 'auto'] as const);
  const plan: WorldPlan = {
    seed,
    startMs,
    healMs,
    endMs: healMs + pace.lookbackMs + pace.settleMs + pace.sweepEveryMs + clockAheadMaxMs + 45 * MINUTE,
    originMs: startMs - (random.chance(0.5) ? 0 : random.whole(0, 180) * MINUTE),
    pace,
    pbxIds: ['acme', 'Globex', 'initech'].slice(0, Math.max(requests.length, 2)),
    requests,
    shardCount: random.whole(2, 3),
    hostCount: random.whole(1, 3),
    callsPerHour: random.whole(4, 20),
    latencyMs,
    lateShare: random.pick([0, 0.05, 0.3]),
    lateMaxMs: budgetMs - latencyMs,
    revisedShare: random.pick([0, 0.1]),
    movedShare,
    poisonShare: random.pick([0, 0.03, 0.1]),
    grainMs,
    bounds: random.pick(['inclusive', 'half-open', 'exclusive', 'whole-seconds'] as const),
    vanishedShare: random.pick([0, 0.1]),
    pageSize,
    ...drawApi(random, pageSize),
    pageLatencyMaxMs: isSmall(pageSize) ? 2 * SECOND : random.pick([0, 1 * SECOND, 20 * SECOND]),
    commitLatencyMaxMs: random.pick([0, 100, 3 * SECOND]),
    clockAheadMaxMs,
    clockBehindMaxMs: random.chance(0.5) ? 0 : 25 * MINUTE,
    faults: drawFaults(random, calm),
    commitFaultShare: calm ? 0 : random.pick([0, 0.02, 0.15]),
    blows: calm ? 0 : random.whole(0, 8),
    oddShare: random.pick([0, 0.02]),
    passes: random.pick([0, 0, 1, 2]),
    // New ones are drawn last: what a seed has meant before, it means still.
    legCount: random.pick([undefined, 'own', 'with-children'] as const),
    auto: random.chance(0.4),
    groupMax: random.pick([1, 2, 5]),
    buried: undefined,
  };
  return random.chance(0.4) ? withDeepSweeps(plan, random) : plan;
}

/** Short ages, for a world has few hours; it ends when they have passed all that must arrive. */
function withDeepSweeps(plan: WorldPlan, random: Random): WorldPlan {
  const { pace, healMs, clockAheadMaxMs, grainMs, legCount } = plan;
  const shortMs = pace.lookbackMs + random.whole(5, 40) * MINUTE;
  const longMs = shortMs + random.whole(10, 60) * MINUTE;
  const deepSweepsMs = random.pick([[shortMs], [longMs, shortMs]]);
  const ageMs = Math.max(...deepSweepsMs);
  const maxMs = ageMs - clockAheadMaxMs - grainMs - SECOND;
  // Whole calls are made of what live feeds read: of one that is buried in part nobody can say what is to be told.
  const buries = legCount === undefined && maxMs > pace.lookbackMs;
  return {
    ...plan,
    endMs: Math.max(plan.endMs, healMs + ageMs + deepPace(pace, ageMs).stepMinMs + clockAheadMaxMs + 45 * MINUTE),
    pace: { ...pace, deepSweepsMs },
    buried: buries ? { share: 0.15, minMs: pace.lookbackMs, maxMs } : undefined,
  };
}

type ApiPlan = Pick<WorldPlan, 'pageSizeRule' | 'emptyWindow' | 'endMarker' | 'tokenLifetimeS' | 'expiresIn'
  | 'throttleStyle' | 'serverErrorBody' | 'forbiddenForm' | 'scrollLifeMs' | 'requestsPerMinute' | 'requestTimeoutMs'
  | 'bodyMaxBytes'>;

/** What 8x8 does not document, and how we ask it. */
function drawApi(random: Random, pageSize: WorldPlan['pageSize']): ApiPlan {
  return {
    pageSizeRule: pageSize === 'auto' ? random.pick(['max-7000', 'must-be-50'] as const) : 'max-7000',
    emptyWindow: random.pick(['end-of-scroll', 'no-scroll-id'] as const),
    endMarker: random.pick(['no-data', 'no-data', 'null', 'missing', 'fresh-id'] as const),
    tokenLifetimeS: random.pick([60, 300, 1_800]),
    expiresIn: random.pick(['number', 'text', 'missing'] as const),
    throttleStyle: random.pick(['retry-after-seconds', 'retry-after-date', 'x-ratelimit', 'none'] as const),
    serverErrorBody: random.pick(['html', 'json', 'empty'] as const),
    forbiddenForm: random.pick(['403', '400-category'] as const),
    scrollLifeMs: random.pick([Infinity, Infinity, MINUTE]),
    // Enough for every feed to keep up, and little enough that requests queue.
    requestsPerMinute: isSmall(pageSize) ? random.pick([600, 6_000]) : random.pick([60, 600]),
    requestTimeoutMs: random.pick([15, 30, 60]) * SECOND,
    // Less than a page of a hundred rows, but more than one of fifty.
    bodyMaxBytes: random.pick([32 * 1_024 ** 2, 120_000]),
  };
}

/** A few kinds for each world: all at once, and no window would ever come to its end. */
function drawFaults(random: Random, calm: boolean): FaultRules {
  return {
    requestFaultShare: calm ? 0 : random.pick([0, 0.02, 0.15]),
    pageFaultShare: calm ? 0 : random.pick([0, 0.05, 0.2]),
    requestFaults: drawKinds(random, REQUEST_FAULTS, 5),
    pageFaults: drawKinds(random, PAGE_FAULTS, 4),
    burstMax: random.pick([1, 3, 12]),
  };
}

function drawKinds<T>(random: Random, kinds: readonly T[], most: number): readonly T[] {
  return Array.from({ length: random.whole(1, most) }, () => random.pick(kinds));
}

function isSmall(pageSize: WorldPlan['pageSize']): boolean {
  return pageSize !== 'auto' && pageSize < 10;
}

/** Small paces, so that much happens in few hours; they cover at least what the world itself needs of lateness. */
function drawPace(random: Random): Pace {
  const between = (low: number, high: number) => random.whole(low / SECOND, high / SECOND) * SECOND;
  const stepMinMs = random.chance(0.5) ? random.whole(1, 10) * MINUTE : between(45 * SECOND, 10 * MINUTE);
  const sweepEveryMs = random.chance(0.1) ? 0 : between(stepMinMs, 20 * MINUTE);
  const overlapMs = random.chance(0.5) ? OVERLAP_MIN_MS : between(OVERLAP_MIN_MS, 3 * MINUTE);
  const coveredMs = between(5 * MINUTE, 30 * MINUTE);
  return {
    settleMs: random.chance(0.3) ? 0 : between(0, 5 * MINUTE),
    stepMinMs,
    stepMaxMs: Math.max(stepMinMs, random.pick([10 * MINUTE, 30 * MINUTE, 2 * HOUR])),
    overlapMs,
    lookbackMs: Math.max(coveredMs + sweepEveryMs + stepMinMs, overlapMs),
    sweepEveryMs,
  };
}
