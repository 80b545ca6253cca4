import type { PhoneSystem } from './phone-system.ts';
import type { TimeOf } from './row-bucket.ts';
import type { Row } from './row.ts';
import { rowPieces } from './row.ts';
import type { JsonRow, Report } from './rows.ts';
import type { TimeZone } from './time-zone.ts';
import { countRows, placeOf, walkRows } from './walk.ts';
import type { Place, Span } from './walk.ts';

/** How 8x8 reads a window. None of it is documented. */
export interface WindowRules {
  /**
   * `inclusive` both ends belong to the window (clients assume it); `half-open` the end does not;
   * `exclusive` neither does; `whole-seconds` a row's time is cut to its second first, then inclusive.
   */
  readonly bounds: 'inclusive' | 'half-open' | 'exclusive' | 'whole-seconds';
  /** Which time of a call record a window means. Legs have `isConnectTime` for that. */
  readonly recordsFilter: TimeOf;
}

export const WINDOW_RULES_DEFAULTS: WindowRules = { bounds: 'inclusive', recordsFilter: 'disconnect' };

/** One request for one page. */
export interface PageQuery {
  readonly report: Report;
  readonly pbxIds: readonly string[];
  /** The window, epoch milliseconds; see {@link WindowRules} for its ends. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly pageSize: number;
  /** `meta.scrollId` of the page before; none for the first page. */
  readonly scrollId?: string | undefined;
  /** The moment the page is read. Rows that become visible behind the scroll are never shown to it. */
  readonly nowMs: number;
  /** Legs only: the window means connect time, so legs that never connected are in none. */
  readonly isConnectTime?: boolean;
  readonly isSimplified?: boolean;
  /** Exact extensions. */
  readonly caller?: readonly string[];
  readonly callee?: readonly string[];
  readonly callerOrCallee?: readonly string[];
  readonly rules?: WindowRules;
}

export interface Page {
  /** Rows of the whole query at this moment; 0 on the page that ends a scroll. */
  readonly totalRecordCount: number;
  /** `No Data` on the page that ends a scroll. The last page with rows still has an id. */
  readonly scrollId: string;
  readonly rows: readonly Row[];
}

export const END_OF_SCROLL = 'No Data';
const RETENTION_MS = 2 * 365 * 86_400_000;

/** The scroll id is none of ours. Over HTTP it is a 400. */
export class ScrollIdError extends Error {
  override readonly name = 'ScrollIdError';
}

/**
 * Reads one page of a report, as the HTTP layer does. Pure: equal systems and queries give equal pages.
 * Only the last two years are kept; what is older is silently absent.
 *
 * @throws ScrollIdError
 */
export function queryPage(system: PhoneSystem, query: PageQuery): Page {
  const span = spanOf(query);
  const after = query.scrollId === undefined ? undefined : readScrollId(query.scrollId, query.report);
  const rows: Row[] = [];
  if (span.lowMs <= span.highMs && query.pageSize > 0) {
    for (const row of walkRows(system, span, after)) {
      rows.push(row);
      if (rows.length === query.pageSize) break;
    }
  }
  const last = rows.at(-1);
  if (last === undefined) return { totalRecordCount: 0, scrollId: END_OF_SCROLL, rows };
  return { totalRecordCount: countCached(system, query, span), scrollId: makeScrollId(last), rows };
}

/**
 * The whole answer, `{"meta":{...},"data":[...]}`, in pieces to be sent one after the other: joining them
 * would cost more than all the rest of a page. A Buffer among the rows is JSON to be sent as it is.
 *
 * @param zone of the text times; UTC if none
 */
export function pagePieces(
  meta: Readonly<Record<string, unknown>>, rows: readonly (Row | Buffer)[], zone?: TimeZone,
): readonly Buffer[] {
  return [Buffer.from(`{"meta":${JSON.stringify(meta)},"data":[`), ...rowPieces(rows, zone), Buffer.from(']}')];
}

/**
 * Unpadded base64 of the last row's key: `{pbx}_{callId}_{legId}_{startTimeUTC}`, a record's without legId.
 * So do the ids in 8x8's samples decode.
 */
export function makeScrollId({ bucket, index, report }: Row): string {
  const { pbxId, callId, legId, startMs } = placeOf(bucket, index);
  return encodeScrollId(report === 'call-legs' ? [pbxId, callId, legId, startMs] : [pbxId, callId, startMs]);
}

export function encodeScrollId(key: readonly (string | number)[]): string {
  return Buffer.from(key.join('_')).toString('base64').replace(/=+$/, '');
}

/** @throws ScrollIdError for anything but an id of this report */
export function readScrollId(scrollId: string, report: Report): Place {
  const parts = Buffer.from(scrollId, 'base64').toString().split('_');
  const startMs = Number(parts.pop());
  const legId = report === 'call-legs' ? Number(parts.pop()) : 0;
  const callId = Number(parts.pop());
  // The PBX name comes first because it may hold underscores itself.
  const pbxId = parts.join('_');
  if (pbxId === '' || ![startMs, legId, callId].every(Number.isSafeInteger)) {
    throw new ScrollIdError(`invalid scrollId ${scrollId}`);
  }
  return { startMs, legId, callId, pbxId };
}

function spanOf(query: PageQuery): Span {
  const { report, pbxIds, nowMs, isConnectTime = false, isSimplified = false } = query;
  const { bounds, recordsFilter } = query.rules ?? WINDOW_RULES_DEFAULTS;
  const keptFromMs = nowMs - RETENTION_MS;
  const lowMs = bounds === 'exclusive' ? query.fromMs + 1 : query.fromMs;
  const highMs = {
    'inclusive': query.toMs,
    'half-open': query.toMs - 1,
    'exclusive': query.toMs - 1,
    'whole-seconds': Math.floor(query.toMs / 1_000) * 1_000 + 999,
  }[bounds];
  const timeOf = report === 'call-records' ? recordsFilter : isConnectTime ? 'connect' : 'disconnect';
  return {
    report, pbxIds, nowMs, timeOf, highMs, lowMs: Math.max(lowMs, keptFromMs),
    simplified: isSimplified, matches: partyFilter(query),
  };
}

function partyFilter({ caller, callee, callerOrCallee }: PageQuery): ((row: JsonRow) => boolean) | undefined {
  if (caller === undefined && callee === undefined && callerOrCallee === undefined) return undefined;
  return (row) => (caller === undefined || caller.includes(String(row.caller)))
    && (callee === undefined || callee.includes(String(row.callee)))
    && (callerOrCallee === undefined
      || callerOrCallee.includes(String(row.caller)) || callerOrCallee.includes(String(row.callee)));
}

const COUNTS_CACHED_MAX = 256;

/** A scroll asks for the same count on every page; counted once, it holds until the next row becomes visible. */
function countCached(system: PhoneSystem, query: PageQuery, span: Span): number {
  const { report, pbxIds, timeOf, lowMs, highMs, simplified, nowMs } = span;
  const key = JSON.stringify([report, pbxIds, timeOf, lowMs, highMs, simplified,
    query.caller, query.callee, query.callerOrCallee]);
  const known = system.counts.get(key);
  if (known !== undefined && known.fromMs <= nowMs && nowMs < known.untilMs) return known.count;
  const fresh = countRows(system, span);
  if (system.counts.size >= COUNTS_CACHED_MAX) system.counts.clear();
  system.counts.set(key, fresh);
  return fresh.count;
}
