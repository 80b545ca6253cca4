import type { Call } from './call.ts';
import { hashNumbers, Random } from './random.ts';
import { legless, LIFE_MIN_MS, scenarios } from './scenarios.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/**
 * Calls come in two lengths with a bound each. The many short ones then need a look behind of minutes
 * only, which keeps a busy PBX quick, while some calls still end hours after they began.
 */
export const CALL_LENGTHS = {
  short: { share: 0.95, lifeMinMs: LIFE_MIN_MS, lifeMaxMs: 5 * MINUTE_MS, callIdShift: 8_327_411_200 },
  long: { share: 0.05, lifeMinMs: 5 * MINUTE_MS, lifeMaxMs: 2 * HOUR_MS, callIdShift: 108_327_411_200 },
} as const;

export type CallLength = keyof typeof CALL_LENGTHS;

/** A stretch of time in which calls begin. */
export interface CallBucket {
  readonly seed: number;
  /** {@link hashText} of the PBX name. */
  readonly pbxHash: number;
  readonly length: CallLength;
  readonly fromMs: number;
  readonly spanMs: number;
  /** Of the PBX, both lengths together. */
  readonly callsPerHour: number;
  /** Share of calls that have a record but no legs, 0 to 1. */
  readonly leglessShare: number;
  /** Calls that begin outside `[notBeforeMs, beforeMs)` are left out, with their children. */
  readonly notBeforeMs: number;
  readonly beforeMs: number;
}

/**
 * Makes the calls that begin in a bucket, unsorted; child calls stand beside their root. Equal input gives
 * equal calls.
 *
 * Call ids have 13 digits and look like epoch milliseconds, as real ones do, but are not the start time.
 * They are unique within a PBX and do repeat on other PBXes, because 8x8 promises no more.
 */
export function makeCalls(bucket: CallBucket): readonly Call[] {
  const { share, lifeMinMs, lifeMaxMs, callIdShift } = CALL_LENGTHS[bucket.length];
  const random = new Random(hashNumbers([bucket.seed, bucket.pbxHash, lifeMaxMs, bucket.fromMs]));
  const expected = (bucket.callsPerHour * share * bucket.spanMs) / HOUR_MS;
  const count = Math.floor(expected) + (random.chance(expected % 1) ? 1 : 0);

  let nextCallId = bucket.fromMs - callIdShift;
  const newCallId = (): number => {
    nextCallId += 1;
    return nextCallId;
  };

  const calls: Call[] = [];
  for (let drawn = 0; drawn < count; drawn += 1) {
    const startMs = bucket.fromMs + Math.floor(random.next() * bucket.spanMs);
    // The square makes most calls short and few as long as allowed.
    const lifeMs = lifeMinMs + Math.floor(random.next() ** 2 * (lifeMaxMs - lifeMinMs));
    const make = random.chance(bucket.leglessShare) ? legless : pickScenario(random);
    // Made even if left out: the calls that stay must not depend on where the history begins.
    const made = make({ random, startMs, lifeMs, newCallId });
    if (startMs >= bucket.notBeforeMs && startMs < bucket.beforeMs) calls.push(...made);
  }
  return calls;
}

/** The longest stretch with a tolerable number of calls, that divides an hour. */
export function bucketSpanMs(length: CallLength, callsPerHour: number): number {
  const perSecond = (callsPerHour * CALL_LENGTHS[length].share) / 3_600;
  const seconds = BUCKET_SPANS_S.find((span) => perSecond * span <= CALLS_PER_BUCKET_MAX) ?? BUCKET_SPANS_S.at(-1)!;
  return seconds * SECOND_MS;
}

const CALLS_PER_BUCKET_MAX = 2_000;
const BUCKET_SPANS_S = [3_600, 1_800, 900, 600, 300, 120, 60, 30, 15, 10, 5];

const WEIGHT_SUM = scenarios.reduce((sum, { weight }) => sum + weight, 0);

function pickScenario(random: Random): (typeof scenarios)[number]['make'] {
  let left = random.next() * WEIGHT_SUM;
  return (scenarios.find(({ weight }) => (left -= weight) < 0) ?? scenarios[0]!).make;
}
