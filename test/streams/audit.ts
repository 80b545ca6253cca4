import type { AuditContext, WindowDone } from '../../src/streams/audit.ts';
import type { Drift } from '../../src/streams/drift.ts';

/** A window with a number of its own for each count. */
export const audit: {
  readonly context: AuditContext;
  readonly done: WindowDone;
  readonly drift: readonly Drift[];
} = {
  context: { feed: { stream: 'call-legs', pbxId: 'Acme', pass: 'live' }, commit: 7, observedAtMs: 1_740_000_100_000 },
  done: {
    outcome: 'short',
    window: { from: 1_740_000_000_000, to: 1_740_000_060_000 },
    fromWatermarkMs: 1_740_000_030_000,
    watermarkMs: 1_740_000_060_000,
    total: 50, received: 41, attempts: 2, pages: 3, rows: 82, published: 20, corrected: 5, late: 4, beyond: 1,
    rejected: 2, repeats: 57, outside: 3, recovered: 6, delaysMs: [9_000, 2_000, 5_000, 3_000], durationMs: 900,
    silence: { sinceMs: 1_740_000_020_000, expectedRows: 12.7, limitRows: 11, suspicious: true },
  },
  drift: [{ name: 'unknown-field mood', kind: 'unknown-field', field: 'mood', found: 'string' }],
};
