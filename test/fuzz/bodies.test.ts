import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { systemClock } from '../../src/clock.ts';
import { createHttp, type Answer, type ObservedRequest } from '../../src/source/http.ts';
import { fetchDirectly, never, startServer, type Reply } from '../source/scripted-server.ts';
import { assertIsRefusal, assertUnpolluted } from './fuzz.ts';
import { CANARY } from './hostile.ts';

/** For answers that must end by themselves, and for those that only the deadline ends. */
const LIMIT_MS = 10_000;
const LIMIT_LATE_MS = 200;
const BODY_MAX_BYTES = 1_000_000;
const MEMORY_MAX_BYTES = 192 * 1_024 ** 2;

const MALFORMED = /^SOURCE_MALFORMED: /;
const TOO_LARGE = /more than 1000000 bytes/;
const LATE = /no whole answer within 200 ms/;
const BROKEN = /^SOURCE_UNAVAILABLE: the connection to .* broke/;

/** An answer that is an attack, and what comes of it when its status is 200. */
interface Attack {
  readonly name: string;
  readonly says: RegExp;
  /** Writes the answer; told the status line. */
  readonly send: (response: ServerResponse, status: number) => void;
}

const BLOCK_BYTES = 16 * 1_024 ** 2;
const spaces = Buffer.alloc(BLOCK_BYTES, ' ');
/** 2 GiB when unpacked: streams of gzip may follow each other. */
const bomb = Buffer.concat(Array<Buffer>(128).fill(gzipSync(spaces)));
/** Unpacks to 2 GiB of gzip in which there is nothing at all: no limit of bytes ever comes. */
const nothing = gzipSync('');
const nothings = gzipSync(Buffer.alloc(BLOCK_BYTES - (BLOCK_BYTES % nothing.length), nothing));
const emptyBomb = Buffer.concat(Array<Buffer>(128).fill(nothings));

