import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CANARIES } from '../../src/simulator/people.ts';
import { readTopics } from '../reader/topics.ts';
import { closingJourneys } from './journey.ts';
import { assertWhole } from './verdict.ts';

// Goal: what goes wrong at 8x8 costs no call. Method: the whole road on real parts, and a phone system that misbehaves.

const { journey, closeAll } = closingJourneys();
after(closeAll);

test('a token that expires in the middle of a scroll is renewed, and the scroll goes on', async () => {
  const { start, settle, account } = await journey({
    simulator: { faults: { seed: 32, probabilities: { 'token-expired': 0.1 } } }, // a seed without two in a row
    settings: { EIGHT_PAGE_SIZE: '50', PACE_STEP_MAX: '10m' },
  });
  start();
  for (let waits = 0; waits < 200 && (account.stats().faults['token-expired'] ?? 0) < 3; waits += 1) await sleep(50);
  assertWhole(await settle());
  const { faults, tokensIssued } = account.stats();
  assert.ok(faults['token-expired']! > 2, `tokens did expire: ${faults['token-expired']}`);
  assert.ok(tokensIssued > 2, `and were renewed: ${tokensIssued}`);
});

test('rows that 8x8 shows late are found by a sweep', async () => {
  const { start, settle, lines } = await journey({ simulator: { lateShare: 0.3, lateMaxMs: 8_000 } });
  start();
  await sleep(15_000); // rows come late only while time passes
  assertWhole(await settle());
  const found = lines.some(({ msg, repeats, published }) =>
    msg === 'polled' && Number(repeats) > 50 && Number(published) > 0);
  assert.ok(found, 'some sweep has found what polls had passed by');
});

test('rows that nobody can map become dead letters, and the others go on', async () => {
  const { start, settle, records } = await journey({ simulator: { poisonShare: 0.05 } });
  start();
  const verdict = await settle();
  assertWhole(verdict);
  assert.ok(verdict.rejected > 10, `there are dead letters: ${verdict.rejected}`);
  for (const { value } of records.filter(({ topic }) => topic.endsWith('.rejected'))) {
    assert.match(String(value!['code']), /^[A-Z_]+$/);
    assert.equal(value!['payload'], null, 'a dead letter carries no personal data unless asked to');
  }
});

const groupings = { 'all PBXs in one request': 'allpbxes', 'two PBXs in one request': 'globex+acme' };
for (const [name, pbxIds] of Object.entries(groupings)) {
  test(`${name}: nothing is lost or doubled`, async () => {
    const { start, settle } = await journey({ settings: { EIGHT_PBX_IDS: pbxIds } });
    start();
    assertWhole(await settle());
  });
}

test('where 8x8 takes no other page than one of 50 rows, the page size is found by itself', async () => {
  const { start, settle, account } = await journey({ simulator: { pageSizeRule: 'must-be-50' } });
  start();
  assertWhole(await settle());
  assert.ok(account.stats().requests['400']! > 0, 'a larger one was tried');
});

test('a PBX that we may not read rests, while the others go on', async () => {
  const { start, line, lines } = await journey({
    simulator: { pbxIds: ['acme', 'globex', 'secret'], forbiddenPbxIds: ['secret'], callsPerHour: 2_000 },
  });
  start();
  const refused = await line(({ code }) => code === 'SOURCE_PBX_REFUSED');
  assert.match(refused.msg, /secret/);
  await line(({ msg, feed }) => msg === 'polled' && feed === 'live/call-legs/acme');
  await line(({ msg, feed }) => msg === 'polled' && feed === 'live/call-records/globex');
  assert.ok(!lines.some(({ msg, feed }) => msg === 'polled' && String(feed).endsWith('/secret')));
});

test('every standard fault of the source at once loses and doubles nothing', async () => {
  const { start, settle } = await journey({
    simulator: { faults: 'standard', poisonShare: 0 },
    settings: { EIGHT_PAGE_SIZE: '100', EIGHT_REQUEST_TIMEOUT: '5s' },
  });
  start();
  start();
  await sleep(10_000);
  assertWhole(await settle());
});

test('no name, number or secret shows up in logs, metrics, offsets or dead letters', async () => {
  const { start, settle, line, lines, records, stack, account, prefix } = await journey({
    simulator: { faults: 'standard', poisonShare: 0.05 },
    settings: { LOG_LEVEL: 'debug' },
  });
  start();
  const { http } = await line(({ msg }) => msg === 'starting');
  await sleep(5_000);
  const served = async (path: string): Promise<string> => (await fetch(`${http}/${path}`)).text();
  const [metrics, status] = [await served('metrics'), await served('status')];
  assertWhole(await settle());
  const artefacts = {
    logs: JSON.stringify(lines),
    metrics,
    status,
    offsets: JSON.stringify(await readTopics(stack, [`${prefix}.offsets`])),
    deadLetters: JSON.stringify(records.filter(({ topic }) => topic.endsWith('.rejected'))),
  };
  const { apiKey, username, password } = account.options;
  assert.ok(JSON.stringify(records).includes(CANARIES.name), 'the canaries were there to be seen');
  for (const [where, text] of Object.entries(artefacts)) {
    assert.ok(text.length > 1_000, `${where} have something to say`);
    for (const canary of [CANARIES.name, CANARIES.number, apiKey, username, password, 'Bearer ']) {
      assert.ok(!text.includes(canary), `${where} hold ${canary}`);
    }
  }
});
