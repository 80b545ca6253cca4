import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Source } from '../../src/source/source.ts';
import {
  accessDenied, callLegs, createSource, end, invalidApiKey, never, page, readAll, request, row, rowsFrom,
  startServer, tokenReply, type Reply,
} from './scripted-server.ts';

const badRequest: Reply = { status: 400, json: { status: 400, message: 'pageSize must be 50' } };

test('a window is read to its documented end, page by page', async (t) => {
  const server = await startServer(t, [page(rowsFrom(1, 50), 'first'), page(rowsFrom(51, 31), 'second'), end]);
  const { source, observed } = createSource(server);
  assert.deepEqual((await readAll(source)).map((rows) => rows.length), [50, 31]);
  assert.deepEqual(server.reports.map((asked) => asked.query.get('scrollId')), [null, 'first', 'second']);
  assert.deepEqual(observed.map(({ endpoint, status }) => `${endpoint} ${status}`),
    ['token 200', 'call-legs 200', 'call-legs 200', 'call-legs 200']);
});

test('every page repeats the whole documented request', async (t) => {
  const server = await startServer(t, [page([row(1)], 'sc=roll id'), end]);
  const { source } = createSource({ baseUrl: `${server.baseUrl}/analytics/work/` }, {
    pageSize: 500,
    parameters: { isSimplified: 'true', isCallRecord: 'true' },
  });
  await readAll(source);
  const [first, second] = server.reports;
  const expected = {
    isSimplified: 'true',
    pbxId: 'acme',
    startTime: '2024-05-01 10:00:00',
    endTime: '2024-05-01 11:00:00',
    timeZone: 'UTC',
    pageSize: '500',
  };
  assert.equal(first!.path, '/analytics/work/v2/call-legs');
  assert.deepEqual(Object.fromEntries(first!.query), expected);
  assert.deepEqual(Object.fromEntries(second!.query), { ...expected, scrollId: 'sc=roll id' });
  for (const { headers } of [first!, second!]) {
    assert.equal(headers['8x8-apikey'], 'eght_key');
    assert.equal(headers.authorization, 'Bearer token-0');
  }
});

/** How the readings of a window came out, page by page: rows, total, received, attempts. */
async function readingsOf(source: Source): Promise<readonly (readonly unknown[])[]> {
  const readings: unknown[][] = [];
  for await (const { rows, reading: { total, received, attempts } } of source.readPages(request, never)) {
    readings.push([rows.length, total, received, attempts]);
  }
  return readings;
}

test('a window of which 8x8 shows fewer rows than it counts is read anew at once', async (t) => {
  const script = [page(rowsFrom(1, 2), 'a', 3), end, page(rowsFrom(1, 2), 'b', 3), page([row(3)], 'c', 3), end];
  const server = await startServer(t, script);
  assert.deepEqual(await readingsOf(createSource(server).source),
    [[2, 3, 2, 1], [0, 3, 2, 1], [2, 3, 2, 2], [1, 3, 3, 2], [0, 3, 3, 2]]);
});

test('a window that stays short is told to be so; the next ones are read once, until one is whole', async (t) => {
  const short = [page(rowsFrom(1, 2), 'a', 3), end];
  const whole = [page(rowsFrom(1, 2), 'a', 2), end];
  const server = await startServer(t, [...short, ...short, ...short, ...whole, ...short, ...short]);
  const { source } = createSource(server);
  const attempts: unknown[] = [];
  for (let window = 0; window < 4; window += 1) attempts.push((await readingsOf(source)).at(-1)!.slice(1));
  assert.deepEqual(attempts, [[3, 2, 2], [3, 2, 1], [2, 2, 1], [3, 2, 2]]);
});

test('more rows than 8x8 counted at first are no wonder, and what it does not count is unknown', async (t) => {
  const more = [page(rowsFrom(1, 2), 'a', 2), page([row(3)], 'b', 3), end];
  const uncounted = [{ json: { meta: { scrollId: 'No Data' }, data: [] } }];
  const server = await startServer(t, [...more, ...uncounted]);
  const { source } = createSource(server);
  assert.deepEqual((await readingsOf(source)).at(-1), [0, 2, 3, 1]);
  assert.deepEqual(await readingsOf(source), [[0, undefined, 0, 1]]);
});

test('a caller that leaves early asks for no more', async (t) => {
  const server = await startServer(t, [page([row(1)], 'a'), page([row(2)], 'b'), end]);
  for await (const { rows } of createSource(server).source.readPages(request, never)) {
    assert.equal(rows.length, 1);
    break;
  }
  assert.equal(server.reports.length, 1);
});

