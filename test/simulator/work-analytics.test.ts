import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFixture } from '../fixtures/read-fixture.ts';
import { hours, minutes, NOON, reportTime, withSimulator } from './fixtures.ts';
import type { Json } from './fixtures.ts';

interface ErrorFixture { readonly httpStatus: number; readonly body: Json }
const errors = readFixture<Record<string, ErrorFixture>>('errors');

async function assertError(response: Response, name: string, change: Json = {}): Promise<void> {
  assert.equal(response.status, errors[name]!.httpStatus);
  assert.deepEqual(await response.json(), { ...errors[name]!.body, ...change });
}

test('a token is what the documentation shows', () => withSimulator({}, async (caller) => {
  const documented = readFixture<{ body: Json }>('token').body;
  const answer = await (await caller.login()).json() as Json;
  assert.deepEqual(Object.keys(answer), Object.keys(documented));
  assert.equal(answer.token_type, documented.token_type);
  assert.equal(answer.expires_in, documented.expires_in);
  assert.equal((answer.access_token as string).split('.').length, 3);
}));

test('bad credentials are refused as documented', () => withSimulator({}, async (caller) => {
  await assertError(await caller.login({}, 'wrong'), 'invalidApiKey');
  await assertError(await caller.login({ username: 'nobody' }), 'tokenUserNotFound');
  assert.equal((await caller.login({ password: 'wrong' })).status, 400);
  await assertError(await caller.get('call-legs', {}, { '8x8-apikey': 'wrong' }), 'invalidApiKey');
  await assertError(await caller.get('call-records', {}, { authorization: 'Bearer nonsense' }), 'invalidBearerToken');
  assert.equal((await caller.get('call-legs', {}, { authorization: '' })).status, 401);
}));

test('a token lives as long as it says', () => withSimulator({ tokenLifetimeS: 60 }, async (caller, clock) => {
  clock.pass(59_999);
  assert.equal((await caller.get('call-legs')).status, 200);
  clock.pass(1);
  await assertError(await caller.get('call-legs'), 'expiredBearerToken',
    { error_description: `Access token expired: ${caller.token}` });
  await caller.login();
  assert.equal((await caller.get('call-legs')).status, 200);
}));

test('expires_in comes as number, as text, or not at all', async () => {
  for (const [expiresIn, expected] of [['number', 1_800], ['text', '1800'], ['missing', undefined]] as const) {
    await withSimulator({ expiresIn }, async (caller) => {
      assert.equal(((await (await caller.login()).json()) as Json).expires_in, expected);
    });
  }
});

// The documented example: 81 rows at 50 a page are three requests.
test('a scroll of 51 to 100 rows takes three answers, the last with the end marker', () =>
  withSimulator({ pbxIds: ['acme'], callsPerHour: 120 }, async (caller) => {
    const documented = readFixture<{ bodies: { meta: Json }[] }>('pagination').bodies;
    for (let back = 30; back < 60; back += 1) {
      const change = { startTime: reportTime(NOON - minutes(back)), endTime: reportTime(NOON - minutes(15)) };
      const pages = await caller.scroll('call-legs', change);
      const rows = pages.flatMap((page) => page.data);
      if (rows.length <= 50 || rows.length >= 100) continue;
      assert.deepEqual(pages.map((page) => page.data.length), [50, rows.length - 50, 0]);
      assert.deepEqual(pages.map((page) => page.meta.totalRecordCount), [rows.length, rows.length, 0]);
      assert.deepEqual(pages[2]!.meta, documented[2]!.meta);
      assert.equal(Buffer.from(pages[0]!.meta.scrollId!, 'base64').toString(),
        `acme_${rows[49]!.callId}_${rows[49]!.legId}_${rows[49]!.startTimeUTC}`);
      return;
    }
    assert.fail('no window had 51 to 100 rows');
  }));

