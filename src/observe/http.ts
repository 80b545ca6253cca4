import { createHash, timingSafeEqual } from 'node:crypto';
import fastify, { type FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import type { SignalAnswer } from '../feed/ask.ts';
import type { Answer, Health } from './health.ts';
import type { Overview } from './overview.ts';
import { addPage } from './page.ts';

export interface HttpOptions {
  readonly host: string;
  readonly port: number;
  readonly registry: Registry;
  readonly health: Health;
  readonly overview: Overview;
  /** Signals over HTTP: who may send them, and what takes them. Without it there is no such route. */
  readonly signals?: SignalRoute | undefined;
}

export interface SignalRoute {
  /** What a request must bear; read at each, for a secret may be rotated. */
  readonly token: () => string;
  readonly obey: (text: string) => Promise<SignalAnswer>;
}

const BODY_MAX_BYTES = 64 * 1_024;

const STATUS = { obeyed: 200, unchanged: 200, unreadable: 400, refused: 400, failed: 503 } as const;

/**
 * Serves the status page, /status, /metrics and the probes, and takes signals if it may. Resolves to the address it
 * listens on and the way to end it.
 */
export async function serveHttp(options: HttpOptions): Promise<{ readonly url: string; close(): Promise<void> }> {
  const { registry, health, overview, signals } = options;
  // Who watches live does not keep us from stopping.
  const server = fastify({ logger: false, forceCloseConnections: true });

  server.get('/metrics', async (_, reply) => reply.type(registry.contentType).send(await registry.metrics()));
  server.get('/status', async () => overview.status());
  const probes = { '/healthz': health.alive, '/readyz': health.ready, '/freshz': overview.fresh };
  for (const [path, ask] of Object.entries<() => Answer>(probes)) {
    server.get(path, async (_, reply) => {
      const answer = ask();
      return reply.code(answer.ok ? 200 : 503).send(answer);
    });
  }

  addPage(server, overview.status);
  if (signals !== undefined) addSignals(server, signals);
  const url = await server.listen({ host: options.host, port: options.port });
  return { url, close: () => server.close() };
}

function addSignals(server: FastifyInstance, { token, obey }: SignalRoute): void {
  server.removeAllContentTypeParsers(); // what fastify says of bad JSON quotes it
  server.addContentTypeParser('*', { parseAs: 'string' }, (_, body, done) => done(null, body));
  server.post<{ Body: string | undefined }>('/signals', {
    bodyLimit: BODY_MAX_BYTES,
    onRequest: async ({ headers }, reply) => {
      const expected = readToken(token);
      if (expected === undefined) return reply.code(503).send({ problem: 'the HTTP_TOKEN cannot be read' });
      if (!isToken(headers.authorization, expected)) return reply.code(401).send({ problem: 'not the HTTP_TOKEN' });
    },
  }, async ({ body = '' }, reply) => {
    const answer = await obey(body);
    return reply.code(STATUS[answer.outcome]).send(answer);
  });
}

/** Its file may be away, or empty, while it is written anew. */
function readToken(token: () => string): string | undefined {
  try {
    return token() || undefined;
  } catch {
    return undefined;
  }
}

/** In a time that tells nothing of the token: digests are compared, which are of one length. */
function isToken(authorization: string | undefined, token: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(authorization ?? ''), digest(`Bearer ${token}`));
}
