import { iso, type Evidence } from './evidence.ts';
import type { Finding } from './invariant.ts';
import { openPartitions } from './logs.ts';
import { isPublished, isSkipped, shownSinceMs, skippedSpans } from './loss.ts';

/**
 * I12 Liveness: in the end no transaction is open, every live feed that was asked for has begun and has caught up, and
 * nothing that could be read when the run was drained is still to come.
 */
export function backlogIsDrained(evidence: Evidence): Finding {
  const { ends, feeds, rules, rows, run } = evidence;
  const violations = [...openPartitions(ends)];
  for (const name of rules.feeds) {
    const heads = feeds.byFeed.get(`${run.connector}/live/${name}`) ?? [];
    const [first, last] = [heads[0], heads.at(-1)];
    if (first === undefined || last === undefined) {
      violations.push(`the feed ${name} has never begun`);
      continue;
    }
    const forbidden = run.forbiddenPbxIds.some((id) => id.toLowerCase() === last.pbxs);
    if (!forbidden && last.watermark < (run.caughtUpToMs ?? -Infinity)) {
      violations.push(`${last.feed} is only at ${iso(last.watermark)}, not at ${iso(run.caughtUpToMs!)}`);
    }
    const skipped = skippedSpans(evidence, heads);
    for (const row of rows) {
      const timeMs = row.report === last.report ? rules.windowTimeOf(row) : undefined;
      if (timeMs === undefined || timeMs <= first.watermark || row.poison || !rules.isShown(last.pbxs, row)) continue;
      const sinceMs = shownSinceMs(evidence, row, timeMs);
      if (sinceMs > run.drainedAtMs || sinceMs - timeMs > rules.coveredLatenessMs) continue;
      if (isPublished(evidence, row) || isSkipped(timeMs, skipped)) continue;
      violations.push(`${row.report} ${row.key} could be read from ${iso(row.visibleFromMs)} on, and is still to come `
        + `with ${last.feed} at ${iso(last.watermark)}`);
    }
  }
  return { looked: ends.length === 0 ? 0 : rows.length, at: 'rows in the ledger', violations };
}
