import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callRecords, type CallRecord } from '../../src/streams/call-records.ts';
import { documentedRecords } from './documented.ts';
import { assertSurvivesAvro, context } from './schemas.ts';

const [toVoicemail, gaveUp] = documentedRecords as [(typeof documentedRecords)[0], (typeof documentedRecords)[0]];

const gaveUpOnTheBus: CallRecord = {
  eventId: 'a307d60dcf0faebfdb14a6154487b6e8',
  revision: 1,
  changeKind: 'new',
  changedFields: [],
  observedAt: context.observedAtMs,
  pass: 'live',
  pbxId: 'acmecorppbx',
  callId: '1635571048345',
  sipCallId: 'user@example.com',
  direction: 'Incoming',
  startTimeUTC: 1643897492897,
  connectTimeUTC: null,
  answeredTime: null,
  disconnectedTimeUTC: 1643899189421,
  callTime: 1696524,
  ringDuration: 197,
  waitTimeMS: 1696320,
  talkTimeMS: 0,
  calleeHoldDurationMS: 0,
  abandonedTime: 1696524,
  missed: true,
  abandoned: true,
  answered: false,
  caller: '+15551234567',
  callerName: '15551234567',
  callerId: '15551234567,+15551234567',
  callee: 'CallQueue',
  calleeName: 'Test Queue',
  dnis: '15554441212',
  aaDestination: null,
  lastLegDisposition: 'Missed',
  callLegCount: 1,
  calleeDisconnectOnHold: '',
  callerDisconnectOnHold: '',
  departments: ['East Office'],
  branches: ['East Coast'],
  extras: Object.create(null) as Record<string, string>,
};

test('the documented record becomes this event, with these ids, for ever', () => {
  const event = callRecords.toEvent(gaveUp, context);
  assert.deepEqual(event, {
    channel: 'accepted',
    stream: 'call-records',
    key: 'acmecorppbx/1635571048345',
    orderingKey: 'acmecorppbx/1635571048345',
    eventTimeMs: 1643899189421,
    contentHash: 278746114101993,
    marks: 'KPaDaLiBAAAAk9qZaVW_O0Ptw2sMewewHRFQORrEZFKZAAjTYbzcTHBRX6',
    drift: [],
    value: gaveUpOnTheBus,
  });
  assertSurvivesAvro(callRecords, event);
});

test('the other documented record keeps its ids too', () => {
  const event = callRecords.toEvent(toVoicemail, context);
  assert.equal(event.key, 'acmecorppbx/1635571048351');
  assert.equal(event.contentHash, 89474780223665);
  assert.equal(event.value['eventId'], '7e073786640b273d537d1a8d58cc0bde');
  assertSurvivesAvro(callRecords, event);
});

test('the leg count is read from text and from a number alike', () => {
  const events = ['1', 1].map((callLegCount) => callRecords.toEvent({ ...gaveUp, callLegCount }, context));
  const ids = events.map(({ value }) => value['eventId']);
  assert.deepEqual(ids, [gaveUpOnTheBus.eventId, gaveUpOnTheBus.eventId]);
});

test('a record and its legs have the same ordering key', () => {
  assert.equal(callRecords.toEvent(toVoicemail, context).orderingKey, 'acmecorppbx/1635571048351');
});
