import { callsAreWhole } from './calls.ts';
import { commitsAreWhole, noGapInTime, nothingGoesBack } from './commits.ts';
import { nothingInvented, nothingTwice } from './contents.ts';
import type { Dumps } from './dumps.ts';
import { evidenceOf } from './evidence.ts';
import type { Finding, Invariant } from './invariant.ts';
import { ledgerIsTrue, watermarksAreTold } from './ledger.ts';
import { backlogIsDrained } from './liveness.ts';
import { historyIsStable, nothingAborted } from './logs.ts';
import { noLoss, watermarkNotAhead } from './loss.ts';
import { mannersAreKept } from './manners.ts';
import { callsAreInOrder, noZombie } from './order.ts';
import { passesAreKept } from './passes.ts';
import { nothingPrivateLeaks } from './privacy.ts';
import { correctionsAreWhole } from './revisions.ts';

/** What must hold of every run, by number. */
export const invariants = {
  I1: { title: 'no loss', holds: noLoss },
  I2: { title: 'no duplicate', holds: nothingTwice },
  I3: { title: 'commits are atomic', holds: commitsAreWhole },
  I4: { title: 'nothing invented', holds: nothingInvented },
  I5: { title: 'watermark never ahead', holds: watermarkNotAhead },
  I6: { title: 'watermark never back', holds: nothingGoesBack },
  I7: { title: 'order within a call', holds: callsAreInOrder },
  I8: { title: 'no zombie', holds: noZombie },
  I9: { title: 'no aborted read', holds: nothingAborted },
  I10: { title: 'stable history', holds: historyIsStable },
  I11: { title: 'no gap in time', holds: noGapInTime },
  I12: { title: 'liveness', holds: backlogIsDrained },
  I13: { title: 'API manners', holds: mannersAreKept },
  I14: { title: 'privacy', holds: nothingPrivateLeaks },
  // I15, resources, and I16, ids that stay the same, are tests of their own.
  I17: { title: 'corrections', holds: correctionsAreWhole },
  I18: { title: 'ledger', holds: ledgerIsTrue },
  I19: { title: 'watermark events', holds: watermarksAreTold },
  I20: { title: 'passes', holds: passesAreKept },
  I21: { title: 'calls', holds: callsAreWhole },
} as const satisfies Readonly<Record<string, { readonly title: string; readonly holds: Invariant }>>;

export type InvariantId = keyof typeof invariants;

export interface Verdict extends Finding {
  readonly id: InvariantId;
  readonly title: string;
  /** `blind`: there was nothing to look at. */
  readonly outcome: 'holds' | 'broken' | 'blind';
}

/** Judges what was collected of a run. Pure. */
export function check(dumps: Dumps): readonly Verdict[] {
  const evidence = evidenceOf(dumps);
  return Object.entries(invariants).map(([id, { title, holds }]) => {
    const finding = holds(evidence);
    const outcome = finding.violations.length > 0 ? 'broken' : finding.looked === 0 ? 'blind' : 'holds';
    return { id: id as InvariantId, title, outcome, ...finding };
  });
}
