import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  accessDenied, createSource, credentials, end, invalidApiKey, never, page, readAll, request, row, startServer,
  type Reply,
} from './scripted-server.ts';

const MINUTE_MS = 60_000;

const invalidToken: Reply = { status: 401, json: { error: 'invalid_token', error_description: 'Cannot convert' } };

test('a 401 amid a scroll renews the token once for all feeds and asks for the same page', async (t) => {
  const waiting: (() => void)[] = [];
  const server = await startServer(t, ({ headers, query }) => {
    if (!query.has('scrollId')) return page([row(1)], `scroll-${query.get('pbxId')}`);
    if (headers.authorization !== 'Bearer token-0') return end;
    return (response) => {
      waiting.push(() => response.writeHead(401).end('{"error":"invalid_token"}'));
      if (waiting.length === names.length) for (const refuse of waiting) refuse();
    };
  });
  const { source } = createSource(server);
  const names = ['a', 'b', 'c', 'd', 'e'];
  const read = await Promise.all(names.map((pbxId) => readAll(source, never, { ...request, pbxId })));
  assert.deepEqual(read, names.map(() => [[row(1)]]));
  assert.equal(server.logins.length, 2);
  for (const name of names) {
    const asked = server.reports.filter(({ query }) => query.get('pbxId') === name);
    assert.deepEqual(asked.map(({ query }) => query.get('scrollId')), [null, `scroll-${name}`, `scroll-${name}`]);
  }
});

// Method: the second feed learns of the old token's end only when the first one has long got a new token.
test('a 401 that comes late does not throw the new token away', async (t) => {
  let refuseLate = (): void => undefined;
  const server = await startServer(t, ({ headers, query }) => {
    if (headers.authorization !== 'Bearer token-0') return end;
    if (query.get('pbxId') === 'early') return invalidToken;
    return (response) => {
      refuseLate = () => response.writeHead(401).end();
    };
  });
  const { source } = createSource(server);
  const late = readAll(source, never, { ...request, pbxId: 'late' });
  while (server.reports.length === 0) await nextTurn();
  await readAll(source, never, { ...request, pbxId: 'early' });
  refuseLate();
  await late;
  assert.equal(server.logins.length, 2);
});

test('a second 401 is a refusal', async (t) => {
  const server = await startServer(t, [invalidToken]);
  await assert.rejects(readAll(createSource(server).source),
    { code: 'SOURCE_REFUSED', message: /token was refused although it is new/, retryAfterMs: 5 * MINUTE_MS });
  assert.equal(server.logins.length, 2);
  assert.equal(server.reports.length, 2);
});

test('a rotated API key is picked up when the old one is refused', async (t) => {
  let apiKey = 'old';
  const server = await startServer(t, ({ headers }) => (headers['8x8-apikey'] === 'new' ? end : invalidApiKey));
  const { source } = createSource(server, { credentials: () => ({ ...credentials, apiKey }) });
  await source.check(never);
  apiKey = 'new';
  assert.deepEqual(await readAll(source), []);
});

test('a 400 at the login does not restart or shrink anything', async (t) => {
  const server = await startServer(t, [end], () => ({ status: 400, json: { message: 'no' } }));
  await assert.rejects(readAll(createSource(server).source), { code: 'SOURCE_REFUSED' });
  assert.equal(server.logins.length, 1);
  assert.equal(server.reports.length, 0);
});

const pbxRefusals: { name: string; reply: Reply }[] = [
  { name: '403 Access Denied', reply: accessDenied },
  { name: 'the 403 of the sibling API', reply: { status: 403,
    json: { messages: ['user [u] does not have access to pbxId [acme] to make this request.'] } } },
  { name: '400 with 105-400-038 as a code', reply: { status: 400, json: { code: '105-400-038' } } },
  { name: '400 with 105-400-038 in text', reply: { status: 400, text: 'error 105-400-038' } },
  { name: '400 with its sentence only', reply: { status: 400,
    json: { message: 'user(u) does not have access to api category(CDR) for pbxId([acme]).' } } },
];

for (const { name, reply } of pbxRefusals) {
  test(`a refused PBX is named, with the cure: ${name}`, async (t) => {
    const server = await startServer(t, [reply]);
    await assert.rejects(readAll(createSource(server).source), {
      code: 'SOURCE_PBX_REFUSED',
      message: /call-legs of PBX acme; cure: .*licence with Analytics.*"Analytics: Supervisor"/,
      retryAfterMs: 15 * MINUTE_MS,
    });
    assert.equal(server.reports.length, 1);
  });
}

test('a 403 page of a firewall is no statement about the PBX', async (t) => {
  const html = { headers: { 'content-type': 'text/html' }, text: '<h1>Access Denied</h1>' };
  const server = await startServer(t, [{ status: 403, ...html }]);
  await assert.rejects(readAll(createSource(server).source), { code: 'SOURCE_REFUSED', message: /status 403$/ });
});
