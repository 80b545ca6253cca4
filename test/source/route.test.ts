import assert from 'node:assert/strict';
import { lookup } from 'node:dns/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { hostname } from 'node:os';
import type { Duplex } from 'node:stream';
import { setDefaultCACertificates } from 'node:tls';
import { test, type TestContext } from 'node:test';
import { inspect } from 'node:util';
import { ConnectorError } from '../../src/errors.ts';
import { isPrivate } from '../../src/source/address.ts';
import { createFetch, lookupPublic, type Route } from '../../src/source/fetch.ts';
import { createAuthority } from '../stack/certificates.ts';
import { createSource, page, readAll, row, startServer, tokenReply } from './scripted-server.ts';

// Goal: requests go by the road that the settings name, and who they reach is proven. Method: an 8x8 with TLS, and a
// proxy that knows CONNECT; both are servers of this test.

const CANARY = 'canary-7f3a';
const authority = createAuthority('ours');
const direct = { proxy: () => undefined, allowPrivate: true };

/** TLS before the scripted 8x8. */
async function startTls(t: TestContext, from = authority, days = 30) {
  const inner = await startServer(t, [page([row(0)], 'No Data')], () => tokenReply('token'));
  const { cert, keyPem: key } = from.issue('localhost', days);
  const server = createTlsServer({ cert, key }, async (asked, answer) => {
    const chunks: Buffer[] = [];
    for await (const chunk of asked) chunks.push(chunk as Buffer);
    const { port } = new URL(inner.baseUrl);
    const { '8x8-apikey': apiKey = '', authorization = '', 'content-type': type = '' } = asked.headers;
    const headers = { '8x8-apikey': String(apiKey), authorization, 'content-type': type };
    const body = asked.method === 'POST' ? Buffer.concat(chunks) : null;
    const answered = await fetch(`http://127.0.0.1:${port}${asked.url}`, { method: asked.method!, headers, body });
    answer.writeHead(answered.status, { 'content-type': 'application/json' }).end(await answered.text());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => void server.close().closeAllConnections());
  const { pathname } = new URL(inner.baseUrl);
  return { baseUrl: `https://localhost:${(server.address() as AddressInfo).port}${pathname.replace(/\/$/, '')}` };
}

/** A proxy that lets through who brings a password. */
async function startProxy(t: TestContext, password: string) {
  const passed: string[] = [];
  const sockets = new Set<Duplex>();
  const server = createServer((_, answer) => void answer.writeHead(405).end());
  server.on('connect', ({ url, headers }: IncomingMessage, client: Socket) => {
    sockets.add(client);
    const wanted = `Basic ${Buffer.from(`user:${password}`).toString('base64')}`;
    if (headers['proxy-authorization'] !== wanted) return client.end('HTTP/1.1 407 Who are you?\r\n\r\n');
    passed.push(url!);
    const target = connect(Number(url!.split(':')[1]), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      target.pipe(client).pipe(target);
    });
    for (const socket of [client, target]) socket.on('error', () => void client.destroy(target.destroy() as never));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, passed };
}

function read(server: { readonly baseUrl: string }, route: Omit<Route, 'baseUrl'>): Promise<unknown> {
  const { source } = createSource(server, { fetch: createFetch({ ...route, ...server }), pageSize: 50 });
  return readAll(source);
}

async function failure(server: { readonly baseUrl: string }, route: Omit<Route, 'baseUrl'>): Promise<string> {
  const error = await read(server, route).then(() => assert.fail('must fail'), (thrown: unknown) => thrown);
  assert.ok(error instanceof ConnectorError && error.code === 'SOURCE_UNAVAILABLE', String(error));
  assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes(CANARY), 'a secret');
  return error.message;
}

test('8x8 is reached through a proxy, by its name and with TLS to itself', async (t) => {
  setDefaultCACertificates([authority.cert]);
  const server = await startTls(t);
  const proxy = await startProxy(t, CANARY);
  await read(server, { proxy: () => `http://user:${CANARY}@${proxy.host}`, allowPrivate: false });
  assert.deepEqual(new Set(proxy.passed), new Set([new URL(server.baseUrl).host]));
});

test('a proxy that refuses us, or is not there, is named by its setting', async (t) => {
  const proxy = await startProxy(t, 'another');
  const server = { baseUrl: 'https://api.example.com/x' };
  const refused = await failure(server, { proxy: () => `http://user:${CANARY}@${proxy.host}`, allowPrivate: false });
  assert.match(refused, /the proxy on the way to https:\/\/api.example.com refused \(407\); cure: EIGHT_PROXY/);
  const absent = await failure(server, { proxy: () => `http://user:${CANARY}@127.0.0.1:1`, allowPrivate: false });
  assert.match(absent, /EIGHT_PROXY/);
});

test('a password of the proxy that has changed in its file counts from the next request on', async (t) => {
  setDefaultCACertificates([authority.cert]);
  const server = await startTls(t);
  const proxy = await startProxy(t, CANARY);
  let password = `${CANARY}-old`;
  const route = { proxy: () => `http://user:${password}@${proxy.host}`, allowPrivate: false };
  const { source } = createSource(server, { fetch: createFetch({ ...route, ...server }), pageSize: 50 });
  await assert.rejects(readAll(source), /407/);
  password = CANARY;
  assert.equal((await readAll(source)).length, 1);
});

test('an 8x8 whose certificate is not proven is not asked, whatever the environment says', async (t) => {
  setDefaultCACertificates([authority.cert]);
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  t.after(() => delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']);
  const [stranger, expired] = [await startTls(t, createAuthority('others')), await startTls(t, authority, 0)];
  assert.match(await failure(stranger, direct), /TLS with https:\/\/localhost:\d+ failed .*NODE_EXTRA_CA_CERTS/);
  assert.match(await failure(expired, direct), /TLS with .* failed \(CERT_HAS_EXPIRED\)/);
});

test('a name that leads to a private network is found out when it is looked up', async () => {
  for (const all of [true, false]) {
    const code = await new Promise((resolve) =>
      lookupPublic('localhost', { all }, (error) => resolve(error === null ? 'connected' : error.code)));
    assert.equal(code, 'ERR_PRIVATE_ADDRESS');
  }
});

test('a name that leads to a private network is not connected to, unless that is meant', async (t) => {
  const found = await lookup(hostname()).catch(() => undefined);
  if (found === undefined || !isPrivate(found.address)) return t.skip('this machine has no such name');
  const server = { baseUrl: `https://${hostname()}:2/x` };
  assert.match(await failure(server, { ...direct, allowPrivate: false }), /in a private network.*EIGHT_ALLOW_PRIVATE/);
  assert.match(await failure(server, direct), /refused the connection/);
});
