import type { AnswerLine, Dumps } from './dumps.ts';
import type { Feeds, Head } from './feeds.ts';
import { isInGroup } from './rules.ts';

/** A reading of a window that came to its end: it moved the watermark. */
export interface Scan {
  /** Its last commit. */
  readonly head: Head;
  readonly window: { readonly from: number; readonly to: number };
  /** No later than its first page was asked for, by 8x8's clock; undefined if no answer can be told to be its own. */
  readonly startedMs: number | undefined;
  /** 8x8 has said that there are no rows, though there were: nobody can know better in that reading. */
  readonly deceived: boolean;
}

export interface Scans {
  /** In the order of their commits. */
  readonly ofFeed: (feed: string) => readonly Scan[];
  readonly all: readonly Scan[];
  /** When 8x8 has last denied rows of that time: a reading before it proves nothing. */
  readonly lastDenialMs: (report: string, pbx: string, timeMs: number) => number;
}

/** Faults whose answers nobody can read. */
const UNREADABLE = new Set([
  'throttled', 'server-error', 'hang', 'cut', 'truncated', 'html', 'wrong-content-type', 'redirect',
]);

/** @param isRead whether a window was read at all: one that 8x8 no longer keeps is only passed over */
export function findScans(
  { answers, run: { skewMs } }: Dumps, feeds: Feeds, isRead: (head: Head) => boolean,
): Scans {
  const readable = answers.filter(({ status, fault }) => status === 200 && !UNREADABLE.has(fault ?? ''));
  const byEnd = Map.groupBy(readable.filter(({ endpoint }) => endpoint !== 'token'), endName);
  const denials = readable.filter(({ fault }) => fault === 'empty-page');

  const all = feeds.heads.filter((head) => movesWatermark(head) && isRead(head)).map((head): Scan => {
    const window = head.window!;
    const asked = (byEnd.get(`${head.report} ${window.to}`) ?? []).filter((answer) => isFor(answer, head, window.from));
    // The reading began after the commit it counts from. The first page asked for since then is its own, or one that
    // came to nothing before it: in both cases what could be read by then could be read by it.
    const sinceMs = commitTimeMs(feeds, head) - skewMs;
    const first = asked.find(({ scrolling, atMs }) => !scrolling && atMs >= sinceMs);
    const deceived = asked.some(({ fault, atMs }) => fault === 'empty-page' && atMs >= sinceMs);
    return { head, window, startedMs: first?.atMs, deceived };
  });
  const byFeed = Map.groupBy(all, ({ head }) => head.feed);
  return {
    all,
    ofFeed: (feed) => byFeed.get(feed) ?? [],
    lastDenialMs: (report, pbx, timeMs) => denials.reduce((lastMs, denial) => {
      const { from, to } = windowOf(denial);
      const about = denial.endpoint === report && from <= timeMs && timeMs <= to
        && isInGroup(denial.query['pbxId']!.toLowerCase(), pbx);
      return about ? Math.max(lastMs, denial.atMs) : lastMs;
    }, -Infinity),
  };
}

/** Neither a beginning, nor a reset, nor a page. */
export function movesWatermark({ window, before, reset, watermark }: Head): boolean {
  return window !== undefined && before !== undefined && reset === undefined && watermark > before.watermark;
}

/** The window of a report request, epoch milliseconds; we only ever ask in UTC. */
export function windowOf({ query }: AnswerLine): { readonly from: number; readonly to: number } {
  const ms = (text = ''): number => Date.parse(`${text.replace(' ', 'T')}Z`);
  return { from: ms(query['startTime']), to: ms(query['endTime']) };
}

function endName(answer: AnswerLine): string {
  return `${answer.endpoint} ${windowOf(answer).to}`;
}

/** A feed asks for its own window alone, or for the windows of several by one request that reaches back to all. */
function isFor(answer: AnswerLine, { pbxs }: Head, fromMs: number): boolean {
  const asked = answer.query['pbxId']!.toLowerCase();
  const { from } = windowOf(answer);
  if (asked === pbxs) return from === fromMs;
  const names = asked.split(',');
  return from <= fromMs && pbxs.split(',').every((name) => names.includes(name));
}

/** When the commit was made that a head's reading began after; if it is lost, nobody knows. */
function commitTimeMs({ byFeed }: Feeds, head: Head): number {
  const known = byFeed.get(head.feed)!.find(({ commit }) => commit === head.scan);
  return known?.record.timestamp ?? -Infinity;
}