// Page size

const answersTo = (granted: number) => (asked: { query: URLSearchParams }): Reply =>
  Number(asked.query.get('pageSize')) > granted ? badRequest : end;

const fallBacks: { name: string; pageSize: number | 'auto'; granted: number; asked: string[]; refused?: boolean }[] = [
  { name: 'auto starts with 1000', pageSize: 'auto', granted: 7_000, asked: ['1000', '1000'] },
  { name: 'auto falls back to 50 and remembers', pageSize: 'auto', granted: 50, asked: ['1000', '50', '50'] },
  { name: 'auto does not remember a 50 that is refused, too', pageSize: 'auto', granted: 0,
    asked: ['1000', '50', '1000', '50'], refused: true },
  { name: 'a configured size is kept', pageSize: 7_000, granted: 1_000, asked: ['7000', '7000'], refused: true },
];

for (const { name, pageSize, granted, asked, refused } of fallBacks) {
  test(`page size: ${name}`, async (t) => {
    const server = await startServer(t, answersTo(granted));
    const { source } = createSource(server, { pageSize });
    for (let window = 0; window < 2; window += 1) {
      if (!refused) assert.deepEqual(await readAll(source), []);
      else await assert.rejects(readAll(source), { code: 'SOURCE_REFUSED', message: /400: pageSize must be 50/ });
    }
    assert.deepEqual(server.reports.map(({ query }) => query.get('pageSize')), asked);
  });
}

test('page size: a 400 that names its reason is not about the size', async (t) => {
  const server = await startServer(t, [invalidApiKey]);
  await assert.rejects(readAll(createSource(server).source), { code: 'SOURCE_REFUSED', message: /API key/ });
  const sizes = server.reports.map(({ query }) => query.get('pageSize'));
  assert.deepEqual(sizes, ['1000', '1000'], 'the second with new credentials');
});

test('page size: answers that are too large halve it, and the window starts over', async (t) => {
  const server = await startServer(t, ({ query }) => {
    const size = Number(query.get('pageSize'));
    if (!query.has('scrollId')) return page(rowsFrom(1, 10), 'next');
    return size > 1_800 ? { text: ' '.repeat(1_000_001) } : end;
  });
  const { source } = createSource(server, { pageSize: 7_000 });
  assert.equal((await readAll(source)).length, 3, 'the first page came three times');
  assert.deepEqual(server.reports.map(({ query }) => `${query.get('pageSize')} ${query.get('scrollId')}`),
    ['7000 null', '7000 next', '3500 null', '3500 next', '1750 null', '1750 next']);
  await readAll(source);
  assert.equal(server.reports.at(-1)!.query.get('pageSize'), '1750', 'remembered');
});

// The scroll

for (const status of [400, 404, 410]) {
  test(`a scroll that expires (${status}) starts the whole window over`, async (t) => {
    const again = [page([row(1)], 'b'), page([row(2)], 'c'), end];
    const server = await startServer(t, [page([row(1)], 'a'), { status }, ...again]);
    assert.deepEqual(await readAll(createSource(server).source), [[row(1)], [row(1)], [row(2)]]);
    assert.deepEqual(server.reports.map(({ query }) => query.get('scrollId')), [null, 'a', null, 'b', 'c']);
    assert.ok(server.reports.every(({ query }) => query.get('pageSize') === '1000'), 'it was not about the size');
  });
}

test('a scroll that expires again and again is thrown', async (t) => {
  const server = await startServer(t, ({ query }) => (query.has('scrollId') ? { status: 410 } : page([row(1)], 'a')));
  await assert.rejects(readAll(createSource(server).source), { code: 'SOURCE_REFUSED', message: /status 410/ });
  assert.equal(server.reports.length, 8, 'the window and three restarts, two requests each');
});

test('a PBX refused amid a scroll is no expired scroll', async (t) => {
  const server = await startServer(t, [page([row(1)], 'a'), accessDenied]);
  await assert.rejects(readAll(createSource(server).source), { code: 'SOURCE_PBX_REFUSED' });
  assert.equal(server.reports.length, 2);
});

