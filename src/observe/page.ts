import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { systemClock } from '../clock.ts';
import { statusEvents } from './live-status.ts';
import type { Status } from './status.ts';

// The page's own files stay in src/, also when this one runs from dist/: a browser takes them as they are.
const PAGE = new URL('../../src/observe/page/', import.meta.url);
const UPLOT = dirname(createRequire(import.meta.url).resolve('uplot'));

const HTML = 'text/html; charset=utf-8';
const CSS = 'text/css; charset=utf-8';
const JS = 'text/javascript; charset=utf-8';

/** Nothing but ourselves, so that the page works without the Internet, and nothing of it can tell tales. */
const HEADERS = {
  'content-security-policy': "default-src 'self'; img-src data:; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** Serves the status page at `/`, and what it lives on: `/status/live`. It reads; there is nothing to be done by it. */
export function addPage(server: FastifyInstance, status: () => Status): void {
  const files = [
    ['/', HTML, readFileSync(new URL('index.html', PAGE))],
    ['/page/page.css', CSS, readFileSync(new URL('page.css', PAGE))],
    ['/page/page.js', JS, readFileSync(new URL('page.js', PAGE))],
    ['/page/charts.js', JS, readFileSync(new URL('charts.js', PAGE))],
    ['/page/uplot.js', JS, readFileSync(join(UPLOT, 'uPlot.iife.min.js'))],
    ['/page/uplot.css', CSS, readFileSync(join(UPLOT, 'uPlot.min.css'))],
  ] as const;
  for (const [path, type, bytes] of files) {
    server.get(path, async (_, reply) => reply.headers(HEADERS).type(type).send(bytes));
  }
  server.get('/status/live', async (_, reply) =>
    reply.headers({ ...HEADERS, 'cache-control': 'no-store' }).type('text/event-stream')
      .send(Readable.from(statusEvents(status, systemClock))));
}
