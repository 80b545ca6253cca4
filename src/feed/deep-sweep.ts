import type { FeedOffset } from './offset.ts';
import type { Keep } from './step.ts';
import { floorToSecond, OVERLAP_MIN_MS, planWindow, type Pace, type Plan } from './window.ts';

const [SECOND, MINUTE, HOUR, DAY] = [1_000, 60_000, 3_600_000, 86_400_000];

/** A deep sweep reads in steps of that length, and so each of its windows is a few pages. */
const STEP_MIN_MS = HOUR;
const STEP_MAX_MS = 6 * HOUR;

/** Where a deep sweep waits for its live feed, it looks again after that time, or a step if that is shorter. */
const LOOK_AGAIN_MS = MINUTE;

/** How much longer keys are kept than deep sweeps ask for them: 8x8 may have moved a row meanwhile. */
const KEEP_LONGER_MS = HOUR;

const PREFIX = 'deep-';

/** Whether a pass is a deep sweep: no other one may have such a name. */
export function isDeep(pass: string): boolean {
  return pass.startsWith(PREFIX);
}

/** `deep-24h`: the same name for the same age, however that was written. */
export function deepPass(ageMs: number): string {
  return PREFIX + ageText(ageMs);
}

/** In the largest unit of which there are several, and no part: `24h`, `7d`. */
export function ageText(ageMs: number): string {
  const [unitMs, unit] = ([[DAY, 'd'], [HOUR, 'h'], [MINUTE, 'm']] as const)
    .find(([ms]) => ageMs % ms === 0 && ageMs >= 2 * ms) ?? [SECOND, 's'];
  return `${ageMs / unitMs}${unit}`;
}

/** It reads all of time once more when it has come to the age, and sweeps nothing itself. */
export function deepPace(pace: Pace, ageMs: number): Pace {
  const stepMinMs = Math.min(STEP_MIN_MS, floorToSecond(ageMs / 2));
  return {
    settleMs: ageMs, stepMinMs, stepMaxMs: STEP_MAX_MS,
    overlapMs: OVERLAP_MIN_MS, lookbackMs: OVERLAP_MIN_MS, sweepEveryMs: pace.sweepEveryMs,
  };
}

/** What a deep sweep needs to know of its live feed. */
export type LiveProgress = Pick<FeedOffset, 'watermarkMs' | 'seenFromMs' | 'rememberedFromMs'>;

/** Where a deep sweep stands itself. */
export type DeepProgress = Pick<FeedOffset, 'watermarkMs' | 'seenFromMs' | 'state'>;

/**
 * Decides what a deep sweep does next: it never comes to an end, and never reads what its live feed still sweeps over.
 *
 * It begins when the live feed has come nearer than the age; before, that reads everything at that age or later
 * itself. What is not remembered, also what a person has skipped, it passes unread: nobody could tell what is new.
 */
export function planDeepSweep(
  own: DeepProgress | undefined,
  live: LiveProgress | undefined,
  pace: Pace,
  nowMs: number,
): Plan {
  const { settleMs: ageMs, stepMinMs } = pace;
  const later: Plan = { kind: 'wait', untilMs: nowMs + Math.min(LOOK_AGAIN_MS, stepMinMs) };
  if (live === undefined) return later;
  // A window begins at a whole second.
  const rememberedFromMs = Math.ceil(live.rememberedFromMs / SECOND) * SECOND;
  const agedMs = floorToSecond(nowMs - ageMs);
  if (own === undefined) {
    return live.watermarkMs <= agedMs ? later : { kind: 'skip', toMs: Math.max(agedMs, rememberedFromMs) };
  }
  if (own.state === 'PAUSED') return later;
  if (own.watermarkMs < rememberedFromMs) return { kind: 'skip', toMs: rememberedFromMs };

  const { watermarkMs, seenFromMs } = own;
  const progress = { watermarkMs, seenFromMs, sweptAtMs: nowMs };
  const plan = planWindow(progress, pace, Math.min(nowMs, live.seenFromMs + ageMs));
  return plan.kind === 'wait' && plan.untilMs <= nowMs ? later : plan;
}

/**
 * What a live feed keeps of the keys that it forgets: fingerprints, until every deep sweep has passed them. One that
 * has not begun may begin at its age.
 */
export function keepForDeepSweeps(
  live: Pick<FeedOffset, 'watermarkMs'>,
  sweeps: readonly { readonly ageMs: number; readonly own: Pick<FeedOffset, 'watermarkMs'> | undefined }[],
): Keep {
  if (sweeps.length === 0) return {};
  const needed = sweeps.map(({ ageMs, own }) => own?.watermarkMs ?? live.watermarkMs - ageMs);
  return { sealFromMs: Math.min(live.watermarkMs, ...needed) - KEEP_LONGER_MS };
}