const stuck: { name: string; script: Reply[]; pages: number; says: RegExp }[] = [
  { name: 'the same scrollId for ever', pages: 1, says: /scrollId comes a second/,
    script: [page([row(1)], 'a'), page([row(2)], 'a')] },
  { name: 'scrollIds in a circle', pages: 2, says: /scrollId comes a second/,
    script: [page([row(1)], 'a'), page([row(2)], 'b'), page([row(3)], 'a')] },
  { name: 'the same page again', pages: 1, says: /no new one/,
    script: [page(rowsFrom(1, 3), 'a'), page(rowsFrom(1, 3), 'b')] },
  { name: 'an older page again', pages: 2, says: /no new one/,
    script: [page(rowsFrom(1, 3), 'a'), page(rowsFrom(4, 3), 'b'), page(rowsFrom(1, 3), 'c')] },
];

for (const { name, script, pages, says } of stuck) {
  test(`a scroll that does not get on is an error: ${name}`, async (t) => {
    const server = await startServer(t, script);
    const seen: number[] = [];
    await assert.rejects(async () => {
      for await (const { rows } of createSource(server).source.readPages(request, never)) seen.push(rows.length);
    }, { code: 'SOURCE_MALFORMED', message: says });
    assert.equal(seen.length, pages);
  });
}

test('pages that overlap are fine', async (t) => {
  const server = await startServer(t, [page(rowsFrom(1, 3), 'a'), page(rowsFrom(3, 3), 'b'), end]);
  assert.equal((await readAll(createSource(server).source)).flat().length, 6);
});

test('rows without a scrollId are never taken for the last ones', async (t) => {
  const server = await startServer(t, [{ json: { meta: { totalRecordCount: 1 }, data: [row(1)] } }]);
  const { source } = createSource(server);
  await assert.rejects(readAll(source), { code: 'SOURCE_MALFORMED', message: /no usable scrollId/ });
});

// Input

for (const pbxId of ['acme\r\nx: y', 'acme\n', 'acme\u0000', '']) {
  test(`a PBX name with control characters is never sent: ${JSON.stringify(pbxId)}`, async (t) => {
    const server = await startServer(t, [end]);
    await assert.rejects(readAll(createSource(server).source, undefined, { ...request, pbxId }),
      { code: 'CONFIG_INVALID', message: /PBX name/ });
    assert.equal(server.reports.length + server.logins.length, 0);
  });
}

test('a PBX name cannot add parameters', async (t) => {
  const server = await startServer(t, [end]);
  await readAll(createSource(server).source, undefined, { ...request, pbxId: 'a&pageSize=1#,b ü' });
  assert.equal(server.reports[0]!.query.get('pbxId'), 'a&pageSize=1#,b ü');
  assert.equal(server.reports[0]!.query.get('pageSize'), '1000');
});

const withPassword = ['https://user:secret@8x8.com', 'https://:secret@8x8.com'];
for (const baseUrl of ['8x8.com', 'ftp://8x8.com', 'https://8x8.com/?a=1', ...withPassword]) {
  test(`the base URL cannot be ${baseUrl}`, () => {
    const refusal = { code: 'CONFIG_INVALID', message: /^(?!.*secret).*EIGHT_BASE_URL/ };
    assert.throws(() => createSource({ baseUrl }), refusal);
  });
}

test('rows with __proto__ keys change no prototype', async (t) => {
  const hostile = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}';
  const text = `{"meta":{"scrollId":"No Data"},"data":[${hostile}]}`;
  const server = await startServer(t, [{ text }]);
  const [[first] = []] = await readAll(createSource(server).source);
  assert.deepEqual(Object.keys(first!), ['__proto__', 'constructor']);
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
});

test('other streams are asked for at their own path', async (t) => {
  const server = await startServer(t, [end]);
  const stream = { ...callLegs, name: 'call-records', path: '/v2/call-records', parameters: [] } as const;
  const { source, observed } = createSource(server, { parameters: { isSimplified: 'true' } });
  await readAll(source, undefined, { ...request, stream });
  assert.equal(server.reports[0]!.path, '/v2/call-records');
  assert.equal(server.reports[0]!.query.has('isSimplified'), false);
  assert.equal(observed.at(-1)!.endpoint, 'call-records');
});

test('a new token is used from the next page on', async (t) => {
  const server = await startServer(t, [page([row(1)], 'a'), end], (_, index) => tokenReply(`token-${index}`, 10));
  const { source, clock } = createSource(server);
  for await (const { rows } of source.readPages(request, never)) clock.advance(rows.length * 60_000);
  assert.deepEqual(server.reports.map(({ headers }) => headers.authorization), ['Bearer token-0', 'Bearer token-1']);
});
