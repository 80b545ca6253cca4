import fastify from 'fastify';
import type { Registry } from 'prom-client';
import type { Health } from './health.ts';

export interface HttpOptions {
  readonly host: string;
  readonly port: number;
  readonly registry: Registry;
  readonly health: Health;
}

/** Serves /metrics, /healthz and /readyz. Resolves to the address it listens on and the way to end it. */
export async function serveHttp(options: HttpOptions): Promise<{ readonly url: string; close(): Promise<void> }> {
  const { registry, health } = options;
  const server = fastify({ logger: false });

  server.get('/metrics', async (_, reply) => reply.type(registry.contentType).send(await registry.metrics()));
  server.get('/healthz', async (_, reply) => {
    const answer = health.alive();
    return reply.code(answer.ok ? 200 : 503).send(answer);
  });
  server.get('/readyz', async (_, reply) => {
    const answer = health.ready();
    return reply.code(answer.ok ? 200 : 503).send(answer);
  });

  const url = await server.listen({ host: options.host, port: options.port });
  return { url, close: () => server.close() };
}
