import { iso, type Evidence, type PublishedEvent, type ShownRow } from './evidence.ts';
import type { Head } from './feeds.ts';
import type { Finding } from './invariant.ts';
import { lettersKey } from './mapping.ts';
import { isSameShard } from './repeats.ts';
import { RETENTION_MS } from './rules.ts';
import type { Scan } from './scans.ts';

/** A reading is planned a moment before it asks for its first page. */
const PLANNING_MS = 1_000;

/**
 * I1 No loss: what 8x8 has shown within the covered lateness is published by the live feeds, and what nobody can map
 * is a dead letter.
 *
 * A row is owed once a reading has begun a sweep's time after it could be read: that reading, or one between, was a
 * sweep that came to its end, and reached back to it. Owed are rows before the watermark, behind the beginning of the
 * feed, and in no span that the feed was moved over. A damaged copy, or an answer that denied the row, counts as if
 * the row had been shown only then. What a replay has published does not count. Of passes over history I20 tells.
 */
export function noLoss(evidence: Evidence): Finding {
  const violations: string[] = [];
  let looked = 0;
  for (const [feed, heads] of evidence.feeds.byFeed) {
    if (heads[0]?.pass !== 'live') continue;
    const owed = owedRows(evidence, heads, evidence.scans.ofFeed(feed));
    looked += owed.length;
    for (const row of owed) {
      if (row.poison || isPublished(evidence, row)) continue;
      const reached = `${feed} has come to ${iso(heads.at(-1)!.watermark)}`;
      violations.push(`${describe(row)} is not in the topic, though ${reached}`);
    }
    violations.push(...missingLetters(evidence, owed.filter(({ poison }) => poison)));
  }
  return { looked, at: 'rows that must be there', violations };
}

/** By whom so ever, in one line of events: if it does not say in which, in that of live feeds and backfills. */
export function isPublished({ eventsAbout, lineOf }: Evidence, row: ShownRow, line = ''): boolean {
  return eventsAbout(row.report, row.subject).some(({ feed }) => lineOf(feed) === line);
}

function owedRows(evidence: Evidence, heads: readonly Head[], scans: readonly Scan[]): readonly ShownRow[] {
  const { rows, rules } = evidence;
  const [first, last] = [heads[0], heads.at(-1)];
  if (first === undefined || last === undefined) return [];
  const lastScanMs = Math.max(-Infinity, ...scans.map(({ startedMs = -Infinity }) => startedMs));
  const skipped = skippedSpans(evidence, heads);
  return rows.filter((row) => {
    if (row.report !== first.report || !rules.isShown(first.pbxs, row)) return false;
    const timeMs = rules.windowTimeOf(row);
    if (timeMs === undefined || timeMs <= first.watermark || timeMs >= last.watermark) return false;
    if (timeMs < lastScanMs - RETENTION_MS || isSkipped(timeMs, skipped)) return false;
    const sinceMs = shownSinceMs(evidence, row, timeMs);
    return sinceMs - timeMs <= rules.coveredLatenessMs && sinceMs + rules.sweepEveryMs + PLANNING_MS <= lastScanMs;
  });
}

/** From when on every answer has shown the row, and as it is. */
export function shownSinceMs({ scans }: Evidence, row: ShownRow, timeMs: number): number {
  const denialMs = scans.lastDenialMs(row.report, row.pbxId.toLowerCase(), timeMs);
  return Math.max(row.visibleFromMs, row.lastDamagedMs ?? -Infinity, denialMs);
}

export interface Span {
  readonly from: number;
  readonly to: number;
}

export function isSkipped(timeMs: number, spans: readonly Span[]): boolean {
  return spans.some(({ from, to }) => from <= timeMs && timeMs <= to);
}

