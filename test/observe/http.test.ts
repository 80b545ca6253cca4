import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { SignalAnswer } from '../../src/feed/ask.ts';
import { serveHttp } from '../../src/observe/http.ts';
import { createObserver } from '../../src/observe/observer.ts';
import { at, minutes } from '../worker/parts.ts';
import { opened, owned, pollFailed, polled } from './events.ts';

const clock = { nowMs: at('10:05:00') };
const nowMs = () => clock.nowMs;
const build = { version: '1.2.3', node: '24.0.0', commit: 'abc' };
const observer = createObserver({ name: '8x8', guarantee: 'exactly-once', build }, nowMs);
const { metrics, health, overview } = observer;
let server: Awaited<ReturnType<typeof serveHttp>>;

before(async () => {
  server = await serveHttp({ host: '127.0.0.1', port: 0, registry: metrics.registry, health, overview });
});
after(() => server.close());

const get = async (path: string) => {
  const answer = await fetch(server.url + path);
  return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() };
};

test('/metrics answers in the format of Prometheus', async () => {
  observer.onEvent(polled());
  const { status, type, text } = await get('/metrics');
  assert.equal(status, 200);
  assert.match(type!, /^text\/plain; version=0\.0\.4/);
  assert.match(text, /^# TYPE connector_polls_total counter$/m);
  assert.match(text, /^connector_polls_total\{stream="call-legs",pbx="acme"\} 1$/m);
});

test('/readyz answers 503 with what is wrong, and 200 when nothing is', async () => {
  assert.deepEqual(await get('/readyz').then(({ status, text }) => [status, JSON.parse(text)]),
    [503, { ok: false, guarantee: 'exactly-once', problems: ['not in the consumer group yet'] }]);
  observer.onEvent(owned(0));
  observer.onEvent(opened(0));
  assert.deepEqual(await get('/readyz').then(({ status, text }) => [status, JSON.parse(text)]),
    [200, { ok: true, guarantee: 'exactly-once', problems: [] }]);
  health.onEvent(pollFailed());
  assert.equal((await get('/readyz')).status, 503);
});

test('/healthz answers 200 while the feeds report, and 503 when they fall silent', async () => {
  observer.onEvent(polled());
  assert.equal((await get('/healthz')).status, 200);
  clock.nowMs += minutes(11);
  const { status, text } = await get('/healthz');
  assert.deepEqual([status, JSON.parse(text).problems], [503, ['no feed has polled for 660 s']]);
});

test('/freshz answers 503 with the number of feeds that lag, and 200 when none does', async () => {
  clock.nowMs = at('10:05:00');
  const { status, text } = await get('/freshz');
  assert.deepEqual([status, JSON.parse(text)], [200, {
    ok: true, guarantee: 'exactly-once', feeds: 1, lagging: 0, problems: [],
  }]);
  clock.nowMs = at('11:05:00');
  const late = await get('/freshz');
  assert.deepEqual([late.status, JSON.parse(late.text)], [503, {
    ok: false, guarantee: 'exactly-once', feeds: 1, lagging: 1,
    problems: ['live/call-legs/acme: 3720 s behind, 420 s allowed'],
  }]);
});

test('/status answers 200 with how all stands, in JSON', async () => {
  const { status, type, text } = await get('/status');
  assert.deepEqual([status, type], [200, 'application/json; charset=utf-8']);
  const { connector, feeds } = JSON.parse(text);
  assert.deepEqual(connector, { name: '8x8', guarantee: 'exactly-once', ...build });
  assert.deepEqual(feeds.map(({ pbx, state }: { pbx: string; state: string }) => [pbx, state]), [['acme', 'lagging']]);
});

test('the page is made of our own files alone', async () => {
  const { type, text } = await get('/');
  assert.match(type!, /^text\/html/);
  const asked = [...text.matchAll(/(?:src|href)="(\/page\/[^"]*)"/g)].map(([, path]) => path!);
  assert.equal(asked.length, 4);
  for (const path of [...asked, '/page/charts.js']) assert.equal((await get(path)).status, 200);
  assert.doesNotMatch(text, /https?:\/\//);
});

test('/status/live tells all at first, and who reads it does not keep the server from closing', async () => {
  const own = await serveHttp({ host: '127.0.0.1', port: 0, registry: metrics.registry, health, overview });
  const answer = await fetch(`${own.url}/status/live`);
  assert.match(answer.headers.get('content-type')!, /^text\/event-stream/);
  const { value } = await answer.body!.getReader().read();
  const [, json] = /^data: (.*)\n\n$/.exec(new TextDecoder().decode(value))!;
  assert.equal(JSON.parse(json!).feeds.length, 1);
  await own.close();
});

test('nothing else is served', async () => {
  const paths = ['/debug', '/page/../http.ts', '/page/status.ts', '/metrics/x', '/../package.json'];
  for (const path of paths) assert.equal((await get(path)).status, 404);
});

const TOKEN = 'canary-7f3a-token-of-a-test';
const obeyed: string[] = [];
let [token, outcome] = [(): string => TOKEN, 'obeyed' as SignalAnswer['outcome']];
const withSignals = await serveHttp({
  host: '127.0.0.1', port: 0, registry: metrics.registry, health, overview,
  signals: {
    token: () => token(),
    obey: async (text) => {
      obeyed.push(text);
      return { signal: 'http', outcome, feeds: { 'live/call-legs/acme': 'stands still' } };
    },
  },
});
after(() => withSignals.close());

const send = async (body: string, authorization?: string) => {
  const headers = { 'content-type': 'application/json', ...(authorization === undefined ? {} : { authorization }) };
  const answer = await fetch(`${withSignals.url}/signals`, { method: 'POST', body, headers });
  return { status: answer.status, text: await answer.text() };
};

test('without a token no signal is taken, and there is no such route', async () => {
  assert.equal((await fetch(`${server.url}/signals`, { method: 'POST', body: '{}' })).status, 404);
});

for (const wrong of [undefined, 'Bearer', 'Bearer ', `Basic ${TOKEN}`, `Bearer ${TOKEN}x`, TOKEN]) {
  test(`a signal that bears ${wrong === undefined ? 'nothing' : `"${wrong.slice(0, 9)}…"`} is refused`, async () => {
    const { status, text } = await send('{}', wrong);
    assert.deepEqual([status, JSON.parse(text), obeyed], [401, { problem: 'not the HTTP_TOKEN' }, []]);
  });
}

test('a token that cannot be read, or is empty, lets nobody in', async () => {
  for (const bad of [() => '', () => assert.fail('/run/secrets/token')]) {
    token = bad;
    const { status, text } = await send('{}', 'Bearer ');
    assert.deepEqual([status, JSON.parse(text), obeyed], [503, { problem: 'the HTTP_TOKEN cannot be read' }, []]);
  }
  token = () => TOKEN;
});

const statuses = [['obeyed', 200], ['unchanged', 200], ['unreadable', 400], ['refused', 400], ['failed', 503]] as const;
for (const [of, expected] of statuses) {
  test(`a signal that is ${of} is answered ${expected} with what was done`, async () => {
    outcome = of;
    const { status, text } = await send(`not JSON, ${of}`, `Bearer ${TOKEN}`);
    const feeds = { 'live/call-legs/acme': 'stands still' };
    assert.deepEqual([status, JSON.parse(text)], [expected, { signal: 'http', outcome: of, feeds }]);
    assert.equal(obeyed.at(-1), `not JSON, ${of}`);
  });
}

test('a body longer than 64 KiB is not read', async () => {
  assert.equal((await send('x'.repeat(64 * 1_024 + 1), `Bearer ${TOKEN}`)).status, 413);
});
