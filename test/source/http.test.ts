import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { Clock } from '../../src/clock.ts';
import {
  createSource, end, fakeClock, never, page, readAll, request, row, rowsFrom, startServer, tokenReply, type Reply,
} from './scripted-server.ts';

const html = { headers: { 'content-type': 'text/html' }, text: '<html>Sign in</html>' };
const goodJson = JSON.stringify({ meta: { scrollId: 'No Data' }, data: [row(1)] });

const latin1 = Buffer.from(goodJson.replace('acme', 'acm\xe9'), 'latin1');

const cut = (response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': String(goodJson.length) });
  response.write(goodJson.slice(0, 20), () => response.destroy());
};
const drip = (response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'application/json' });
  const timer = setInterval(() => response.write(' '), 10);
  response.on('close', () => clearInterval(timer));
};

/** What passes by itself: once the fault, then the truth. */
const passing: { name: string; fault: Reply; status: number | string }[] = [
  { name: 'a 500 with an HTML body', fault: { status: 500, ...html }, status: 500 },
  { name: 'a 502', fault: { status: 502 }, status: 502 },
  { name: 'a 503 with a time', fault: { status: 503, headers: { 'retry-after': '9' } }, status: 503 },
  { name: 'a 504', fault: { status: 504 }, status: 504 },
  { name: 'a 408', fault: { status: 408 }, status: 408 },
  { name: 'a 429', fault: { status: 429 }, status: 429 },
  { name: 'a 204', fault: { status: 204 }, status: 204 },
  { name: 'no answer at all', fault: () => undefined, status: 'timeout' },
  { name: 'headers and then nothing', status: 'timeout',
    fault: (response) => response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders() },
  { name: 'a body that drips', fault: drip, status: 'timeout' },
  { name: 'a connection cut before the headers', fault: (response) => response.destroy(), status: 'network' },
  { name: 'a connection cut within the body', fault: cut, status: 'network' },
  { name: 'truncated JSON', fault: { text: goodJson.slice(0, -2) }, status: 200 },
  { name: 'JSON with something behind it', fault: { text: `${goodJson}{}` }, status: 200 },
  { name: 'an empty body', fault: { text: '' }, status: 200 },
  { name: 'an HTML page with status 200', fault: html, status: 200 },
  { name: 'JSON that calls itself text',
    fault: { headers: { 'content-type': 'text/plain' }, text: goodJson }, status: 200 },
  { name: 'bytes that are not UTF-8', status: 200,
    fault: (response) => response.writeHead(200, { 'content-type': 'application/json' }).end(latin1) },
  { name: 'an answer out of shape', fault: { json: { data: 'none' } }, status: 200 },
  { name: 'gzip that is none', fault: { headers: { 'content-encoding': 'gzip' }, text: goodJson }, status: 'network' },
];

for (const { name, fault, status } of passing) {
  test(`the same page is asked for again after ${name}`, async (t) => {
    const server = await startServer(t, [page([row(1)], 'next'), fault, page([row(2)], 'last'), end]);
    const { source, observed } = createSource(server, { requestTimeoutMs: status === 'timeout' ? 700 : 5_000 });
    assert.deepEqual(await readAll(source), [[row(1)], [row(2)]]);
    assert.deepEqual(server.reports.map((asked) => asked.query.get('scrollId')), [null, 'next', 'next', 'last']);
    assert.deepEqual(observed.map((seen) => seen.status), [200, 200, status, 200, 200]);
  });
}