const attacks: readonly Attack[] = [
  { name: 'a bomb of gzip', says: TOO_LARGE, send: packed('gzip', bomb) },
  { name: 'a bomb in a bomb', says: TOO_LARGE, send: packed('gzip, gzip', gzipSync(bomb)) },
  { name: 'a bomb in a bomb in a bomb', says: TOO_LARGE, send: packed('gzip, gzip, gzip', gzipSync(gzipSync(bomb))) },
  { name: 'a bomb of nothing in a bomb', says: LATE, send: packed('gzip, gzip', emptyBomb) },
  { name: 'a bomb of brotli', says: TOO_LARGE, send: packed('br', brotliCompressSync(spaces)) },
  { name: 'a bomb of deflate', says: TOO_LARGE, send: packed('deflate', deflateSync(spaces)) },
  { name: 'a bomb of zstd', says: TOO_LARGE, send: packed('zstd', zstdCompressSync(spaces)) },
  { name: 'a hundred encodings', says: /^SOURCE_UNAVAILABLE/, send: packed(Array(100).fill('gzip').join(', '), bomb) },
  { name: 'gzip that is none', says: BROKEN, send: packed('gzip', Buffer.from('{"data":[]}')) },
  { name: 'gzip that is cut', says: MALFORMED, send: packed('gzip', gzipSync('{"data":[]}').subarray(0, 15)) },
  { name: 'an unknown encoding', says: MALFORMED, send: packed('rot13', Buffer.from(`{"${CANARY}`)) },

  { name: 'an endless body', says: TOO_LARGE, send: (response, status) =>
    pour(head(response, status), ' '.repeat(65_536)) },
  { name: 'endless chunks of a byte', says: TOO_LARGE, send: (response, status) =>
    pour(head(response, status, 'transfer-encoding: chunked'), '1\r\n \r\n'.repeat(10_000)) },
  { name: 'an endless extension of a chunk', says: LATE, send: (response, status) =>
    pour(head(response, status, 'transfer-encoding: chunked', '1;x'), 'x'.repeat(65_536)) },
  { name: 'endless trailers', says: BROKEN, send: (response, status) =>
    pour(head(response, status, 'transfer-encoding: chunked', '2\r\n{}\r\n0\r\n'), 'x-a: b\r\n'.repeat(8_000)) },
  { name: 'endless headers', says: BROKEN, send: (response) =>
    pour(raw(response, 'HTTP/1.1 200 OK\r\n'), `x-a: ${CANARY}\r\n`.repeat(4_000)) },
  { name: 'one endless header', says: BROKEN, send: (response) =>
    pour(raw(response, 'HTTP/1.1 200 OK\r\nx-a: '), 'x'.repeat(65_536)) },
  { name: 'an endless status line', says: LATE, send: (response) =>
    pour(raw(response, 'HTTP/1.1 200 '), 'x'.repeat(65_536)) },
  { name: 'endless early hints', says: LATE, send: (response) =>
    pour(raw(response, ''), 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(10)) },

  { name: 'a body of a byte now and then', says: LATE, send: (response, status) => drip(head(response, status), ' ') },
  { name: 'headers of a byte now and then', says: LATE, send: (response) =>
    drip(raw(response, 'HTTP/1.1 200 OK\r\nx-a: '), 'x') },
  { name: 'headers and no body', says: LATE, send: (response, status) => void head(response, status) },

  { name: 'less than its Content-Length', says: BROKEN, send: (response, status) =>
    head(response, status, 'content-length: 100', '{"data":[]}').end() },
  { name: 'less than its Content-Length, and silence', says: LATE, send: (response, status) =>
    void head(response, status, 'content-length: 100', '{"data":[]}') },
  { name: 'more than its Content-Length', says: MALFORMED, send: (response, status) =>
    head(response, status, 'content-length: 5', '{"data":[]}').end() },
  { name: 'a negative Content-Length', says: BROKEN, send: (response, status) =>
    head(response, status, 'content-length: -5', '{"data":[]}').end() },
  { name: 'a Content-Length beyond 2^64', says: BROKEN, send: (response, status) =>
    head(response, status, `content-length: ${'9'.repeat(30)}`, '{"data":[]}').end() },
  { name: 'two lengths', says: BROKEN, send: (response, status) =>
    head(response, status, 'content-length: 2\r\ncontent-length: 11', '{"data":[]}').end() },
  { name: 'a length and chunks', says: BROKEN, send: (response, status) =>
    head(response, status, 'content-length: 2\r\ntransfer-encoding: chunked', '2\r\n{}\r\n0\r\n\r\n').end() },
  { name: 'a chunk whose size is garbage', says: BROKEN, send: (response, status) =>
    head(response, status, 'transfer-encoding: chunked', 'zz\r\n{}').end() },
  { name: 'a chunk whose size is beyond 2^64', says: BROKEN, send: (response, status) =>
    head(response, status, 'transfer-encoding: chunked', `${'f'.repeat(20)}\r\n{}`).end() },
  { name: 'chunks without an end', says: BROKEN, send: (response, status) =>
    head(response, status, 'transfer-encoding: chunked', '2\r\n{}\r\n').end() },
  { name: 'garbage', says: BROKEN, send: (response) => raw(response, `${CANARY}\u0000\r\n\r\n`).end() },
  { name: 'nothing', says: BROKEN, send: (response) => raw(response, '').end() },
];

