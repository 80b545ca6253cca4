import { iso, placeOf, type AuditTopic, type Evidence, type PublishedEvent } from './evidence.ts';
import type { Head } from './feeds.ts';
import type { Finding } from './invariant.ts';
import { movesWatermark } from './scans.ts';

/** Each row that was fetched is in one of them. */
const HEAPS = ['new', 'corrected', 'rejected', 'repeated', 'outside'];

/**
 * I18 Ledger: when a watermark moves, its commit has one entry, which tells of the window, of both watermarks and of
 * what the commits of the reading have published; it counts each row that was fetched; and it is called short if, and
 * only if, 8x8 counts more rows than it has shown. No other commit has an entry.
 */
export function ledgerIsTrue(evidence: Evidence): Finding {
  const { feeds, auditsOf } = evidence;
  const violations = feeds.heads.flatMap((head): readonly string[] => {
    const entries = auditsOf(head.feed, head.commit).filter(({ topic }) => topic === 'ledger');
    const expected = movesWatermark(head) ? 1 : 0;
    const name = `${head.feed}/${head.commit}`;
    if (entries.length !== expected) return [`${name} has ${entries.length} entries, not ${expected}`];
    return entries.flatMap((entry) => {
      const wrong = wrongIn(evidence, head, entry);
      return wrong === undefined ? [] : [`${placeOf(entry.record)} of ${name} ${wrong}`];
    });
  });
  return { looked: evidence.audits.length, at: 'entries and watermarks', violations };
}

function wrongIn(evidence: Evidence, head: Head, { value }: PublishedEvent<AuditTopic>): string | undefined {
  const isGap = evidence.gapLetterOf(head) !== undefined;
  const wrong = Object.entries(truthOf(evidence, head, isGap)).find(([name, truth]) => value[name] !== truth);
  if (wrong !== undefined) return `says ${value[wrong[0]]} of ${wrong[0]}, which is ${wrong[1]}`;
  const sum = HEAPS.reduce((all, name) => all + Number(value[name]), 0);
  if (sum !== value['fetched']) return `has fetched ${value['fetched']} rows, and tells of ${sum}`;
  const told = ['new', 'corrected', 'rejected', 'recovered'].reduce((all, name) => all + Number(value[name]), 0);
  const published = rowsSince(evidence, head, isGap);
  if (told !== published) return `tells of ${told} rows, of ${published} since the entry before`;
  const isShort = value['total'] !== null && Number(value['received']) < Number(value['total']);
  const outcome = isGap ? 'gap' : isShort ? 'short' : 'whole';
  return value['outcome'] === outcome ? undefined : `calls ${value['outcome']} what is ${outcome}`;
}

/** What the feed has published since its watermark has last moved, whichever reading it was. */
function rowsSince({ feeds, eventsOf }: Evidence, head: Head, isGap: boolean): number {
  const heads = feeds.byFeed.get(head.feed)!;
  const to = heads.indexOf(head);
  const from = heads.findLastIndex((earlier, index) => index < to && movesWatermark(earlier));
  const rows = heads.slice(from + 1, to + 1).flatMap(({ commit }) => eventsOf(head.feed, commit)).length;
  return isGap ? rows - 1 : rows; // the letter that tells of the gap is no row
}

function truthOf({ eventsOf }: Evidence, head: Head, isGap: boolean): Readonly<Record<string, unknown>> {
  const before = head.before!;
  const commits = Array.from({ length: head.commit - head.scan }, (_, index) => head.scan + 1 + index);
  const events = commits.flatMap((commit) => eventsOf(head.feed, commit));
  const accepted = events.filter(({ topic }) => topic !== 'rejected');
  const fresh = accepted.filter(({ value }) => value['revision'] === 1);
  return {
    pass: head.pass,
    stream: head.report,
    commit: head.commit,
    windowFrom: head.window?.from,
    windowTo: head.window?.to,
    fromWatermark: before.watermark,
    watermark: head.watermark,
    new: fresh.length,
    corrected: accepted.length - fresh.length,
    late: fresh.filter(({ value }) => Number(value['disconnectedTimeUTC']) < before.watermark).length,
    rejected: isGap ? 0 : events.length - accepted.length,
  };
}

/**
 * I19 Watermark events: when a watermark moves, its commit tells of it once, and no other commit does; so in the order
 * of a feed's commits what is complete never shrinks, unless a reset says so.
 */
export function watermarksAreTold({ feeds, audits, auditsOf }: Evidence): Finding {
  const violations = feeds.heads.flatMap((head) => {
    const told = auditsOf(head.feed, head.commit).filter(({ topic }) => topic === 'watermarks');
    const expected = movesWatermark(head) ? [head.watermark] : [];
    const found = told.map(({ value }) => Number(value['completeUpTo']));
    if (String(found) === String(expected)) return [];
    const [said, truth] = [found, expected].map((times) => times.map(iso).join(' and ') || 'none');
    return [`${head.feed}/${head.commit} tells of the watermark ${said}, not of ${truth}`];
  });
  return { looked: audits.length, at: 'entries and watermarks', violations };
}