// Goal: no request needs sockets or a timer of its own. Method: another fetch, and a deadline that has passed.
test('a request goes out by the fetch that is given, within a deadline of the clock that ends with it', async () => {
  const deadlines: { readonly limitMs: number; ended: boolean }[] = [];
  const deadline: Clock['deadline'] = (limitMs) => {
    const begun = { limitMs, ended: false };
    const signal = deadlines.push(begun) === 1 ? AbortSignal.abort() : never;
    return { signal, end: () => void (begun.ended = true) };
  };
  const answer: typeof fetch = async (input, init) => {
    init!.signal!.throwIfAborted();
    const login = String(input) === 'https://8x8.invalid/v1/oauth/token';
    return Response.json(login ? { access_token: 'token' } : { meta: { scrollId: 'No Data' }, data: [row(1)] });
  };
  const clock = { ...fakeClock(), deadline };
  const { source, observed } = createSource({ baseUrl: 'https://8x8.invalid' }, { clock, fetch: answer });
  assert.deepEqual(await readAll(source), [[row(1)]]);
  assert.deepEqual(observed.map(({ status }) => status), ['timeout', 200, 200]);
  assert.deepEqual(deadlines, [1, 2, 3].map(() => ({ limitMs: 5_000, ended: true })));
});

test('a failure that lasts is thrown after seven attempts and a minute of rests at most', async (t) => {
  const server = await startServer(t, [{ status: 500, ...html }]);
  const { source, clock } = createSource(server, { random: () => 1 });
  await assert.rejects(readAll(source), { code: 'SOURCE_UNAVAILABLE', message: '8x8 failed with status 500' });
  assert.equal(server.reports.length, 7);
  assert.deepEqual(clock.sleeps.filter((ms) => ms >= 1_000), [1_000, 2_000, 4_000, 8_000, 16_000, 32_000]);
});

test('a 5xx that names a time is obeyed; one beyond five minutes is left to the caller', async (t) => {
  const server = await startServer(t, [{ status: 503, headers: { 'retry-after': '200' } },
    { status: 503, headers: { 'retry-after': '600' } }]);
  const { source, clock } = createSource(server);
  await assert.rejects(readAll(source), { code: 'SOURCE_UNAVAILABLE', retryAfterMs: 600_000 });
  assert.ok(clock.sleeps.includes(200_000));
  assert.equal(server.reports.length, 2);
});

// Goal: nobody asks while 8x8 wants silence. Method: one feed is throttled, all ask, the server notes when.
test('a 429 silences all feeds for as long as it says', async (t) => {
  const askedAt: number[] = [];
  const server = await startServer(t, (_, index) => {
    askedAt.push(clock.nowMs());
    return index === 0 ? { status: 429, headers: { 'retry-after': '60' } } : end;
  });
  const { source, clock } = createSource(server);
  await source.check(never);
  const startMs = clock.nowMs();
  await Promise.all([readAll(source), readAll(source), readAll(source)]);
  assert.ok(askedAt.length >= 4);
  assert.ok(askedAt.slice(3).every((ms) => ms >= startMs + 60_000), 'those in flight came before, the others after');
});

test('a 429 that names more than five minutes is left to the caller, and nobody asks meanwhile', async (t) => {
  const server = await startServer(t, [{ status: 429, headers: { 'retry-after': '1800' } }, end]);
  const { source, clock } = createSource(server, { random: () => 0 });
  await assert.rejects(readAll(source), { code: 'SOURCE_THROTTLED', retryAfterMs: 1_800_000 });
  clock.advance(60_000);
  await assert.rejects(readAll(source), { code: 'SOURCE_THROTTLED', retryAfterMs: 1_740_000 });
  assert.equal(server.reports.length, 1);
  clock.advance(1_740_000);
  assert.deepEqual(await readAll(source), []);
});

test('a 429 without a time backs off, and is thrown when it lasts', async (t) => {
  const server = await startServer(t, [{ status: 429, headers: { 'retry-after': '-1' } }]);
  const { source, clock } = createSource(server, { random: () => 1 });
  const startMs = clock.nowMs();
  await assert.rejects(readAll(source), { code: 'SOURCE_THROTTLED', retryAfterMs: 64_000 });
  assert.equal(server.reports.length, 7);
  // 1 + 2 + ... + 32 s, each with the extra second of jitter.
  assert.equal(clock.nowMs() - startMs, 69_000);
});

