import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callLegFields, callLegs } from '../../src/streams/call-legs.ts';
import { callRecordFields, callRecords } from '../../src/streams/call-records.ts';
import type { Kind } from '../../src/streams/kinds.ts';
import type { RawRow, ReadContext } from '../../src/streams/stream.ts';
import { documentedLegs, documentedRecords } from './documented.ts';
import { assertSurvivesAvro, context } from './schemas.ts';

/** What a damaged field does: the row is rejected with this code, or the field has this value and this extra. */
type Outcome = { readonly code: string } | { readonly value: unknown; readonly extra?: string };

const missing: Outcome = { code: 'MISSING_FIELD' };
const badId: Outcome = { code: 'BAD_ID' };
const bad: Outcome = { code: 'BAD_FIELD' };
const absent: Outcome = { value: null };
const kept = (extra: string): Outcome => ({ value: null, extra });
const becomes = (value: unknown): Outcome => ({ value });

const misfitNumbers: readonly (readonly [unknown, Outcome])[] = [
  ['soon', bad], ['1e3', bad], ['1.5', bad], ['-', bad], [' 7', bad], [1.5, bad], [true, bad], [[], bad], [{}, bad],
  [2 ** 53 - 1, bad], ['9007199254740993', bad], [-(2 ** 52) - 1, bad], [Infinity, bad], [NaN, bad],
];

/** Per kind, what may stand in a field and what must come of it. */
const damages: Readonly<Record<Kind, readonly (readonly [unknown, Outcome])[]>> = {
  id: [
    [undefined, missing], [null, missing], ['', missing],
    ['a/b', badId], ['a\u0000', badId], ['a\u001f', badId],
    ['\u0085', badId], ['x'.repeat(257), badId], ['\ud800', badId],
    [{}, badId], [[], badId], [true, badId], [1.5, badId], [2 ** 53, badId], [NaN, badId],
    [1635571048351, becomes('1635571048351')], [-1, becomes('-1')], ['x'.repeat(256), becomes('x'.repeat(256))],
    ['Zoë ☎', becomes('Zoë ☎')],
  ],
  endTime: [
    ...misfitNumbers,
    [undefined, missing], [null, missing], ['', missing], [0, missing], ['0', missing], [-1, missing], ['-5', missing],
    [253_402_300_800_000, bad],
    ['1643898472253', becomes(1643898472253)], [1, becomes(1)],
  ],
  time: [
    ...misfitNumbers,
    [undefined, absent], [null, absent], ['', absent], [0, absent], [-0, absent], ['0', absent], ['000', absent],
    [253_402_300_800_000, bad], [-62_135_596_800_001, bad],
    ['1643898472253', becomes(1643898472253)], [253_402_300_799_999, becomes(253_402_300_799_999)], [-1, becomes(-1)],
  ],
  duration: [
    ...misfitNumbers,
    [undefined, absent], [null, absent], ['', absent],
    [0, becomes(0)], [-0, becomes(0)], ['0', becomes(0)], ['24754', becomes(24754)], ['-7', becomes(-7)],
    [-7, becomes(-7)], [2 ** 53 - 2, becomes(2 ** 53 - 2)], [-(2 ** 52), becomes(-(2 ** 52))],
  ],
  count: [
    [undefined, absent], [null, absent], ['', absent], ['4', becomes(4)], [4, becomes(4)], [-1, becomes(-1)],
    ['CallQueue', kept('CallQueue')], [1.5, kept('1.5')], [2 ** 31, kept('2147483648')], [{ a: 1 }, kept('{"a":1}')],
  ],
  flag: [
    [undefined, absent], [null, absent], ['', becomes(false)], ['-', becomes(false)], [true, becomes(true)],
    ['Perhaps', kept('Perhaps')], [1, kept('1')], [['-'], kept('["-"]')], ['\ud800', kept('\ufffd')],
  ],
  text: [
    [undefined, absent], [null, absent], ['', becomes('')], [42, becomes('42')], [false, becomes('false')],
    ['a\ud800b', becomes('a\ufffdb')], ['\u0000\u202e', becomes('\u0000\u202e')],
    [{ b: 1, a: '\udc00' }, kept('{"a":"\ufffd","b":1}')], [[], kept('[]')], [Infinity, kept('null')],
  ],
  list: [
    [undefined, absent], [null, absent], [[], becomes([])], [['a', null, 7], becomes(['a', '7'])],
    ['Sales', kept('Sales')], [[{}], kept('[{}]')], [['\udfff'], becomes(['\ufffd'])],
  ],
};

const cases = [
  { stream: callLegs, fields: callLegFields, row: documentedLegs[0]! },
  { stream: callRecords, fields: callRecordFields, row: documentedRecords[0]! },
] as const;

// Method: put every damage in the place of every field, one at a time.
for (const { stream, fields, row } of cases) {
  for (const [field, kind] of Object.entries(fields)) {
    test(`${stream.name} ${field} (${kind}) takes what fits and tells what does not`, () => {
      for (const [raw, outcome] of damages[kind]) assertOutcome({ stream, row, field, raw, outcome });
    });
  }
}

for (const { stream, fields, row } of cases) {
  for (const flag of Object.keys(fields).filter((name) => (fields as Record<string, Kind>)[name] === 'flag')) {
    test(`${stream.name} ${flag} is true when 8x8 writes its name`, () => {
      const word = flag.charAt(0).toUpperCase() + flag.slice(1);
      assertOutcome({ stream, row, field: flag, raw: word, outcome: becomes(true) });
      assertOutcome({ stream, row, field: flag, raw: word.toUpperCase(), outcome: becomes(true) });
    });
  }
}

interface Damage {
  readonly stream: typeof callLegs;
  readonly row: RawRow;
  readonly field: string;
  readonly raw: unknown;
  readonly outcome: Outcome;
}

function assertOutcome({ stream, row, field, raw, outcome }: Damage): void {
  const anyPbx: ReadContext = { ...context, pbxId: 'allpbxes' };
  const event = stream.toEvent(damaged(row, field, raw), anyPbx);
  const label = `${field} = ${typeof raw === 'string' ? JSON.stringify(raw) : String(raw)}`;

  if ('code' in outcome) {
    const { code, field: blamed } = event.value;
    assert.deepEqual([event.channel, code, blamed], ['rejected', outcome.code, field], label);
  } else {
    assert.equal(event.channel, 'accepted', label);
    assert.deepEqual(event.value[field], outcome.value, label);
    const extras = event.value['extras'] as Readonly<Record<string, string>>;
    assert.deepEqual({ ...extras }, outcome.extra === undefined ? {} : { [field]: outcome.extra }, label);
  }
  assertSurvivesAvro(stream, event);
}

/** `undefined` takes the field away, as JSON knows no such value. */
function damaged(row: RawRow, field: string, raw: unknown): RawRow {
  if (raw !== undefined) return { ...row, [field]: raw };
  return Object.fromEntries(Object.entries(row).filter(([name]) => name !== field));
}
