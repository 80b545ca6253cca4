import { iso, type Evidence, type ShownRow } from './evidence.ts';
import type { Head } from './feeds.ts';
import { describe, isPublished, isSkipped, missingLetters, shownSinceMs, skippedSpans, type Span } from './loss.ts';
import { RETENTION_MS } from './rules.ts';
import type { Scan } from './scans.ts';

/**
 * What a pass lacks of the windows that it has read to their end: rows that ended in its span, and that could be read
 * then, as they are. Those of a backfill may be published by any pass but a replay, those of a replay by itself alone.
 * A row that nobody can map is owed a dead letter. A window that the ledger calls short owes nothing: 8x8 has counted
 * rows that it has not shown.
 */
export function missingOfPass(evidence: Evidence, heads: readonly Head[]): readonly string[] {
  const first = heads[0];
  if (first?.plan === undefined) return [];
  const owed = owedRows(evidence, heads, first);
  const line = evidence.lineOf(first.feed);
  const missing = owed.filter((row) => !row.poison && !isPublished(evidence, row, line)).map((row) =>
    `${describe(row)} is not in the topic, though ${first.feed} has come to ${iso(heads.at(-1)!.watermark)}`);
  return [...missing, ...missingLetters(evidence, owed.filter(({ poison }) => poison), line)];
}

function owedRows(evidence: Evidence, heads: readonly Head[], first: Head): readonly ShownRow[] {
  const { rows, rules, scans } = evidence;
  const { from, end } = first.plan!;
  const unread = [...skippedSpans(evidence, heads), ...shortSpans(evidence, first.feed)];
  return rows.filter((row) => {
    const endMs = row.disconnectedTimeUTC;
    if (row.report !== first.report || endMs < from || endMs >= end || !rules.isShown(first.pbxs, row)) return false;
    const timeMs = rules.windowTimeOf(row);
    if (timeMs === undefined || isSkipped(timeMs, unread)) return false;
    const sinceMs = shownSinceMs(evidence, row, timeMs);
    return scans.ofFeed(first.feed).some((scan) => hasRead(scan, timeMs, first) >= sinceMs);
  });
}

/** When a reading has begun that surely has met the time; the pass itself, if no answer tells more. */
function hasRead({ window, head, startedMs }: Scan, timeMs: number, first: Head): number {
  // Whether the bounds belong to the window is not documented.
  if (timeMs <= window.from || timeMs >= window.to) return -Infinity;
  return timeMs < head.record.timestamp - RETENTION_MS ? -Infinity : startedMs ?? first.record.timestamp;
}

function shortSpans({ audits }: Evidence, feed: string): readonly Span[] {
  return audits.filter((audit) => audit.feed === feed && audit.value['outcome'] === 'short')
    .map(({ value }) => ({ from: Number(value['windowFrom']), to: Number(value['windowTo']) }));
}