test('spaces may be + or %20, in any zone and with unknown parameters', () => withSimulator({}, async (caller) => {
  const utc = await caller.page('call-legs', { pageKey: '50' });
  const url = `${caller.simulator.url}/v2/call-legs?pbxId=allpbxes&pageSize=50&timeZone=America/New_York`
    + '&startTime=2026-05-01%2006:00:00&endTime=2026-05-01+08:00:00';
  const response = await fetch(url, {
    headers: { '8x8-apikey': caller.simulator.options.apiKey, 'authorization': `bearer ${caller.token}` },
  });
  const local = await response.json() as typeof utc;
  assert.deepEqual(local.data.map((row) => row.startTimeUTC), utc.data.map((row) => row.startTimeUTC));
  assert.match(local.data[0]!.startTime as string, /-0400$/);
  assert.match(utc.data[0]!.startTime as string, /\+0000$/);
}));

test('an hour that a zone has twice is asked for by its first instant, or by its second', async () => {
  const window = {
    timeZone: 'America/New_York', startTime: '2026-11-01 01:00:00', endTime: '2026-11-01 01:59:59', pageSize: '7000',
  };
  for (const [foldChoice, utc] of [['earlier', '2026-11-01T05:00:00Z'], ['later', '2026-11-01T06:00:00Z']] as const) {
    await withSimulator({ foldChoice, startedAtMs: Date.parse('2026-11-01T12:00:00Z') }, async (caller, clock) => {
      clock.pass(Date.parse('2026-11-01T12:00:00Z') - NOON);
      await caller.login();
      const { data } = await caller.page('call-legs', window);
      assert.ok(data.length > 0);
      for (const row of data) {
        const endMs = row.disconnectedTimeUTC as number;
        assert.ok(endMs >= Date.parse(utc) && endMs <= Date.parse(utc) + hours(1));
      }
    });
  }
});

const refused: { name: string; change: Record<string, string | undefined> }[] = [
  { name: 'a missing window', change: { startTime: undefined } },
  { name: 'a missing zone', change: { timeZone: undefined } },
  { name: 'a missing page size', change: { pageSize: undefined } },
  { name: 'a window written as ISO 8601', change: { endTime: '2026-05-01T12:00:00Z' } },
  { name: 'an unknown zone', change: { timeZone: 'Mars/Olympus' } },
  { name: 'a page of 7001 rows', change: { pageSize: '7001' } },
  { name: 'a page of no rows', change: { pageSize: '0' } },
  { name: 'the end marker as a scroll id', change: { scrollId: 'No Data' } },
  { name: 'two party filters at once', change: { caller: '1001', callerOrCallee: '1002' } },
  { name: '126 callers', change: { caller: Array.from({ length: 126 }, (_, index) => index).join(',') } },
];

test('a bad parameter is a 400 in the documented envelope of errors', () => withSimulator({}, async (caller) => {
  for (const { name, change } of refused) {
    const response = await caller.get('call-legs', change);
    assert.equal(response.status, 400, name);
    const fields = Object.keys(await response.json() as Json);
    assert.deepEqual(fields, Object.keys(errors.pbxAccessDeniedCallLegs!.body), name);
  }
}));

test('a page size other than 50 can be refused', () => withSimulator({ pageSizeRule: 'must-be-50' }, async (caller) => {
  assert.equal((await caller.get('call-legs', { pageSize: '100' })).status, 400);
  assert.equal((await caller.get('call-legs', { pageSize: '50' })).status, 200);
}));

const threePbxes = { pbxIds: ['acme', 'globex', 'initech'] };

test('PBXes are one name, several, or all', () => withSimulator(threePbxes, async (caller) => {
  const seen = async (pbxId: string): Promise<string[]> => {
    const { data } = await caller.page('call-legs', { pbxId, pageSize: '7000' });
    return [...new Set(data.map((row) => row.pbxId as string))].sort();
  };
  assert.deepEqual(await seen('globex'), ['globex']);
  assert.deepEqual(await seen('acme,initech'), ['acme', 'initech']);
  assert.deepEqual(await seen('allpbxes'), ['acme', 'globex', 'initech']);
}));

