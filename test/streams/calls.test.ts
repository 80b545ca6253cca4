import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callLegs } from '../../src/streams/call-legs.ts';
import { callRecords } from '../../src/streams/call-records.ts';
import { callEvent, callKeyOf, reviseCall, verdictOf, type CallParts, type LegCount } from '../../src/streams/calls.ts';
import { hiding, policyOf } from '../../src/streams/privacy.ts';
import type { BusEvent } from '../../src/streams/stream.ts';
import avro from 'avsc';
import { readSchema } from '../../src/sink/avro.ts';

const context = { pbxId: 'Acme', window: { from: 0, to: 10_000_000 }, observedAtMs: 9_000_000 };
const rowOf = (callId: string, endS: number, more: object): object =>
  ({ pbxId: 'Acme', callId, startTimeUTC: endS * 1_000 - 500, disconnectedTimeUTC: endS * 1_000, ...more });
const leg = (legId: number, endS: number, more: object = {}): BusEvent =>
  callLegs.toEvent(rowOf('7', endS, { legId: String(legId), ...more }) as never, context);
const offer = leg(1, 30, { callId: '8', parentCallId: '7' });
const record = (callLegCount: number, more: object = {}): BusEvent =>
  callRecords.toEvent(rowOf('7', 40, { callLegCount, ...more }) as never, context);

const deadlines = { originMs: 1_000, tellFromMs: 35_000, dropFromMs: 20_000 };
const fresh = { told: false, excess: false };
const whole: CallParts = { record: record(2), legs: [leg(2, 40), leg(1, 20)] };

type Case = readonly [string, CallParts, LegCount, typeof fresh, readonly [tell: boolean, keep: boolean]];
const cases: readonly Case[] = [
  ['tells a call of which all is there', whole, 'own', fresh, [true, false]],
  ['counts the offers of a queue, or not', { ...whole, legs: [...whole.legs, offer] }, 'own', fresh, [true, false]],
  ['waits for the rest while there is time', { ...whole, legs: [leg(1, 36)] }, 'own', fresh, [false, true]],
  ['tells of a call that lacks its record in time, and waits on', { record: undefined, legs: [leg(1, 30)] }, 'own',
    fresh, [true, true]],
  ['tells that once', { record: undefined, legs: [leg(1, 30)] }, 'own', { told: true, excess: false }, [false, true]],
  ['waits no longer than it should', { record: undefined, legs: [leg(1, 10)] }, 'own', fresh, [true, false]],
  ['lets go what is too much, and tells of it', { record: undefined, legs: [leg(1, 39)] }, 'own',
    { told: false, excess: true }, [true, false]],
  ['does not blame a call that began before the feeds did', { record: undefined, legs: [leg(1, 1)] }, 'own', fresh,
    [false, false]],
  ['asks for the offers, too, if the record counts them', whole, 'with-children', fresh, [true, false]],
  ['takes more legs than the record counts for a fault', { ...whole, record: record(1) }, 'own', fresh, [false, true]],
  ['takes a call without legs for whole if it has none', { record: record(0), legs: [] }, 'own', fresh, [true, false]],
];
for (const [name, parts, rule, is, [tell, keep]] of cases) {
  test(`verdictOf ${name}`, () => assert.deepEqual(verdictOf(parts, rule, deadlines, is), { tell, keep }));
}

const feed = { stream: 'calls', pbxId: 'Acme', pass: 'live' } as const;
const asEvent = (parts: CallParts, rule: LegCount = 'own'): BusEvent =>
  callEvent('acme/7', parts, { feed, rule, observedAtMs: 9_000_000 });

test('a part names the call that it belongs to: its own, or the one that it was made for', () => {
  assert.deepEqual([leg(1, 20), record(1), offer].map(callKeyOf), ['acme/7', 'acme/7', 'acme/7']);
});

test('a whole call has its record, its legs in the order of their start, and those of its offers apart', () => {
  const { value, key, eventTimeMs } = asEvent({ ...whole, legs: [...whole.legs, offer] });
  assert.deepEqual([key, eventTimeMs, value['state'], value['missing'], value['legCount']],
    ['acme/7', 40_000, 'complete', [], 2]);
  const ids = (name: string): unknown => (value[name] as readonly { legId: string }[]).map(({ legId }) => legId);
  assert.deepEqual([ids('legs'), ids('childLegs'), value['childCallIds']], [['1', '2'], ['1'], ['8']]);
  const type = avro.Type.forSchema(readSchema('call.avsc') as avro.Schema);
  assert.ok(type.isValid(value, { noUndeclaredFields: true }));
});

test('a call names what it lacks, and what it was transferred from', () => {
  assert.deepEqual(asEvent({ record: undefined, legs: whole.legs }).value['missing'], ['record']);
  assert.deepEqual(asEvent({ ...whole, legs: [leg(1, 20)] }).value['missing'], ['legs']);
  assert.deepEqual(asEvent({ ...whole, record: record(1) }).value['missing'], ['count']);
  assert.equal(asEvent({ ...whole, legs: [leg(1, 20, { transferToCallId: '5' })] }).value['transferFromCallId'], '5');
});

test('the same parts are the same call, in whatever order they come; another content is its next revision', () => {
  const [a, b] = [asEvent(whole), asEvent({ ...whole, legs: whole.legs.toReversed() })];
  assert.deepEqual(a, b);
  const changed = asEvent({ ...whole, record: record(2, { talkTimeMS: 5 }) });
  assert.notEqual(changed.contentHash, a.contentHash);
  const before = { key: a.key, timeMs: a.eventTimeMs, hash: a.contentHash, revision: 3, marks: '' };
  const revised = reviseCall(changed, before);
  assert.equal(revised.value['revision'], 4);
  assert.notEqual(revised.value['eventId'], changed.value['eventId']);
});

test('a call is told anew when what a policy hides of a leg has changed, and no id is made of that', () => {
  const hidden = hiding(callLegs, policyOf('call-legs', 'standard', '').policy, undefined);
  const [one, other] = ['Mark', 'Jane'].map((callerName) =>
    hidden.toEvent(rowOf('7', 40, { legId: '1', callerName }) as never, context));
  const [before, after] = [one!, other!].map((part) => asEvent({ record: record(1), legs: [part] }));
  assert.notEqual(before!.contentHash, after!.contentHash);
  const known = { key: before!.key, timeMs: 0, hash: before!.contentHash, revision: 1, marks: '' };
  assert.equal(before!.value['eventId'], after!.value['eventId']);
  assert.equal(reviseCall(before!, known).value['eventId'], reviseCall(after!, known).value['eventId']);
});