/** Where a person has moved the feed on, or 8x8 keeps nothing any more. */
export function skippedSpans({ gapLetterOf }: Evidence, heads: readonly Head[]): readonly Span[] {
  return heads.flatMap((head) => {
    const { before, reset, watermark } = head;
    if (before === undefined) return [];
    const moved = reset !== undefined && watermark > before.watermark;
    return moved || gapLetterOf(head) !== undefined ? [{ from: before.watermark, to: watermark }] : [];
  });
}

/** A dead letter need not tell its row, but of those that look alike there must be as many as rows. */
export function missingLetters(
  { events, lineOf }: Evidence, owed: readonly ShownRow[], line = '',
): readonly string[] {
  const inLine = events.filter(({ topic, feed }) => topic === 'rejected' && lineOf(feed) === line);
  const letters = Map.groupBy(inLine, ({ value }) => lettersKey(String(value['stream']), value));
  const alike = Map.groupBy(owed, (row) => lettersKey(row.report, row.revisions.at(-1)!.row));
  return [...alike].flatMap(([key, rows]) => {
    const found = letters.get(key)?.length ?? 0;
    if (found >= rows.length) return [];
    const letter = `of ${rows.length} rows that look like ${key} there are ${found} dead letters`;
    return [`${describe(rows.at(-1)!)} cannot be mapped, but ${letter}`];
  });
}

/**
 * I5 Watermark never ahead: when a reading moves the watermark, every row of its window that could surely be read when
 * it began, and that the feed publishes, has been committed by the feed, with a lower number; or before it by another
 * pass, unless it is a replay that reads it.
 */
export function watermarkNotAhead(evidence: Evidence): Finding {
  const { rows, scans, rules, eventsAbout } = evidence;
  const violations: string[] = [];
  let looked = 0;
  for (const { head, window, startedMs, deceived } of scans.all) {
    if (startedMs === undefined || deceived) continue;
    looked += 1;
    for (const row of rows) {
      const timeMs = row.report === head.report ? rules.windowTimeOf(row) : undefined;
      // Whether the bounds belong to the window is not documented.
      if (timeMs === undefined || timeMs <= window.from || timeMs >= window.to) continue;
      if (timeMs < head.record.timestamp - RETENTION_MS) continue;
      if (row.poison || row.visibleFromMs > startedMs || !rules.isShown(head.pbxs, row)) continue;
      if (row.lastDamagedMs !== null && row.lastDamagedMs >= startedMs) continue;
      if (!publishes(head, row)) continue;
      const events = eventsAbout(row.report, row.subject);
      if (events.some((event) => isEarlier(evidence, event, head))) continue;
      const where = events.length === 0 ? 'is nowhere' : `comes only with ${events[0]!.feed}/${events[0]!.commit}`;
      violations.push(`${head.feed}/${head.commit} moves the watermark to ${iso(head.watermark)} over the window from `
        + `${iso(window.from)}, read from ${iso(startedMs)} on; but ${describe(row)} ${where}`);
    }
  }
  return { looked, at: 'readings of a window', violations };
}

/** A row before all keys that it knew is read and dropped, and so is one behind the end of a pass. */
function publishes({ before, seenFrom, plan }: Head, { disconnectedTimeUTC: endMs }: ShownRow): boolean {
  return endMs >= (before?.seenFrom ?? seenFrom) && endMs < (plan?.end ?? Infinity);
}

/** Two passes of a feed have one owner, which knows in each what the other has published. */
function isEarlier({ headOf, lineOf }: Evidence, event: PublishedEvent, head: Head): boolean {
  if (event.feed === head.feed) return event.commit < head.commit;
  const other = headOf(event);
  return lineOf(head.feed) === '' && lineOf(event.feed) === '' && other !== undefined && isSameShard(other, head)
    && other.record.offset < head.record.offset;
}

export function describe({ report, key, disconnectedTimeUTC, visibleFromMs, timesServed }: ShownRow): string {
  return `${report} ${key} of ${iso(disconnectedTimeUTC)}, to be read from ${iso(visibleFromMs)} on and served `
    + `${timesServed} times,`;
}