test('requests keep to the budget, logins included, and report their wait', async (t) => {
  const server = await startServer(t, [page([row(1)], 'a'), page([row(2)], 'b'), end]);
  const { source, observed } = createSource(server, { requestsPerMinute: 10 });
  await readAll(source);
  assert.deepEqual(observed.map(({ endpoint, waitMs }) => [endpoint, waitMs]),
    [['token', 0], ['call-legs', 6_000], ['call-legs', 6_000], ['call-legs', 6_000]]);
});

test('each request tells what the budget is after it: our share, lowered by a 429', async (t) => {
  const server = await startServer(t, [{ status: 429, headers: { 'retry-after': '60' } }, end]);
  const { source, observed } = createSource(server, { requestsPerMinute: 10 });
  source.setShare(0.5);
  await readAll(source);
  assert.deepEqual(observed.map(({ budgetPerMinute }) => Number(budgetPerMinute.toFixed(2))), [5, 3.5, 3.63]);
});

test('a pass over history keeps to its part of the budget, and its login is as live as any', async (t) => {
  const server = await startServer(t, [page([row(1)], 'a'), page([row(2)], 'b'), end]);
  const { source, observed } = createSource(server, { requestsPerMinute: 10, backgroundShare: 0.25 });
  await readAll(source, never, { ...request, background: true });
  assert.deepEqual(observed.map(({ endpoint, waitMs }) => [endpoint, waitMs]),
    [['token', 0], ['call-legs', 6_000], ['call-legs', 24_000], ['call-legs', 24_000]]);
});

test('a share of the budget can change while a request waits for it', async (t) => {
  const server = await startServer(t, [end]);
  const { source, clock } = createSource(server, { requestsPerMinute: 10 });
  const startMs = clock.nowMs();
  source.setShare(0);
  const reading = readAll(source);
  for (let turn = 0; turn < 20; turn += 1) await clock.sleepUntil(0, never);
  assert.equal(server.logins.length, 0);
  source.setShare(1);
  assert.deepEqual(await reading, []);
  assert.ok(clock.nowMs() - startMs < 60_000, 'noticed within a second or so');
});

test('requests go out in the order in which they were asked for', async (t) => {
  const server = await startServer(t, [end]);
  const { source } = createSource(server, { requestsPerMinute: 10 });
  await source.check(never);
  const names = ['a', 'b', 'c', 'd', 'e'];
  await Promise.all(names.map((pbxId) => readAll(source, never, { ...request, pbxId })));
  assert.deepEqual(server.reports.map((asked) => asked.query.get('pbxId')), names);
});

test('a request that stops in the queue neither waits nor uses the budget up', async (t) => {
  const server = await startServer(t, [end]);
  const { source, clock } = createSource(server, { requestsPerMinute: 1 });
  await source.check(never);
  const startMs = clock.nowMs();
  const stop = new AbortController();
  const first = readAll(source);
  const second = assert.rejects(readAll(source, stop.signal), { message: 'stopped' });
  const third = readAll(source);
  await nextTurn(); // now all three are in the queue
  stop.abort(new Error('stopped'));
  await second;
  assert.ok(clock.nowMs() - startMs < 10_000);
  await Promise.all([first, third]);
  assert.equal(server.reports.length, 2);
  assert.equal(clock.nowMs() - startMs, 120_000);
});

test('a redirect is never followed, and says so', async (t) => {
  const elsewhere = await startServer(t, [end]);
  const server = await startServer(t, [end], () => ({ status: 302, headers: { location: elsewhere.baseUrl } }));
  const { source } = createSource(server);
  await assert.rejects(source.check(never), { code: 'SOURCE_UNAVAILABLE', message: /EIGHT_BASE_URL/ });
  assert.equal(elsewhere.logins.length + elsewhere.reports.length, 0);
});

