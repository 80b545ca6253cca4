import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { callLegFields, callLegs } from '../../src/streams/call-legs.ts';
import { callRecordFields, callRecords } from '../../src/streams/call-records.ts';
import { hideableFields, hiding, policyOf, type Preset } from '../../src/streams/privacy.ts';
import type { BusEvent, RawRow, Stream } from '../../src/streams/stream.ts';
import { documentedLegs, documentedRecords } from './documented.ts';

const window = { from: 0, to: 2_000_000_000_000 };
const context = { pbxId: 'allpbxes', window, observedAtMs: window.to };
const keyOf = (id: string) => ({ id, secret: createSecretKey(`secret of key ${id}`, 'utf8') });
const key = keyOf('k1');

function seenBy(stream: Stream, preset: Preset, overrides = '', by = key): (row: RawRow) => BusEvent {
  const { policy, problems } = policyOf(stream.name, preset, overrides);
  assert.deepEqual(problems, []);
  const hidden = hiding(stream, policy, by);
  return (row) => hidden.toEvent(row, context);
}

const [leg, otherLeg] = documentedLegs as readonly [RawRow, RawRow];
const [record] = documentedRecords as readonly [RawRow];
const CANARY = 'Canary +15550131234';

/** No person's, by what 8x8 says of them; a field that is new here must be thought about. */
const NOBODYS = ['direction', 'status', 'cause', 'propsLastPartyDisp', 'lastLegDisposition',
  'calleeDisconnectOnHold', 'callerDisconnectOnHold', 'callerDeviceModel', 'calleeDeviceModel', 'callerSvcName',
  'callerSvcType', 'calleeSvcName', 'calleeSvcType', 'departments', 'branches'];

for (const stream of [callLegs, callRecords]) {
  test(`under strict every text of ${stream.name} is hidden, or known to be no person's`, () => {
    const { policy } = policyOf(stream.name, 'strict', '');
    const shown = hideableFields(stream.name).filter((name) => !policy.has(name) && !NOBODYS.includes(name));
    assert.deepEqual(shown, []);
    assert.deepEqual(NOBODYS.filter((name) => policy.has(name)), []);
  });

  // Goal: nothing of a person passes a preset, wherever it came. Method: a canary in every hidden field at once, as
  // text, nested, in a list, in fields that nobody knows, and in one where it does not fit.
  test(`under strict and standard no canary of ${stream.name} is left`, () => {
    const row = stream === callLegs ? leg : record;
    const hidden = hideableFields(stream.name).filter((name) => !NOBODYS.includes(name) && name !== 'extras');
    const shapes = [CANARY, { deep: [{ name: CANARY }] }, [CANARY, [CANARY]], [CANARY]];
    for (const preset of ['strict', 'standard'] as const) {
      for (const shape of shapes) {
        const full = { ...row, ...Object.fromEntries(hidden.map((name) => [name, shape])), newField: shape };
        const odd = { missed: { odd: CANARY }, extras: CANARY, cause: 'Canary Smith' };
        const event = seenBy(stream, preset)({ ...full, ...odd });
        assert.equal(event.channel, 'accepted');
        const { cause, ...value } = event.value; // the event alone tells of such words, and not the drift
        assert.equal(cause, stream === callLegs ? 'Canary Smith' : undefined);
        assert.doesNotMatch(JSON.stringify({ ...event, value }), /Canary|5550131234/);
        assert.ok(event.drift.length > 0, 'it still tells that the row is not as documented');
      }
    }
  });
}

test('without a policy nothing is added to the way of a row', () => {
  assert.equal(hiding(callLegs, policyOf('call-legs', 'off', 'caller=keep').policy, undefined), callLegs);
});

test('the documented leg under strict has pseudonyms of numbers, no names, and all that is no person\'s', () => {
  const [plain, hidden] = [callLegs.toEvent(leg, context), seenBy(callLegs, 'strict')(leg)];
  const { caller, callee, dnis, lra } = hidden.value;
  for (const text of [caller, callee, dnis, lra]) assert.match(String(text), /^[\w-]{22}$/);
  assert.equal(callee, lra, 'they are of one person');
  const gone = { callerName: null, calleeName: null, callerId: null, sipCallId: null, masterSlaveExts: null,
    accountCode: null, aaPath: null, recordServiceOn: null, bargeServiceOn: null };
  const { eventId } = hidden.value;
  assert.deepEqual(hidden.value, { ...plain.value, ...gone, caller, callee, dnis, lra, eventId });
  assert.deepEqual([hidden.keyId, hidden.key, hidden.contentHash], ['k1', plain.key, plain.contentHash]);
});

test('equal persons have equal pseudonyms, in each field and report, and others under another key', () => {
  const [legs, records] = [seenBy(callLegs, 'strict'), seenBy(callRecords, 'strict')];
  const texts = [legs(leg).value['caller'], records(record).value['caller'],
    legs({ ...otherLeg, dnis: '15555551220' }).value['dnis']]; // the same number, without "+"
  assert.equal(new Set(texts).size, 1);
  const rotated = seenBy(callLegs, 'strict', '', keyOf('k2'))(leg);
  assert.notEqual(rotated.value['caller'], texts[0]);
  assert.deepEqual([rotated.keyId, rotated.contentHash], ['k2', legs(leg).contentHash]);
});

const masks: readonly (readonly [action: string, text: string, masked: string])[] = [
  ['mask', '+15555551220', '***1220'],
  ['mask:2', '+15555551220', '***20'],
  ['mask:9', '+15555551220', '***51220'],
  ['mask:4', '1001', '***01'],
  ['mask:4', 'RingGroup (1027)', '***27'],
  ['mask', 'MARK SMITH', '***'],
  ['mask', '7', '***'],
  ['mask', '', ''],
  ['drop', '', null as unknown as string],
  ['hmac', '', ''],
];
for (const [action, text, expected] of masks) {
  test(`${action} makes ${JSON.stringify(expected)} of ${JSON.stringify(text)}`, () => {
    assert.equal(seenBy(callLegs, 'off', `caller=${action}`)({ ...leg, caller: text }).value['caller'], expected);
  });
}

