import { ConnectorError } from '../errors.ts';
import { isShort } from '../feed/window.ts';
import type { Stream } from '../streams/stream.ts';
import { AnswerTooLarge } from './body.ts';
import { createHttp, type Http, type HttpOptions } from './http.ts';
import { parsePage, type Page } from './page.ts';
import { explainReportRefusal, isCredentialRefused, ReportRefused } from './refusals.ts';
import { createScroll, type Scroll } from './scroll.ts';
import type { ReadRequest, Source } from './source.ts';
import { createTokens, type Credentials, type Tokens } from './token.ts';

export interface WorkAnalyticsOptions extends HttpOptions {
  /** Called for every token, so that rotated secrets are read again. */
  readonly credentials: () => Credentials;
  /** Rows to ask for in one page; `auto` finds out what 8x8 grants, see {@link PAGE_SIZES_AUTO}. */
  readonly pageSize: number | 'auto';
  /** Optional query parameters, e.g. `isSimplified`. A stream gets those that its report understands. */
  readonly parameters: Readonly<Record<string, string>>;
  /** For all requests of a window and the rests between them. Waiting for the budget or the caller is free. */
  readonly windowTimeoutMs: number;
}

/**
 * The guides say a page "must be" 50 rows, the OpenAPI file allows 7000, and public clients run with both.
 * UNVERIFIED which holds for every account, so we start with 1000 and fall back when it is refused.
 */
const PAGE_SIZES_AUTO = { first: 1_000, smallest: 50 };

/** A minute of rests at most. Beyond that the caller's turn-taking does better than this feed alone. */
const RETRIES_MAX = 6;

/** `check` is asked by a person who waits. */
const CHECK_RETRIES_MAX = 2;

/** A window of history is read once only, so it gets more tries to be whole than one that sweeps will read again. */
const ATTEMPTS_MAX = { live: 2, background: 4 };

/** A window whose scroll runs out so often is too large for 8x8, or something else is wrong. */
const RESTARTS_MAX = 3;

/** 8x8 itself. */
export interface WorkAnalytics extends Source {
  /** Sets which part of the account's budget is ours. */
  setShare(share: number): void;

  /**
   * The first page of a window in pages of just that size, for whoever finds out what 8x8 takes.
   *
   * @throws ConnectorError as {@link Source.readPages}; {@link ReportRefused} for a page size that is refused.
   */
  firstPage(request: ReadRequest, pageSize: number, signal: AbortSignal): Promise<Page>;
}

/**
 * Reads reports from 8x8 Work Analytics.
 *
 * Request     GET {base}{stream.path}?pbxId&startTime&endTime&timeZone=UTC&pageSize[&scrollId], with the headers
 *             `8x8-apikey` and `Authorization`. Every page repeats all parameters.
 *             Times are `YYYY-MM-DD HH:MM:SS`. We always ask in UTC: local time
 *             misses an hour each spring and doubles one each autumn.
 * Response    see {@link parsePage}
 * Source      https://developer.8x8.com/analytics/docs/work-analytics-call-legs
 * UNVERIFIED  whether `endTime` is inclusive. We need not know: rows at the edge are read twice and deduped.
 *
 * @throws ConnectorError CONFIG_INVALID if the base URL cannot be one.
 */
export function createWorkAnalytics(options: WorkAnalyticsOptions): WorkAnalytics {
  const baseUrl = cleanBaseUrl(options.baseUrl);
  const http = createHttp({ ...options, baseUrl });
  const tokens = createTokens({ credentials: options.credentials, http, clock: options.clock });
  const reader: Reader = { ...options, http, tokens };
  let pageSize = options.pageSize === 'auto' ? PAGE_SIZES_AUTO.first : options.pageSize;
  /** Feeds whose last window stayed short when it was read anew: 8x8 may count otherwise than we do. */
  const stayedShort = new Set<string>();

  return {
    async check(signal) {
      await tokens.get(signal, CHECK_RETRIES_MAX);
    },

    async *readPages(request, signal) {
      const patience = { leftMs: options.windowTimeoutMs };
      const lane = request.background === true ? 'background' : 'live';
      const feed = `${lane}/${request.stream.name}/${request.pbxId}`;
      let scroll = createScroll(request.stream, pageSize);
      let restarts = 0;
      let attempts = 1;

      for (;;) {
        let page: Page;
        try {
          page = await readPage(reader, request, { scroll, patience, retriesMax: RETRIES_MAX }, signal);
        } catch (error) {
          const smaller = smallerPageSize(error, scroll, options.pageSize);
          if (smaller === undefined) {
            if (!hasScrollExpired(error, scroll) || restarts === RESTARTS_MAX) throw error;
            restarts += 1;
          }
          scroll = createScroll(request.stream, smaller ?? scroll.pageSize);
          continue;
        }
        // Only now, because a refusal may have had another reason than the size.
        pageSize = Math.min(pageSize, scroll.pageSize);
        scroll.advance(page);
        const { total, received } = scroll;
        yield { rows: page.rows, reading: { total, received, attempts } };
        if (page.nextScrollId !== undefined) continue;

        if (!isShort({ total, received })) return void stayedShort.delete(feed);
        if (attempts === ATTEMPTS_MAX[lane] || stayedShort.has(feed)) return void stayedShort.add(feed);
        attempts += 1;
        scroll = createScroll(request.stream, pageSize);
      }
    },

    firstPage(request, size, signal) {
      const place = { scroll: createScroll(request.stream, size), patience: { leftMs: options.windowTimeoutMs } };
      return readPage(reader, request, { ...place, retriesMax: CHECK_RETRIES_MAX }, signal);
    },

    setShare: http.setShare,
    aheadMs: http.aheadMs,
  };
}