test('a forbidden PBX is refused in both documented forms', async () => {
  const settings = { pbxIds: ['acme', 'secret'], forbiddenPbxIds: ['secret'] };
  await withSimulator(settings, async (caller) => {
    const { username } = caller.simulator.options;
    const message = `user(${username}) does not have access to pbxId(secret) to make this request.`;
    const change = { timeStamp: '2026-05-01T12:00:00.000+0000', exception: message, message };
    await assertError(await caller.get('call-legs', { pbxId: 'secret' }), 'pbxAccessDeniedCallLegs', change);
    await assertError(await caller.get('call-records', { pbxId: 'allpbxes' }), 'pbxAccessDeniedCallRecords', change);
    assert.equal((await caller.get('call-legs', { pbxId: 'acme' })).status, 200);
    assert.equal((await caller.get('call-legs', { pbxId: 'nobody' })).status, 403);
  });
  await withSimulator({ ...settings, forbiddenForm: '400-category', unknownPbx: 'empty' }, async (caller) => {
    const response = await caller.get('call-legs', { pbxId: 'secret' });
    assert.equal(response.status, 400);
    const body = await response.json() as Json;
    assert.equal(body.code, '105-400-038');
    assert.match(body.message as string, /does not have access to api category\(CDR\) for pbxId\(\[secret\]\)\.$/);
    assert.deepEqual((await caller.page('call-legs', { pbxId: 'nobody' })).data, []);
  });
  await withSimulator({ ...settings, forbiddenAmongOthers: 'leave-out' }, async (caller) => {
    const { data } = await caller.page('call-legs', { pageSize: '7000' });
    assert.deepEqual([...new Set(data.map((row) => row.pbxId))], ['acme']);
    assert.equal((await caller.get('call-legs', { pbxId: 'secret' })).status, 403);
  });
});

test('an empty window and the end of a scroll have the body that the switch says', async () => {
  const empty = { startTime: '2026-04-01 00:00:00', endTime: '2026-04-01 01:00:00' };
  const end = { totalRecordCount: 0, scrollId: 'No Data' };
  for (const [emptyWindow, body] of [['end-of-scroll', { meta: end, data: [] }],
    ['no-scroll-id', { meta: { totalRecordCount: 0 }, data: [] }], ['null-data', { meta: end, data: null }]] as const) {
    await withSimulator({ emptyWindow }, async (caller) => {
      assert.deepEqual(await caller.page('call-legs', empty), body);
    });
  }
  for (const [endMarker, scrollId] of [['no-data', 'No Data'], ['null', null], ['missing', undefined]] as const) {
    await withSimulator({ endMarker }, async (caller) => {
      const pages = await caller.scroll('call-records', { pageSize: '7000' });
      assert.equal(pages.length, 2);
      assert.equal(pages[1]!.meta.scrollId, scrollId);
    });
  }
  await withSimulator({ endMarker: 'fresh-id' }, async (caller) => {
    const first = await caller.page('call-legs', empty);
    const second = await caller.page('call-legs', { ...empty, scrollId: first.meta.scrollId! });
    assert.deepEqual(second.data, []);
    assert.notEqual(first.meta.scrollId, second.meta.scrollId);
  });
});

test('the limit is a real one, and says how long to wait in the style of the switch', async () => {
  const headersOf = async (throttleStyle: 'retry-after-seconds' | 'retry-after-date' | 'x-ratelimit' | 'none') => {
    let headers = new Headers();
    await withSimulator({ requestsPerMinute: 3, throttleStyle, dateSkewMs: hours(1) }, async (caller, clock) => {
      clock.pass(10_000);
      assert.equal((await caller.get('call-legs')).status, 200);
      assert.equal((await caller.get('call-legs')).status, 200);
      const response = await caller.get('call-legs');
      assert.equal(response.status, 429);
      headers = response.headers;
      clock.pass(50_000);
      assert.equal((await caller.get('call-legs')).status, 200, 'the first request is a minute old');
      assert.equal((await caller.get('call-legs')).status, 429);
      assert.equal((await caller.get('call-legs')).status, 429);
      if (throttleStyle !== 'none') assert.equal(caller.simulator.stats().requestsDuringRetryAfter, 1);
    });
    return headers;
  };
  assert.equal((await headersOf('retry-after-seconds')).get('retry-after'), '50');
  const dated = await headersOf('retry-after-date');
  assert.equal(dated.get('retry-after'), new Date(NOON + hours(1) + minutes(1)).toUTCString());
  assert.equal(dated.get('date'), new Date(NOON + hours(1) + 10_000).toUTCString());
  assert.equal((await headersOf('x-ratelimit')).get('x-ratelimit-reset'), '50');
  assert.equal((await headersOf('none')).get('retry-after'), null);
});