test('a list is hidden item by item, and one that is dropped is null', () => {
  const row = { ...leg, departments: ['Sales', 'Sales', ''] };
  const departments = (action: string) => seenBy(callLegs, 'off', `departments=${action}`)(row).value['departments'];
  assert.deepEqual(departments('mask'), ['***', '***', '']);
  const [first, second, empty] = departments('hmac') as string[];
  assert.deepEqual([first, empty], [second, '']);
  assert.equal(departments('drop'), null);
});

test('what does not fit its field is hidden as the field is, also where extras are kept', () => {
  const row = { ...leg, callerName: { first: 'Mark' }, mood: 'good' };
  const extras = (overrides: string) => ({ ...seenBy(callLegs, 'strict', overrides)(row).value['extras'] as object });
  assert.deepEqual(extras('extras=keep'), { mood: 'good' });
  assert.deepEqual(extras('extras=keep,callerName=keep'), { callerName: '{"first":"Mark"}', mood: 'good' });
  assert.deepEqual(extras(''), {});
  assert.deepEqual(Object.keys(extras('extras=hmac')), ['mood']);
});

test('a policy that changes makes no corrections, and ids are made of what is left', () => {
  const events = ['off', 'standard', 'strict'] as const;
  const [off, standard, strict] =
    events.map((preset) => seenBy(callLegs, preset)(leg)) as [BusEvent, BusEvent, BusEvent];
  assert.deepEqual([standard.contentHash, strict.contentHash], [off.contentHash, off.contentHash]);
  assert.equal(new Set([off, standard, strict].map(({ value }) => value['eventId'])).size, 3);
  const otherName = seenBy(callLegs, 'strict')({ ...leg, callerName: 'SOMEBODY ELSE' });
  assert.notEqual(otherName.contentHash, strict.contentHash, 'that 8x8 has changed it is still told');
  // Whoever knows all but one field must not be able to try values for it until an id or a mark fits.
  assert.deepEqual([otherName.value['eventId'], otherName.marks], [strict.value['eventId'], strict.marks]);
  const known = { key: off.key, timeMs: 0, hash: 1, revision: 1, marks: strict.marks };
  const revised = (event: BusEvent) => callLegs.revise(event, known).value;
  assert.equal(revised(otherName)['eventId'], revised(strict)['eventId']);
  assert.deepEqual(revised(otherName)['changedFields'], []);
});

test('dead letters never have a payload under a policy, also if it is asked for', () => {
  const bad = { ...leg, callTime: CANARY };
  const { policy } = policyOf('call-legs', 'strict', '');
  for (const by of [policy, new Map([...policy].slice(0, 1))]) {
    const event = hiding(callLegs, by, key).toEvent(bad, { ...context, rejectedPayload: true });
    assert.deepEqual([event.channel, event.value['payload']], ['rejected', null]);
    assert.doesNotMatch(JSON.stringify(event), /Canary/);
  }
});

test('a row that pseudonyms make too large for a broker is a dead letter', () => {
  const row = { ...leg, departments: Array.from({ length: 100_000 }, () => 'a') };
  assert.equal(seenBy(callLegs, 'strict')(row).channel, 'accepted');
  const event = seenBy(callLegs, 'strict', 'departments=hmac')(row);
  assert.deepEqual([event.channel, event.value['code']], ['rejected', 'TOO_LARGE']);
});

// Goal: no field of any text passes a policy that hides it. Method: any text, which is then looked for.
test('any text in a hidden field is not in the event', () => {
  const strict = seenBy(callLegs, 'strict');
  const fields = Object.keys(callLegFields).filter((name) => policyOf('call-legs', 'strict', '').policy.has(name));
  fc.assert(fc.property(fc.constantFrom(...fields), fc.string({ minLength: 1 }), (field, text) => {
    const canary = `<${text}>`;
    const { value } = strict({ ...leg, [field]: canary, unknown: canary });
    assert.ok(!JSON.stringify(value).includes(JSON.stringify(canary).slice(1, -1)));
  }));
});

const problems: readonly (readonly [overrides: string, problem: RegExp])[] = [
  ['calerName=drop', /^"calerName" is no field of call-legs that can be hidden; those are sipCallId.*caller.*extras$/],
  ['callTime=drop', /^"callTime" is no field/],
  ['pbxId=hmac', /^"pbxId" is no field/],
  ['parentCallId=drop', /^"parentCallId" is no field/],
  ['caller', /^"" is no action; use keep, drop, mask, mask:6 or hmac$/],
  ['caller=hash', /^"hash" is no action/],
  ['caller=mask:0', /^"mask:0" is no action/],
  ['caller=mask:99', /^"mask:99" is no action/],
  ['=drop', /^"" is no field/],
];
for (const [overrides, problem] of problems) {
  test(`the policy ${overrides} is refused`, () => {
    const { problems: [first, ...more] } = policyOf('call-legs', 'off', overrides);
    assert.match(first!, problem);
    assert.deepEqual(more, []);
  });
}

test('the last action of a field counts, and spaces do not', () => {
  const { policy } = policyOf('call-records', 'strict', ' caller=keep , callee=mask,callee=drop,');
  assert.deepEqual([policy.get('caller'), policy.get('callee')], [undefined, { kind: 'drop' }]);
  assert.ok(Object.keys(callRecordFields).includes('callee'));
});
