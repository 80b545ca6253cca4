import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectorError } from '../../src/errors.ts';
import {
  createSource, credentials, end, invalidApiKey, never, readAll, startServer, tokenReply, type Reply,
} from './scripted-server.ts';

const MINUTE_MS = 60_000;

const userNotFound: Reply = { status: 400, json: { error_description: 'USER_NOTFOUND_ERROR', error: 'invalid_grant' } };
const badLogin: Reply = { status: 400, json: { error_description: 'Bad credentials', error: 'invalid_grant' } };

test('the login is the documented request', async (t) => {
  const server = await startServer(t, [end]);
  await createSource(server).source.check(never);
  const [login] = server.logins;
  assert.equal(login!.method, 'POST');
  assert.equal(login!.headers['8x8-apikey'], 'eght_key');
  assert.equal(login!.headers['content-type'], 'application/x-www-form-urlencoded');
  assert.equal(login!.headers.authorization, undefined);
  assert.deepEqual(Object.fromEntries(new URLSearchParams(login!.body)), { username: 'user', password: 'pass word&1' });
});

const lifetimes: { name: string; expiresIn: unknown; renewedAfterMs: number }[] = [
  { name: 'a number', expiresIn: 1_800, renewedAfterMs: 24 * MINUTE_MS },
  { name: 'a numeric string', expiresIn: '1800', renewedAfterMs: 24 * MINUTE_MS },
  { name: 'null', expiresIn: null, renewedAfterMs: 4 * MINUTE_MS },
  { name: 'negative', expiresIn: -1, renewedAfterMs: 4 * MINUTE_MS },
  { name: 'zero', expiresIn: 0, renewedAfterMs: 4 * MINUTE_MS },
  { name: 'text', expiresIn: 'soon', renewedAfterMs: 4 * MINUTE_MS },
  { name: 'a year', expiresIn: 31_536_000, renewedAfterMs: 4 * MINUTE_MS },
];

for (const { name, expiresIn, renewedAfterMs } of lifetimes) {
  test(`a token is renewed before it expires: expires_in is ${name}`, async (t) => {
    const server = await startServer(t, [end], (_, index) => tokenReply(`token-${index}`, expiresIn));
    const { source, clock } = createSource(server);
    await readAll(source);
    clock.advance(renewedAfterMs - 1);
    await readAll(source);
    assert.equal(server.logins.length, 1, 'kept as long as it is good');
    clock.advance(1);
    await readAll(source);
    assert.deepEqual(server.reports.map((asked) => asked.headers.authorization),
      ['Bearer token-0', 'Bearer token-0', 'Bearer token-1']);
  });
}

test('feeds that come at the same time share one login', async (t) => {
  const server = await startServer(t, [end]);
  const { source } = createSource(server);
  await Promise.all(Array.from({ length: 10 }, () => readAll(source)));
  assert.equal(server.logins.length, 1);
  assert.equal(server.reports.length, 10);
});

test('a feed that stops while it logs in for all does not stop the others', async (t) => {
  const stop = new AbortController();
  const server = await startServer(t, [end], (_, index) => {
    if (index > 0) return tokenReply('token');
    return () => stop.abort(new Error('stopped')); // and no answer
  });
  const { source } = createSource(server);
  const stopped = assert.rejects(readAll(source, stop.signal), { message: 'stopped' });
  const going = readAll(source);
  await stopped;
  assert.deepEqual(await going, []);
});

test('a feed that stops while another logs in stops at once', async (t) => {
  const server = await startServer(t, [end], () => () => undefined);
  const { source } = createSource(server);
  const [first, second] = [new AbortController(), new AbortController()];
  const waiting = assert.rejects(readAll(source, first.signal), { message: 'end of test' });
  const stopped = assert.rejects(readAll(source, second.signal), { message: 'stopped' });
  second.abort(new Error('stopped'));
  await stopped;
  first.abort(new Error('end of test'));
  await waiting;
});

const refusals: { name: string; reply: Reply; says: RegExp }[] = [
  { name: 'an invalid API key', reply: invalidApiKey, says: /API key.*EIGHT_API_KEY = the Key .* not the Secret/ },
  { name: 'an invalid API key, by its code', reply: { status: 401, json: { code: 'SHA001' } }, says: /EIGHT_API_KEY/ },
  { name: 'an unknown user', reply: userNotFound,
    says: /EIGHT_USERNAME .*open Analytics for 8x8 Work once in a browser/ },
  { name: 'a wrong password', reply: badLogin, says: /EIGHT_USERNAME and EIGHT_PASSWORD/ },
  { name: 'a bare 401', reply: { status: 401, text: 'no' }, says: /EIGHT_USERNAME and EIGHT_PASSWORD/ },
  { name: 'a 403', reply: { status: 403, json: { message: 'Key not approved' } },
    says: /status 403: Key not approved/ },
  { name: 'a 404', reply: { status: 404, text: '<html>' }, says: /status 404; is EIGHT_BASE_URL right/ },
];

for (const { name, reply, says } of refusals) {
  test(`check names the credential and the cure: ${name}`, async (t) => {
    const server = await startServer(t, [end], () => reply);
    await assert.rejects(createSource(server).source.check(never),
      { code: 'SOURCE_REFUSED', message: says, retryAfterMs: 5 * MINUTE_MS });
  });
}