interface Reader extends WorkAnalyticsOptions {
  readonly http: Http;
  readonly tokens: Tokens;
}

/** Where a window is being read. */
interface Place {
  readonly scroll: Scroll;
  readonly patience: { leftMs: number };
  readonly retriesMax: number;
}

/** One page. Refused credentials are renewed once; then the very same page is asked for. */
async function readPage(reader: Reader, request: ReadRequest, place: Place, signal: AbortSignal): Promise<Page> {
  const { scroll, patience, retriesMax } = place;
  const path = `${request.stream.path}?${reportQuery(request, scroll, reader.parameters)}`;

  for (let renewed = false; ; renewed = true) {
    const token = await reader.tokens.get(signal, retriesMax);
    const answer = await reader.http.send({
      endpoint: request.stream.name,
      method: 'GET',
      path,
      headers: { '8x8-apikey': token.apiKey, authorization: `Bearer ${token.accessToken}` },
      retriesMax,
      background: request.background ?? false,
      patience,
      parse: (json) => parsePage(json, scroll.rowCount),
    }, signal);

    if ('value' in answer) return answer.value;
    if (renewed || !isCredentialRefused(answer.refusal)) {
      const report = { stream: request.stream.name, pbxId: request.pbxId };
      throw explainReportRefusal(answer.refusal, report, [...token.secrets, scroll.scrollId ?? '']);
    }
    reader.tokens.drop(token);
  }
}

function reportQuery(request: ReadRequest, scroll: Scroll, parameters: Readonly<Record<string, string>>): string {
  if (!/^[^\p{Cc}]+$/u.test(request.pbxId)) {
    const problem = 'a PBX name is empty or contains a line break; cure: write it again';
    throw new ConnectorError('CONFIG_INVALID', `EIGHT_PBX_IDS: ${problem}`);
  }
  const query = new URLSearchParams({
    ...understoodBy(request.stream, parameters),
    pbxId: request.pbxId,
    startTime: reportTime(request.window.from),
    endTime: reportTime(request.window.to),
    timeZone: 'UTC',
    pageSize: String(scroll.pageSize),
  });
  if (scroll.scrollId !== undefined) query.set('scrollId', scroll.scrollId);
  return query.toString();
}

function understoodBy(stream: Stream, parameters: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(parameters).filter(([name]) => stream.parameters.includes(name)));
}

/** The page size to start the window over with; `undefined` if the error is not about it. */
function smallerPageSize(error: unknown, scroll: Scroll, configured: number | 'auto'): number | undefined {
  const { pageSize, scrollId } = scroll;
  const { smallest } = PAGE_SIZES_AUTO;
  if (pageSize <= smallest) return undefined;
  if (error instanceof AnswerTooLarge) return Math.max(Math.floor(pageSize / 2), smallest);

  const refused = error instanceof ReportRefused && error.status === 400 && scrollId === undefined;
  return refused && configured === 'auto' ? smallest : undefined;
}

/**
 * UNVERIFIED: whether a scrollId expires at all. Those published spell out the last row's key, so it
 * probably does not. If it does, only the window as a whole can be trusted.
 */
function hasScrollExpired(error: unknown, scroll: Scroll): boolean {
  return error instanceof ReportRefused && scroll.scrollId !== undefined && [400, 404, 410].includes(error.status);
}

/** `1714557600000` -> `"2024-05-01 10:00:00"` */
export function reportTime(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}

/** Paths are put behind it as they are. Credentials in it would end in messages and proxies' logs. */
function cleanBaseUrl(text: string): string {
  const url = URL.parse(text);
  const isWeb = url !== null && ['http:', 'https:'].includes(url.protocol);
  if (!isWeb || url.username || url.password || url.search || url.hash) {
    throw new ConnectorError('CONFIG_INVALID', 'EIGHT_BASE_URL must be http(s)://host/path, without user, ? or #');
  }
  return url.href.replace(/\/+$/, '');
}
