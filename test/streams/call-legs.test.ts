import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callLegs, type CallLeg } from '../../src/streams/call-legs.ts';
import { digest, eventIdOf } from '../../src/streams/digest.ts';
import { documentedLegs } from './documented.ts';
import { assertSurvivesAvro, context } from './schemas.ts';

const [toVoicemail, gaveUp] = documentedLegs as [(typeof documentedLegs)[0], (typeof documentedLegs)[0]];

const toVoicemailOnTheBus: CallLeg = {
  eventId: 'e09cdd89c787226a269990716520fb23',
  revision: 1,
  changeKind: 'new',
  changedFields: [],
  observedAt: context.observedAtMs,
  pass: 'live',
  pbxId: 'acmecorppbx',
  callId: '1635571048351',
  legId: '1',
  parentCallId: null,
  transferToCallId: null,
  sipCallId: 'user@example.com',
  direction: 'Incoming',
  status: 'Completed',
  startTimeUTC: 1643898447499,
  connectTimeUTC: 1643898447539,
  disconnectedTimeUTC: 1643898472253,
  callTime: 24754,
  talkTimeMS: 0,
  calleeHoldDurationMS: 0,
  missed: true,
  abandoned: false,
  answered: false,
  caller: '+15555551220',
  callerName: 'MARK SMITH',
  callerId: 'MARK SMITH,+15555551220',
  callee: '120088',
  calleeName: 'Jane Li',
  dnis: '12025555720',
  lra: '120088',
  lraType: 1,
  cause: 'Ring No Answer',
  propsLastPartyDisp: 'Voicemail',
  calleeDisconnectOnHold: '',
  callerDisconnectOnHold: '',
  callerDeviceId: null,
  callerDeviceModel: '',
  calleeDeviceId: null,
  calleeDeviceModel: '',
  callerSvcName: null,
  callerSvcType: null,
  calleeSvcName: 'VMadvanced',
  calleeSvcType: 'Custom',
  departments: ['Sales Engineering'],
  branches: ['Central'],
  recordServiceOn: '',
  bargeServiceOn: '',
  masterSlaveExts: '',
  accountCode: '',
  aaPath: '',
  extras: Object.create(null) as Record<string, string>,
};

test('the documented leg becomes this event, with these ids, for ever', () => {
  const event = callLegs.toEvent(toVoicemail, context);
  assert.deepEqual(event, {
    channel: 'accepted',
    stream: 'call-legs',
    key: 'acmecorppbx/1635571048351/1',
    orderingKey: 'acmecorppbx/1635571048351',
    eventTimeMs: 1643898472253,
    contentHash: 234344260841219,
    marks: '8gAAAAgw8-MfqwNJSXmBZpao2z2zJ838NFxulS5voJACJO_R8nce5eAAzMAAfxAAAA2KMslz2DOIqOTspHCJ',
    drift: [],
    value: toVoicemailOnTheBus,
  });
  assertSurvivesAvro(callLegs, event);
});

test('the second documented leg keeps its ids too', () => {
  const event = callLegs.toEvent(gaveUp, context);
  assert.equal(event.key, 'acmecorppbx/1635571048345/1');
  assert.equal(event.contentHash, 133939549941825);
  assert.equal(event.value['eventId'], 'ebfe948e397a5dff55166f6b5f017086');
  assert.deepEqual([event.value['missed'], event.value['abandoned'], event.value['answered']], [true, true, false]);
  assertSurvivesAvro(callLegs, event);
});

test('a correction is the same event with its number, its own id and the fields that differ', () => {
  const first = callLegs.toEvent(toVoicemail, context);
  const second = callLegs.toEvent({ ...toVoicemail, status: 'In Progress', talkTimeMS: 1, note: 'x' }, context);
  const { key, eventTimeMs: timeMs, contentHash: hash, marks } = first;
  const corrected = callLegs.revise(second, { key, timeMs, hash, revision: 6, marks });
  assert.deepEqual(corrected, {
    ...second,
    value: {
      ...second.value,
      eventId: eventIdOf('call-legs', key, 7, second.contentHash),
      revision: 7,
      changeKind: 'corrected',
      changedFields: ['extras', 'status', 'talkTimeMS'],
    },
  });
  assertSurvivesAvro(callLegs, corrected);
});

test('a leg is told by PBX, call and leg before it is mapped', () => {
  assert.equal(callLegs.identify(toVoicemail), callLegs.toEvent(toVoicemail, context).key);
});

test('a leg that is still in progress has no event time and is rejected', () => {
  const { code, field } = callLegs.toEvent({ ...toVoicemail, disconnectedTimeUTC: 0 }, context).value;
  assert.deepEqual([code, field], ['MISSING_FIELD', 'disconnectedTimeUTC']);
});

test('the content hash is made of this text', () => {
  const bare = { zeta: 'z', legId: '1', pbxId: 'Acme', callId: 7, missed: 'Perhaps', alpha: [1], 9: '', status: null };
  const text =
    '["pbxId","acme","callId","7","legId","1","disconnectedTimeUTC",1643898472253,"departments",["Zoë"],' +
    '["9","","alpha","[1]","missed","Perhaps","zeta","z"]]';
  const row = { ...bare, disconnectedTimeUTC: '1643898472253', departments: ['Zoë'], connectTimeUTC: 0 };
  assert.equal(callLegs.toEvent(row, { ...context, pbxId: 'ACME' }).contentHash, digest(text).contentHash);
});

test('two unknown fields whose names become one have the same winner in any order', () => {
  const [one, two] = [{ '\ud800': 'one' }, { '\ud801': 'two' }];
  const winners = [{ ...toVoicemail, ...one, ...two }, { ...toVoicemail, ...two, ...one }].map(
    (row) => (callLegs.toEvent(row, context).value['extras'] as Record<string, string>)['\ufffd'],
  );
  assert.deepEqual(winners, ['two', 'two']);
});

test('an unknown field is kept, and changes the content hash', () => {
  const row = { ...toVoicemail, sentiment: { score: 1, about: ['price'] }, note: 'x', gone: null };
  const event = callLegs.toEvent(row, context);
  assert.deepEqual({ ...(event.value['extras'] as object) }, { note: 'x', sentiment: '{"about":["price"],"score":1}' });
  assert.notEqual(event.contentHash, 234344260841219);
  assertSurvivesAvro(callLegs, event);
});

test('the texts that repeat another field are left out, and change nothing', () => {
  const event = callLegs.toEvent({ ...toVoicemail, startTime: '2022-02-03T14:27:27.499+0000' }, context);
  assert.equal(event.contentHash, 234344260841219);
  assert.deepEqual(event.value, toVoicemailOnTheBus);
});
