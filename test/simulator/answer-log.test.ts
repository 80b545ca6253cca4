import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnswerEntry } from '../../src/simulator/answer-log.ts';
import { type Caller, NOON, withSimulator } from './fixtures.ts';

async function readAnswers({ simulator }: Caller): Promise<readonly AnswerEntry[]> {
  const response = await fetch(`${simulator.origin}/simulator/answers`);
  assert.match(response.headers.get('content-type')!, /ndjson/);
  return (await response.text()).trim().split('\n').map((line) => JSON.parse(line) as AnswerEntry);
}

test('the answers are told in the order of their requests, with what was asked and by whom', () =>
  withSimulator({}, async (caller, clock) => {
    await caller.scroll('call-records', { pbxId: 'acme', pageSize: '7000' });
    clock.pass(1_000);
    await caller.login();
    await caller.get('call-legs', { pageSize: '7001' });
    await caller.get('call-legs', {}, { authorization: 'Bearer nonsense' });
    const answers = await readAnswers(caller);
    assert.deepEqual(answers.map(({ number }) => number), [1, 2, 3, 4, 5, 6]);
    assert.deepEqual(answers.map(({ endpoint }) => endpoint),
      ['token', 'call-records', 'call-records', 'token', 'call-legs', 'call-legs']);
    assert.deepEqual(answers.map(({ scrolling }) => scrolling), [false, false, true, false, false, false]);
    assert.deepEqual(answers.map(({ status }) => status), [200, 200, 200, 200, 400, 401]);
    assert.deepEqual(answers.map(({ token }) => token),
      [null, 'simulated-1', 'simulated-1', null, 'simulated-2', null]);
    assert.deepEqual(answers.map(({ atMs }) => atMs - NOON), [0, 0, 0, 1_000, 1_000, 1_000]);
    assert.ok(answers[1]!.rows > 50 && answers[2]!.rows === 0);
    assert.deepEqual(answers[2]!.query, {
      pbxId: 'acme', startTime: '2026-05-01 10:00:00', endTime: '2026-05-01 12:00:00', timeZone: 'UTC',
      pageSize: '7000',
    });
  }));

test('an answer is of the moment at which it was asked for, for its rows were chosen behind it', () =>
  withSimulator({}, async (caller, clock) => {
    await caller.login();
    clock.tickMs = 1;
    await caller.get('call-legs'); // itself looks at the clock, once
    clock.tickMs = 0;
    assert.equal((await readAnswers(caller)).at(-1)!.atMs, NOON + 2);
    assert.ok(clock.nowMs() > NOON + 3, 'what makes the answer looks at the clock, too');
  }));

test('a 429 tells until when it wants silence, and a spoiled answer what was wrong with it', () =>
  withSimulator({ requestsPerMinute: 2, faults: { probabilities: { cut: 1 } } }, async (caller) => {
    await assert.rejects(caller.page('call-legs'));
    assert.equal((await caller.get('call-legs')).status, 429);
    const [login, cut, throttled] = await readAnswers(caller);
    assert.deepEqual([login!.fault, cut!.fault, throttled!.fault], [null, 'cut', null]);
    assert.deepEqual([cut!.status, cut!.rows], [200, 0], 'half a body is nothing that can be read');
    assert.deepEqual([login!.silentUntilMs, cut!.silentUntilMs, throttled!.silentUntilMs], [null, null, NOON + 60_000]);
  }));

for (const kind of ['damaged-row', 'foreign-row'] as const) {
  test(`what a ${kind} shows is told, for it is in no ledger`, () =>
    withSimulator({ faults: { probabilities: { [kind]: 1 } } }, async (caller) => {
      const { data } = await caller.page('call-legs');
      const { strange, rows } = (await readAnswers(caller)).at(-1)!;
      assert.equal(rows, data.length);
      assert.equal(strange.length, 1);
      assert.ok(data.some((row) => JSON.stringify(row) === JSON.stringify(strange[0])));
    }));
}
