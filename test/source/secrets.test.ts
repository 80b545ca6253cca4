import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import {
  createSource, page, readAll, row, rowsFrom, startServer, tokenReply, type Asked, type Reply,
} from './scripted-server.ts';

const canaries = {
  apiKey: 'eght_canarykey',
  username: 'canary.user',
  password: 'canary pass&1',
  token: 'canarytoken.part.sig',
  scrollId: 'Y2FuYXJ5XzE2MzU1NzEwNDgzNDVfMV8xNjQz',
  phone: '+15555550199',
  person: 'canary.person@acme.com',
};
const redirectHost = 'canaryhost.invalid';
/** Too short to be known by its looks. */
const shortScrollId = 'scroll-7f';
const formPassword = new URLSearchParams([['', canaries.password]]).toString().slice(1);
const forbidden = [...Object.values(canaries), formPassword, '5555550199', redirectHost, shortScrollId];

/** Says everything it knows, in every place where an answer can say something. */
function gossip(status: number, asked: Asked, change: { headers?: Record<string, string>; text?: string } = {}): Reply {
  const { body, headers: { authorization }, query } = asked;
  const all = [...Object.values(canaries), body, authorization, query.get('scrollId')].join(' , ');
  const json = {
    status,
    code: all,
    message: all,
    messages: [all],
    exception: all,
    error: all,
    error_description: `Access token expired: ${all}`,
  };
  const location = `https://${redirectHost}/?t=${canaries.token}`;
  const headers = { 'x-echo': canaries.token, location, ...change.headers };
  return { status, headers, text: change.text ?? JSON.stringify(json) };
}

const html = {
  headers: { 'content-type': `text/html; charset=${canaries.token}` },
  text: `<b>${canaries.token}</b>`,
};
const telltale = { ...row(0), caller: canaries.phone };

const answers: { name: string; reply: (asked: Asked) => Reply }[] = [
  ...[302, 400, 401, 403, 404, 409, 410, 422, 429, 500, 503].map((status) =>
    ({ name: `${status} with JSON`, reply: (asked: Asked) => gossip(status, asked) })),
  ...[400, 403, 500].map((status) => ({
    name: `${status} with HTML`,
    reply: (asked: Asked) => gossip(status, asked, html),
  })),
  { name: '200 with HTML', reply: (asked) => gossip(200, asked, html) },
  { name: '200 with broken JSON', reply: (asked) => gossip(200, asked, { text: `${canaries.phone}{` }) },
  { name: '200 out of shape', reply: (asked) => gossip(200, asked) },
  { name: '200 with rows and no scrollId', reply: () => ({ json: { meta: {}, data: [telltale] } }) },
  { name: '200 with the same scrollId',
    reply: ({ query }) => page(query.has('scrollId') ? rowsFrom(2, 5) : [telltale], canaries.scrollId) },
  { name: '200 with the same rows', reply: () => page([telltale], `x${canaries.scrollId}`) },
  { name: 'a retry-after full of secrets', reply: () => ({ status: 429, headers: { 'retry-after': canaries.token } }) },
  { name: 'a cut connection', reply: () => (response) => response.destroy() },
  { name: 'no answer', reply: () => () => undefined },
];

// Goal: no secret and no caller ever stands in a log. Method: a server that repeats all it knows; the errors are
// looked at as a logger would, with stack, cause and hidden properties.
for (const endpoint of ['token', 'first page', 'second page']) {
  for (const { name, reply } of answers) {
    test(`no secret is in the error when the ${endpoint} is answered with ${name}`, async (t) => {
      const server = await startServer(
        t,
        (asked) => {
          const isFirst = !asked.query.has('scrollId');
          return endpoint === 'second page' && isFirst ? page([row(0)], shortScrollId) : reply(asked);
        },
        (asked) => (endpoint === 'token' ? reply(asked) : tokenReply(canaries.token)),
      );
      const requestTimeoutMs = name === 'no answer' ? 50 : 5_000;
      const { source } = createSource(server, { credentials: () => canaries, requestTimeoutMs, pageSize: 50 });
      assertNoSecret(await readAll(source).then(() => assert.fail('must fail'), (thrown: unknown) => thrown));
    });
  }
}

for (const field of ['apiKey', 'username', 'password'] as const) {
  test(`no secret is in the error when ${field} has a line break`, async (t) => {
    const server = await startServer(t, []);
    const credentials = { ...canaries, [field]: `${canaries[field]}\r\n` };
    const { source } = createSource(server, { credentials: () => credentials });
    assertNoSecret(await readAll(source).then(() => assert.fail('must fail'), (thrown: unknown) => thrown));
  });
}

function assertNoSecret(error: unknown): void {
  const views = [inspect(error, { depth: Infinity, showHidden: true }), JSON.stringify(error), (error as Error).stack];
  const shown = views.join('\n');
  for (const secret of forbidden) assert.ok(!shown.includes(secret), `${secret} in ${shown}`);
  assert.match(shown, /SOURCE_/);
}
