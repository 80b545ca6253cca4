import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callLegs } from '../../src/streams/call-legs.ts';
import { CONTENT_BYTES_MAX, type RejectedRow } from '../../src/streams/rejected.ts';
import type { BusEvent, RawRow } from '../../src/streams/stream.ts';
import { documentedLegs } from './documented.ts';
import { assertSurvivesAvro, context } from './schemas.ts';

const row = documentedLegs[0]!;

/** Maps a row that must be rejected. */
function reject(bad: unknown, change: Partial<typeof context> = {}): BusEvent & { readonly value: RejectedRow } {
  const event = callLegs.toEvent(bad as RawRow, { ...context, ...change });
  assert.equal(event.channel, 'rejected');
  assertSurvivesAvro(callLegs, event);
  return event as BusEvent & { readonly value: RejectedRow };
}

test('a rejected row says which, why and where, with these ids, for ever', () => {
  assert.deepEqual(reject({ ...row, legId: null }), {
    channel: 'rejected',
    stream: 'call-legs',
    key: 'rejected/a3c2d0f41c594ab93376881e9a9fbf81',
    orderingKey: 'acmecorppbx/1635571048351',
    eventTimeMs: context.window.to,
    contentHash: 180057124641881,
    marks: '',
    drift: [],
    value: {
      eventId: '341e2f188279ff78f8206219caec93b2',
      stream: 'call-legs',
      pbxId: 'acmecorppbx',
      callId: '1635571048351',
      legId: null,
      code: 'MISSING_FIELD',
      field: 'legId',
      reason: 'The field legId is missing or empty.',
      windowFrom: context.window.from,
      windowTo: context.window.to,
      observedAt: context.observedAtMs,
      payload: null,
    },
  });
});

test('a rejected row carries its JSON only when asked to', () => {
  const bad = { ...row, legId: null };
  assert.equal(reject(bad).value.payload, null);
  assert.equal(reject(bad, { rejectedPayload: false }).value.payload, null);
  const { payload } = reject(bad, { rejectedPayload: true }).value;
  assert.deepEqual(JSON.parse(payload!), bad);
});

// Goal: a reason may go to logs and screens. Method: damage every field with a mark, and look for it.
test('a rejected row without payload holds no value of the row but its ids', () => {
  for (const field of ['disconnectedTimeUTC', 'startTimeUTC', 'talkTimeMS', 'legId', 'callId', 'pbxId']) {
    const bad = { ...row, caller: 'SECRET', [field]: 'SECRET/\u0001', SECRET: 'SECRET' };
    assert.doesNotMatch(JSON.stringify(reject(bad)), /SECRET/, field);
  }
});

test('a row that is no object is rejected', () => {
  for (const bad of [null, undefined, 7, 'text', true, [], [row]]) {
    const { value, orderingKey } = reject(bad);
    assert.equal(value.code, 'NOT_AN_OBJECT');
    assert.equal(orderingKey, context.pbxId);
  }
});

test('a row of another PBX is rejected, whatever the case of the name', () => {
  const cases = [
    ['acmecorppbx', true],
    ['AcmeCorpPBX', true],
    ['other,acmecorppbx', true],
    ['other, ACMECORPPBX ,third', true],
    ['allpbxes', true],
    ['AllPbxes', true],
    ['other', false],
    ['other,acmecorppb,acmecorppbx2', false],
    ['', false],
    [',', false],
  ] as const;
  for (const [pbxId, accepted] of cases) {
    const event = callLegs.toEvent(row, { ...context, pbxId });
    assert.equal(event.channel, accepted ? 'accepted' : 'rejected', pbxId);
    if (!accepted) assert.equal(event.value['code'], 'WRONG_PBX');
  }
});

test('a name with a comma is not taken for two names of the request', () => {
  assert.equal(reject({ ...row, pbxId: 'a,b' }, { pbxId: 'x,a,b' }).value.code, 'WRONG_PBX');
});

test('the case of the PBX changes no key and no id, but the value keeps it', () => {
  const plain = callLegs.toEvent(row, context);
  const shouted = callLegs.toEvent({ ...row, pbxId: 'ACMEcorppbx' }, context);
  assert.deepEqual(shouted, { ...plain, value: { ...plain.value, pbxId: 'ACMEcorppbx' } });
});

test('a rejected row is ordered with the call it belongs to, whatever the case of the PBX', () => {
  assert.equal(reject({ ...row, pbxId: 'ACMEcorppbx', legId: null }).orderingKey, 'acmecorppbx/1635571048351');
  assert.equal(reject({ ...row, callId: 'a/b' }).orderingKey, context.pbxId);
});

test('a row is rejected when it disconnected half an hour after we saw it', () => {
  const limit = context.observedAtMs + 30 * 60_000;
  assert.equal(callLegs.toEvent({ ...row, disconnectedTimeUTC: limit }, context).channel, 'accepted');
  assert.equal(reject({ ...row, disconnectedTimeUTC: limit + 1 }).value.code, 'FUTURE_TIME');
});

test('a row just small enough is accepted and fits a Kafka batch; a larger one is rejected', () => {
  const spare = CONTENT_BYTES_MAX - 2_000;
  for (const letter of ['x', 'é', '☎', '\u0001', '\ud800']) {
    const bytes = Buffer.byteLength(JSON.stringify(letter.toWellFormed())) - 2;
    const fits = callLegs.toEvent({ ...row, callerName: letter.repeat(spare / bytes) }, context);
    assert.equal(fits.channel, 'accepted', letter);
    const large = { ...row, callerName: letter.repeat(CONTENT_BYTES_MAX / bytes) };
    assert.equal(reject(large).value.code, 'TOO_LARGE', letter);
    assert.equal(reject(large, { rejectedPayload: true }).value.payload, null);
  }
  assert.equal(reject({ ...row, unknown: { deep: 'x'.repeat(CONTENT_BYTES_MAX) } }).value.code, 'TOO_LARGE');
});

test('nesting that would overflow the stack is data like any other', () => {
  const depth = 200_000;
  const deep = JSON.parse(`${'[{"a":'.repeat(depth)}1${'}]'.repeat(depth)}`) as unknown;
  assert.equal(reject({ ...row, deep }).value.code, 'TOO_LARGE');
  assert.equal(reject([deep]).value.code, 'NOT_AN_OBJECT');
});

test('the order of its keys does not change which rejected row it is', () => {
  const bad = { ...row, legId: null, more: { a: 1, b: [2, { c: 3, d: 4 }] } };
  const turned = Object.fromEntries(Object.entries({ ...bad, more: { b: [2, { d: 4, c: 3 }], a: 1 } }).reverse());
  assert.deepEqual(reject(turned), reject(bad));
  assert.notEqual(reject({ ...bad, more: { a: 1, b: [{ c: 3, d: 4 }, 2] } }).key, reject(bad).key);
});
