import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { callLegFields, callLegLeftOut } from '../../src/streams/call-legs.ts';
import { callRecordFields, callRecordLeftOut } from '../../src/streams/call-records.ts';
import { streams } from '../../src/streams/index.ts';
import type { BusEvent, RawRow, ReadContext, Stream } from '../../src/streams/stream.ts';
import { documentedLegs, documentedRecords } from '../streams/documented.ts';
import { assertSurvivesAvro, context } from '../streams/schemas.ts';
import { fuzz } from './fuzz.ts';
import { hostileText, hugeTexts } from './hostile.ts';

const documented = { 'call-legs': documentedLegs, 'call-records': documentedRecords };
const leftOut = new Set([...Object.keys(callLegLeftOut), ...Object.keys(callRecordLeftOut)]);
const fieldsOf = { 'call-legs': callLegFields, 'call-records': callRecordFields };
const rejections = ['NOT_AN_OBJECT', 'MISSING_FIELD', 'BAD_FIELD', 'BAD_ID', 'FUTURE_TIME', 'WRONG_PBX'];

// Goal: no row of a page is lost: it is an event that its schema can hold. Method: the documented rows under blows, as
// a page has them; every event goes through Avro and back.
for (const stream of streams) {
  fuzz(`every row of ${stream.name} becomes an event that Avro can hold`, {
    inputs: fc.record({
      text: hostileText([documented[stream.name], ...documented[stream.name]]),
      pbxId: fc.constantFrom('acmecorppbx', 'other,ACMECORPPBX', 'allpbxes'),
      observedAtMs: fc.constantFrom(context.observedAtMs, context.window.from),
      rejectedPayload: fc.boolean(),
    }),
    outcomes: ['accepted', ...rejections],
    check: ({ text, ...asked }) => {
      const page = JSON.parse(text) as unknown;
      const rows = Array.isArray(page) ? page : [page];
      const events = rows.map((row) => eventOf(stream, row as RawRow, { ...context, ...asked }));
      const rejected = events.find(({ channel }) => channel === 'rejected');
      if (asked.rejectedPayload && rejected !== undefined) assert.notEqual(rejected.value['payload'], null);
      return rejected === undefined ? 'accepted' : String(rejected.value['code']);
    },
  });

  test(`every huge row of ${stream.name} becomes an event, and one that is small enough to be sent`, () => {
    for (const [what, text] of hugeTexts(documented[stream.name][0])) {
      const event = eventOf(stream, JSON.parse(text) as RawRow, { ...context, rejectedPayload: true });
      assert.ok(JSON.stringify(event).length < 2_000_000, what);
    }
  });
}

function eventOf(stream: Stream, row: RawRow, read: ReadContext): BusEvent {
  const event = stream.toEvent(row, read);
  assertSurvivesAvro(stream, event);
  const { channel, value, key, orderingKey, contentHash, eventTimeMs } = event;
  assert.match(String(value['eventId']), /^[0-9a-f]{32}$/);
  assert.ok(Number.isSafeInteger(contentHash) && contentHash >= 0 && contentHash < 2 ** 48);
  assert.ok(!Number.isNaN(new Date(eventTimeMs).getTime()), `${eventTimeMs} is no time`);
  assert.ok(key.isWellFormed() && orderingKey.isWellFormed());
  assert.equal(typeof stream.identify(row), 'string');
  if (channel === 'accepted') {
    assert.equal(stream.identify(row), key);
    assertSaysAll(stream, row, value);
  } else if (read.rejectedPayload !== true) {
    assert.equal(value['payload'], null);
  }
  return event;
}

/** Nothing that a row says is lost, but for what the report repeats in another field. */
function assertSaysAll(stream: Stream, row: RawRow, value: BusEvent['value']): void {
  const extras = value['extras'] as Readonly<Record<string, string>>;
  const fields = fieldsOf[stream.name] as Readonly<Record<string, string>>;
  for (const [name, raw] of Object.entries(row)) {
    if (raw === null || leftOut.has(name)) continue;
    const isSaid = Object.hasOwn(fields, name) && value[name] !== null;
    const saysNever = typeof raw !== 'object' && (raw === '' || Number(raw) === 0);
    assert.ok(isSaid || Object.hasOwn(extras, name.toWellFormed()) || saysNever, `${JSON.stringify(name)} is lost`);
  }
}