// Goal: no answer fills the memory. Method: an endless one and a bomb; the server sees how soon we hang up.
test('an endless body is cut off at the limit', async (t) => {
  let sent = 0;
  let closed = (): void => undefined;
  const hungUp = new Promise<void>((resolve) => (closed = resolve));
  const endless = (response: ServerResponse): void => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const write = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(16_384, 32))) sent += 16_384;
    };
    response.on('drain', write).on('close', closed);
    write();
  };
  const server = await startServer(t, [endless]);
  const { source } = createSource(server, { pageSize: 50 });
  await assert.rejects(readAll(source), { code: 'SOURCE_MALFORMED', message: /more than 1000000 bytes/ });
  await hungUp;
  assert.ok(sent < 20_000_000, `${sent} bytes`);
  assert.equal(server.reports.length, 1, 'asking again would bring the same');
});

test('a gzip bomb is cut off at the limit', async (t) => {
  const bomb = gzipSync(Buffer.alloc(200_000_000, 32), { level: 9 });
  const server = await startServer(t, [(response) =>
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(bomb)]);
  const { source } = createSource(server, { pageSize: 50 });
  const before = process.memoryUsage().arrayBuffers;
  await assert.rejects(readAll(source), { code: 'SOURCE_MALFORMED', message: /more than 1000000 bytes/ });
  assert.ok(process.memoryUsage().arrayBuffers - before < 50_000_000);
});

test('good gzip, a charset and a +json type are fine', async (t) => {
  const type = { 'content-type': 'application/hal+json; charset=UTF-8', 'content-encoding': 'gzip' };
  const server = await startServer(t, [(response) => response.writeHead(200, type).end(gzipSync(goodJson))]);
  assert.deepEqual(await readAll(createSource(server).source), [[row(1)]]);
});

test('a window has a limit for all its requests and rests, but not for its caller', async (t) => {
  const pages: Reply[] = [page(rowsFrom(1, 2), 'a'), page(rowsFrom(3, 2), 'b'), { status: 500 }];
  const server = await startServer(t, pages);
  const { source, clock } = createSource(server, { windowTimeoutMs: 5_000, random: () => 1 });
  let rowCount = 0;
  await assert.rejects(async () => {
    for await (const { rows } of source.readPages(request, never)) {
      rowCount += rows.length;
      clock.advance(3_600_000);
    }
  }, { code: 'SOURCE_UNAVAILABLE', message: /window took longer .* Last: 8x8 failed with status 500/ });
  assert.equal(rowCount, 4);
  assert.equal(server.reports.length, 5, 'rests of 1 and 2 s fit, 4 more do not');
});

for (const moment of ['in flight', 'in a rest', 'before it begins']) {
  test(`an abort ends the reading with its own reason: ${moment}`, async (t) => {
    const stop = new AbortController();
    const reason = new Error('shutdown');
    const server = await startServer(t, () => {
      if (moment === 'in flight') stop.abort(reason);
      return moment === 'in flight' ? () => undefined : { status: 500 };
    });
    const observed: unknown[] = [];
    const { source } = createSource(server, {
      onRequest: (seen) => {
        if (seen.endpoint === 'token') return;
        observed.push(seen.status);
        stop.abort(reason);
      },
    });
    if (moment === 'before it begins') stop.abort(reason);
    await assert.rejects(readAll(source, stop.signal), (error) => error === reason);
    assert.ok(server.reports.length <= 1);
    assert.deepEqual(observed, moment === 'in a rest' ? [500] : [], 'what we cut off ourselves says nothing of 8x8');
  });
}

test('a token endpoint that fails is asked with growing rests, not in a hot loop', async (t) => {
  const server = await startServer(t, [end], (_, index) => (index < 5 ? { status: 503 } : tokenReply('token')));
  const { source, clock } = createSource(server, { random: () => 1 });
  assert.deepEqual(await readAll(source), []);
  assert.deepEqual(clock.sleeps.filter((ms) => ms >= 1_000), [1_000, 2_000, 4_000, 8_000, 16_000]);
});