test('refused credentials are tried again once the clock, far ahead at their refusal, is set back', async (t) => {
  const server = await startServer(t, [end], (_, index) => (index === 0 ? badLogin : tokenReply('token')));
  const { source, clock } = createSource(server);
  clock.advance(365 * 24 * 60 * MINUTE_MS);
  await assert.rejects(readAll(source), { code: 'SOURCE_REFUSED' });
  clock.advance(-365 * 24 * 60 * MINUTE_MS);
  assert.deepEqual(await readAll(source), []);
});

// Goal: 8x8 does not lock the user out. Method: many feeds ask for five minutes.
test('refused credentials are not tried again for five minutes, unless they change', async (t) => {
  let password = 'old';
  const server = await startServer(t, [end], (asked) => (asked.body.endsWith('=new') ? tokenReply('token') : badLogin));
  const { source, clock } = createSource(server, { credentials: () => ({ ...credentials, password }) });

  await assert.rejects(readAll(source), { code: 'SOURCE_REFUSED', retryAfterMs: 5 * MINUTE_MS });
  clock.advance(2 * MINUTE_MS);
  await assert.rejects(readAll(source), { code: 'SOURCE_REFUSED', retryAfterMs: 3 * MINUTE_MS });
  assert.equal(server.logins.length, 1);

  clock.advance(3 * MINUTE_MS);
  await assert.rejects(readAll(source), { code: 'SOURCE_REFUSED', retryAfterMs: 5 * MINUTE_MS });
  assert.equal(server.logins.length, 2);

  password = 'new';
  assert.deepEqual(await readAll(source), []);
  assert.equal(server.logins.length, 3);
});

const unusable: { name: string; change: Partial<typeof credentials>; says: RegExp }[] = [
  { name: 'a line break in the key', change: { apiKey: 'eght\r\nx-evil: 1' }, says: /^EIGHT_API_KEY / },
  { name: 'no key', change: { apiKey: '' }, says: /^EIGHT_API_KEY / },
  { name: 'a key beyond ASCII', change: { apiKey: 'ключ' }, says: /^EIGHT_API_KEY / },
  { name: 'a line break in the user', change: { username: 'user\n' }, says: /^EIGHT_USERNAME / },
  { name: 'a line break in the password', change: { password: 'pass\r\n' }, says: /^EIGHT_PASSWORD / },
];

for (const { name, change, says } of unusable) {
  test(`nothing is sent with ${name}`, async (t) => {
    const server = await startServer(t, [end]);
    const { source } = createSource(server, { credentials: () => ({ ...credentials, ...change }) });
    await assert.rejects(source.check(never), { code: 'SOURCE_REFUSED', message: says });
    assert.equal(server.logins.length, 0);
  });
}

test('a secret file that is missing for a moment is no bug', async (t) => {
  const server = await startServer(t, [end]);
  const credentials = (): never => {
    throw Object.assign(new Error('ENOENT: no such file, /secrets/password'), { code: 'ENOENT' });
  };
  await assert.rejects(createSource(server, { credentials }).source.check(never),
    { code: 'SOURCE_REFUSED', message: /cannot be read \(ENOENT\)/ });
});

test('a secret file of the settings that is missing for a moment does not stop the connector', async (t) => {
  const server = await startServer(t, [end]);
  const credentials = (): never => {
    throw new ConnectorError('CONFIG_INVALID', 'EIGHT_PASSWORD_FILE: /secrets/password cannot be read: ENOENT');
  };
  await assert.rejects(createSource(server, { credentials }).source.check(never),
    { code: 'SOURCE_REFUSED', message: /EIGHT_PASSWORD_FILE/, retryAfterMs: 300_000 });
});

const nonsense: { name: string; json: unknown }[] = [
  { name: 'no token', json: { token_type: 'bearer' } },
  { name: 'a token that is a number', json: { access_token: 7 } },
  { name: 'a token with a line break', json: { access_token: 'a\r\nb' } },
  { name: 'a token too long for a header', json: { access_token: 'x'.repeat(8_193) } },
  { name: 'null', json: null },
  { name: 'a list', json: [] },
];

for (const { name, json } of nonsense) {
  test(`a login answered with ${name} is asked again`, async (t) => {
    const server = await startServer(t, [end], (_, index) => (index === 0 ? { json } : tokenReply('token')));
    await createSource(server).source.check(never);
    assert.equal(server.logins.length, 2);
  });
}

const unreachable: { name: string; baseUrl: string; says: RegExp }[] = [
  { name: 'a host that does not exist', baseUrl: 'http://nowhere.invalid/analytics',
    says: /^the host of http:\/\/nowhere.invalid is unknown \((ENOTFOUND|EAI_AGAIN)\); cure: EIGHT_BASE_URL/ },
  { name: 'a port where nobody listens', baseUrl: 'http://127.0.0.1:2/analytics',
    says: /^http:\/\/127.0.0.1:2 refused the connection \(ECONNREFUSED\); cure: EIGHT_BASE_URL/ },
];

for (const { name, baseUrl, says } of unreachable) {
  test(`check says what is unreachable: ${name}`, async () => {
    const { source, observed } = createSource({ baseUrl });
    await assert.rejects(source.check(never), { code: 'SOURCE_UNAVAILABLE', message: says });
    assert.deepEqual(observed.map(({ endpoint, status }) => [endpoint, status]), Array(3).fill(['token', 'network']));
  });
}

test('check says when TLS fails', async (t) => {
  const server = await startServer(t, [end]);
  const { source } = createSource({ baseUrl: server.baseUrl.replace('http:', 'https:') });
  await assert.rejects(source.check(never), (error: ConnectorError) => {
    assert.match(error.message, /^TLS with https:\/\/127.0.0.1:\d+ failed \(/);
    return error.code === 'SOURCE_UNAVAILABLE';
  });
});