// Goal: whatever a server sends, a request ends in time, in little memory, and its connection is freed. Method: each
// attack in the place of a report, of an error's explanation and of a failure, whose body nobody wants.
for (const { name, says, send } of attacks) {
  for (const status of [200, 400, 503]) {
    test(`a request ends that is answered with ${name}, status ${status}`, { timeout: 30_000 }, async (t) => {
      const sockets: Socket[] = [];
      const peakBefore = peakBytes();
      const requestTimeoutMs = says === LATE ? LIMIT_LATE_MS : LIMIT_MS;
      const { ask, observed } = await startAttack(t, requestTimeoutMs, (response) => {
        sockets.push(response.socket!);
        send(response, status);
      });
      const outcome = await ask().then(
        (answer) => 'refusal' in answer ? `refusal of ${answer.refusal.text.length}` : 'value',
        (error: unknown) => {
          const { code, message } = assertIsRefusal(error, ['SOURCE_UNAVAILABLE', 'SOURCE_MALFORMED']);
          return `${code}: ${message}`;
        },
      );
      if (status === 200) assert.match(outcome, says);
      else assert.match(outcome, status === 400 ? /^SOURCE_UNAVAILABLE|^refusal of \d{1,5}$/ : /^SOURCE_UNAVAILABLE/);
      assert.equal(observed.length, 1);
      await Promise.all(sockets.map(closed));
      const grownBytes = peakBytes() - peakBefore;
      assert.ok(grownBytes < MEMORY_MAX_BYTES, `memory grew by ${grownBytes}`);
      assertUnpolluted();
    });
  }
}

test('what a server sends behind an answer is not taken for the next one', { timeout: 30_000 }, async (t) => {
  const next = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{"bad": 1}';
  let count = 0;
  const { ask } = await startAttack(t, LIMIT_MS, (response) => {
    count += 1;
    if (count % 2 === 1) head(response, 200, 'content-length: 11', `{"good": 1}${next}`);
    else response.writeHead(200, { 'content-type': 'application/json' }).end('{"good": 2}');
  });
  for (let turn = 0; turn < 20; turn += 1) {
    const answer = await ask().catch((error: unknown) => assertIsRefusal(error, ['SOURCE_UNAVAILABLE']));
    assert.ok(!('value' in answer) || 'good' in (answer.value as object), 'it took what nobody asked for');
  }
});

async function startAttack(t: TestContext, requestTimeoutMs: number, reply: (response: ServerResponse) => void) {
  const server = await startServer(t, [reply satisfies Reply]);
  const observed: ObservedRequest[] = [];
  const http = createHttp({
    baseUrl: server.baseUrl,
    fetch: fetchDirectly,
    requestsPerMinute: 60_000,
    backgroundShare: 1,
    requestTimeoutMs,
    bodyMaxBytes: BODY_MAX_BYTES,
    clock: systemClock,
    random: () => 0,
    onRequest: (request) => observed.push(request),
  });
  const call = { endpoint: 'call-legs', method: 'GET', path: '/v2/call-legs', headers: {}, retriesMax: 0 } as const;
  const ask = (): Promise<Answer<unknown>> =>
    http.send({ ...call, patience: { leftMs: Infinity }, parse: (json: unknown) => json }, never);
  return { ask, observed };
}

function packed(encoding: string, body: Buffer): Attack['send'] {
  return (response, status) => {
    const headers = { 'content-type': 'application/json', 'content-encoding': encoding, 'connection': 'close' };
    response.socket!.on('error', () => undefined); // the client hangs up
    response.writeHead(status, headers);
    response.end(body);
  };
}

/** Sends what stands before the body, and the start of it, past Node's own checks. */
function head(response: ServerResponse, status: number, header = 'x-a: b', body = ''): Socket {
  return raw(response, `HTTP/1.1 ${status} X\r\ncontent-type: application/json\r\n${header}\r\n\r\n${body}`);
}

function raw(response: ServerResponse, text: string): Socket {
  const socket = response.socket!;
  socket.on('error', () => undefined); // the client hangs up
  socket.write(text);
  return socket;
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', () => resolve());
    if (socket.closed) resolve();
  });
}

/** Writes for ever, as fast as it is read. */
function pour(socket: Socket, text: string): void {
  const more = (): void => {
    while (!socket.destroyed && socket.write(text)) { /* until the buffers are full */ }
  };
  socket.on('drain', more);
  more();
}

/** Writes a byte every twentieth of a second for ever. */
async function drip(socket: Socket, byte: string): Promise<void> {
  while (!socket.destroyed) {
    socket.write(byte);
    await sleep(50);
  }
}

/** The most memory that the process has ever had. */
function peakBytes(): number {
  return process.resourceUsage().maxRSS * 1_024;
}
