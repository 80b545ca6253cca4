import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TestContext } from 'node:test';
import { systemClock, type Clock } from '../../src/clock.ts';
import { createFetch } from '../../src/source/fetch.ts';
import type { ObservedRequest } from '../../src/source/http.ts';
import type { ReadRequest } from '../../src/source/source.ts';
import { createWorkAnalytics, type WorkAnalyticsOptions } from '../../src/source/work-analytics.ts';
import type { RawRow, Stream } from '../../src/streams/stream.ts';
import { readFixture } from '../fixtures/read-fixture.ts';

/** A request as the server saw it. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** An answer: a plain one, or a function that misbehaves on the raw response. */
export type Reply =
  | { status?: number; headers?: Record<string, string>; json?: unknown; text?: string }
  | ((response: ServerResponse) => void);

export interface ScriptedServer {
  readonly baseUrl: string;
  /** Data requests so far. */
  readonly reports: Asked[];
  /** Token requests so far. */
  readonly logins: Asked[];
}

export const TOKEN_PATH = '/v1/oauth/token';

/** Data requests get the answers of `script` in turn, the last one for ever; token requests those of `login`. */
export async function startServer(
  t: TestContext,
  script: readonly Reply[] | ((asked: Asked, index: number) => Reply),
  login: (asked: Asked, index: number) => Reply = (_, index) => tokenReply(`token-${index}`),
): Promise<ScriptedServer> {
  const reports: Asked[] = [];
  const logins: Asked[] = [];
  const server = createServer({ highWaterMark: 16_384 }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const url = new URL(request.url ?? '', 'http://server');
      const { method = '', headers } = request;
      const body = String(Buffer.concat(chunks));
      const asked = { method, path: url.pathname, query: url.searchParams, headers, body };
      const isLogin = url.pathname.endsWith(TOKEN_PATH);
      const index = (isLogin ? logins : reports).push(asked) - 1;
      if (isLogin) return send(login(asked, index), response);
      send(typeof script === 'function' ? script(asked, index) : script[Math.min(index, script.length - 1)]!, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, reports, logins };
}

function documentedRefusal(name: string): Reply {
  const { httpStatus, body } = readFixture<Record<string, { httpStatus: number; body: unknown }>>('errors')[name]!;
  return { status: httpStatus, json: body };
}

export function tokenReply(token: string, expiresIn: unknown = 1_800): Reply {
  return { json: { access_token: token, token_type: 'bearer', expires_in: expiresIn } };
}

/** A page of the report. Without a scrollId it is the documented end. */
/** A page that counts its own rows, unless it is said to count the window's. */
export function page(rows: readonly RawRow[], scrollId?: string, total = rows.length): Reply {
  const meta = { totalRecordCount: total, scrollId: scrollId ?? 'No Data' };
  return { json: { meta, data: rows } };
}

export const end = page([]);

/** Refusals that 8x8 documents. */
export const invalidApiKey = documentedRefusal('invalidApiKey');
export const accessDenied = documentedRefusal('pbxAccessDeniedCallLegs');

export function row(callId: number | string): RawRow {
  return { pbxId: 'acme', callId: String(callId), legId: '1' };
}

export function rowsFrom(first: number, count: number): RawRow[] {
  return Array.from({ length: count }, (_, index) => row(first + index));
}

export const callLegs: Stream = {
  name: 'call-legs',
  path: '/v2/call-legs',
  parameters: ['isConnectTime', 'isSimplified'],
  schemaFile: 'call-leg.avsc',
  identify: (row) => `${String(row.pbxId)}/${String(row.callId)}/${String(row.legId)}`,
  toEvent: () => {
    throw new Error('the source maps no rows');
  },
  revise: () => {
    throw new Error('the source revises no rows');
  },
};

export const request: ReadRequest = {
  stream: callLegs,
  pbxId: 'acme',
  window: { from: Date.UTC(2024, 4, 1, 10), to: Date.UTC(2024, 4, 1, 11) },
};

interface FakeClock extends Clock {
  readonly sleeps: number[];
  advance(ms: number): void;
}

/** Virtual time: a sleep takes none of ours. Sleepers at the same time see the later moment. */
export function fakeClock(startMs = Date.UTC(2024, 4, 1, 12)): FakeClock {
  let nowMs = startMs;
  const sleeps: number[] = [];
  return {
    sleeps,
    nowMs: () => nowMs,
    advance: (ms) => {
      nowMs += ms;
    },
    async sleepUntil(untilMs, signal) {
      if (signal.aborted) return;
      sleeps.push(untilMs - nowMs);
      await nextTurn();
      nowMs = Math.max(nowMs, untilMs);
    },
    deadline: systemClock.deadline, // the server is a real one
  };
}

export const credentials = { apiKey: 'eght_key', username: 'user', password: 'pass word&1' };

/** For those who never stop. */
export const never = new AbortController().signal;

/** As the connector itself does it for a simulator. */
export const fetchDirectly = createFetch({ baseUrl: 'http://127.0.0.1', proxy: () => undefined, allowPrivate: false });

/** The source under test, on a virtual clock and with a budget that is in nobody's way. */
export function createSource(server: Pick<ScriptedServer, 'baseUrl'>, change: Partial<WorkAnalyticsOptions> = {}) {
  const clock = fakeClock();
  const observed: ObservedRequest[] = [];
  const source = createWorkAnalytics({
    baseUrl: server.baseUrl,
    fetch: fetchDirectly,
    credentials: () => credentials,
    pageSize: 'auto',
    requestsPerMinute: 6_000,
    backgroundShare: 1,
    parameters: {},
    requestTimeoutMs: 5_000,
    windowTimeoutMs: 30 * 60_000,
    bodyMaxBytes: 1_000_000,
    clock,
    random: () => 0.5,
    onRequest: (request) => observed.push(request),
    ...change,
  });
  return { source, clock, observed };
}

type TestSource = ReturnType<typeof createSource>['source'];

/** All pages of the window that have rows. */
export async function readAll(source: TestSource, signal = never, what = request): Promise<RawRow[][]> {
  const pages: RawRow[][] = [];
  for await (const { rows } of source.readPages(what, signal)) if (rows.length > 0) pages.push([...rows]);
  return pages;
}

function send(reply: Reply, response: ServerResponse): void {
  if (typeof reply === 'function') return reply(response);
  const { status = 200, headers = {}, json, text } = reply;
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(text ?? (json === undefined ? '' : JSON.stringify(json)));
}
