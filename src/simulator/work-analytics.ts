import { Readable } from 'node:stream';
import Fastify from 'fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { tokenName } from './answer-log.ts';
import { deliver } from './deliver.ts';
import type { Exchange } from './deliver.ts';
import { answerReportCall, answerTokenCall } from './endpoints.ts';
import type { Ledger } from './ledger.ts';
import { settleOptions } from './options.ts';
import type { SimulatorOptions, SimulatorSettings } from './options.ts';
import type { PhoneSystem } from './phone-system.ts';
import type { Report } from './rows.ts';
import { countRows } from './walk.ts';
import { createWorld, statsOf } from './world.ts';
import type { Stats, World } from './world.ts';

const BASE_PATH = '/analytics/work';
const REPORTS: readonly Report[] = ['call-legs', 'call-records'];
const LEDGER_LINES_PER_CHUNK = 500;

/** A running simulator. */
export interface Simulator {
  /** Base URL of the API, as 8x8's `https://api.8x8.com/analytics/work`. */
  readonly url: string;
  /** `http://host:port`, below which the simulator's own endpoints are. */
  readonly origin: string;
  readonly options: SimulatorOptions;
  readonly system: PhoneSystem;
  readonly ledger: Ledger;
  stats(): Stats;
  /** A run that has to drain switches faults off. Poison rows stay what they are. */
  setFaults(enabled: boolean): void;
  /**
   * Makes all rows that disconnect in `[fromMs, toMs]` ahead of time, so that a benchmark measures serving
   * alone. Returns how many of them can be read by now.
   */
  prepare(fromMs: number, toMs: number): number;
  /** Ends open answers at once. */
  close(): Promise<void>;
}

/**
 * Starts 8x8's Work Analytics as far as it is known, over HTTP:
 *
 * POST {url}/v1/oauth/token      header `8x8-apikey`, form `username`, `password`
 * GET  {url}/v2/call-legs        headers `8x8-apikey`, `Authorization: Bearer`; pbxId, startTime, endTime,
 * GET  {url}/v2/call-records     timeZone, pageSize[, scrollId, ...]
 *
 * and, without credentials, for whoever checks:
 *
 * GET  {origin}/simulator/ledger?report&from&to[&rows=true]   NDJSON of LedgerEntry; from and to in epoch ms
 * GET  {origin}/simulator/answers                             NDJSON of AnswerEntry, oldest first; the latest 100,000
 * GET  {origin}/simulator/stats                               {@link Stats}
 * POST {origin}/simulator/faults   {"enabled": boolean}
 *
 * @see https://developer.8x8.com/analytics/docs/work-analytics-call-legs
 */
export async function startSimulator(settings: SimulatorSettings = {}): Promise<Simulator> {
  const options = settleOptions(settings);
  const world = createWorld(options);
  const closing = new AbortController();
  const server = Fastify({ forceCloseConnections: true, keepAliveTimeout: 72_000, logger: false });

  server.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' },
    (_request, body, done) => done(null, new URLSearchParams(body as string)));
  addApi(server, world, closing.signal);
  addOwnEndpoints(server, world);

  const origin = await server.listen({ host: options.host, port: options.port });
  return {
    url: `${origin}${BASE_PATH}`,
    origin,
    options,
    system: world.system,
    ledger: world.ledger,
    stats: () => statsOf(world),
    setFaults: (enabled) => {
      world.faultsEnabled = enabled;
    },
    prepare: (fromMs, toMs) => prepareRows(world, fromMs, toMs),
    close: async () => {
      closing.abort();
      await server.close();
    },
  };
}

function addApi(server: FastifyInstance, world: World, signal: AbortSignal): void {
  const answer = async (reply: FastifyReply, make: () => Omit<Exchange, 'atMs'>): Promise<void> => {
    // From here on the answer is ours, byte for byte: some of them are broken on purpose.
    reply.hijack();
    const atMs = world.options.clock.nowMs();
    await deliver(world, { ...make(), atMs }, reply.raw, signal);
  };

  server.post(`${BASE_PATH}/v1/oauth/token`, (request, reply) => answer(reply, () => {
    const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams();
    return {
      asked: { endpoint: 'token', query: {}, scrolling: false, token: null },
      answer: answerTokenCall(world, { apiKey: headerOf(request, '8x8-apikey'), form }),
    };
  }));
  for (const report of REPORTS) {
    server.get(`${BASE_PATH}/v2/${report}`, (request, reply) =>
      answer(reply, () => exchangeReport(world, report, request)));
  }
}

function exchangeReport(world: World, report: Report, request: FastifyRequest): Omit<Exchange, 'atMs'> {
  // Read from the raw URL: both %20 and + are a space here.
  const parameters = new URL(request.raw.url ?? '', 'http://simulator').searchParams;
  const authorization = headerOf(request, 'authorization');
  const { scrollId, ...query } = Object.fromEntries(parameters);
  return {
    asked: { endpoint: report, query, scrolling: scrollId !== undefined, token: tokenName(authorization) },
    answer: answerReportCall(world, { report, apiKey: headerOf(request, '8x8-apikey'), authorization, parameters }),
  };
}

function headerOf(request: FastifyRequest, name: string): string | undefined {
  const header = request.headers[name];
  return Array.isArray(header) ? header[0] : header;
}

function addOwnEndpoints(server: FastifyInstance, world: World): void {
  server.get('/simulator/stats', () => statsOf(world));

  server.get('/simulator/answers', (_request, reply) =>
    reply.type('application/x-ndjson').send(Readable.from(linesOf(world.answers.entries()))));

  server.post<{ Body: { enabled?: unknown } | null }>('/simulator/faults', (request, reply) => {
    const enabled = request.body?.enabled;
    if (typeof enabled !== 'boolean') return reply.code(400).send({ message: 'send {"enabled": true|false}' });
    world.faultsEnabled = enabled;
    return { enabled };
  });

  server.get<{ Querystring: Record<string, string> }>('/simulator/ledger', (request, reply) => {
    const { report, from, to, rows } = request.query;
    const known = REPORTS.find((name) => name === report);
    const fromMs = Number(from);
    const toMs = Number(to);
    if (known === undefined || !Number.isSafeInteger(fromMs) || !Number.isSafeInteger(toMs)) {
      return reply.code(400).send({ message: 'needs report=call-legs|call-records, from, to (epoch ms)' });
    }
    const nowMs = world.options.clock.nowMs();
    const entries = world.ledger.entries({ report: known, fromMs, toMs, nowMs, rows: rows === 'true' });
    return reply.type('application/x-ndjson').send(Readable.from(linesOf(entries)));
  });
}

function* linesOf(entries: Iterable<unknown>): Generator<string> {
  let lines: string[] = [];
  for (const entry of entries) {
    lines.push(`${JSON.stringify(entry)}\n`);
    if (lines.length < LEDGER_LINES_PER_CHUNK) continue;
    yield lines.join('');
    lines = [];
  }
  if (lines.length > 0) yield lines.join('');
}

function prepareRows({ system, options }: World, lowMs: number, highMs: number): number {
  const span = { pbxIds: system.pbxIds(), timeOf: 'disconnect', lowMs, highMs, nowMs: options.clock.nowMs() } as const;
  return REPORTS.reduce((sum, report) =>
    sum + countRows(system, { ...span, report, simplified: false, matches: undefined }).count, 0);
}
