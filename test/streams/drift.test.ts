import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callLegs } from '../../src/streams/call-legs.ts';
import { callRecords } from '../../src/streams/call-records.ts';
import { documentedLegs, documentedRecords } from './documented.ts';
import { context } from './schemas.ts';

const [leg] = documentedLegs as [(typeof documentedLegs)[0]];
const namesOf = (row: object): readonly string[] =>
  callLegs.toEvent({ ...leg, ...row }, context).drift.map(({ name }) => name);

test('the documented rows are as documented', () => {
  for (const row of documentedLegs) assert.deepEqual(callLegs.toEvent(row, context).drift, []);
  for (const row of documentedRecords) assert.deepEqual(callRecords.toEvent(row, context).drift, []);
});

const cases: readonly { name: string; change: object; drift: readonly string[] }[] = [
  { name: 'a field that nobody knows', change: { sentiment: { score: 1 } }, drift: ['unknown-field sentiment'] },
  { name: 'a value that does not fit', change: { missed: 'Perhaps' }, drift: ['misfit missed'] },
  { name: 'a field that is not there', change: { aaPath: undefined }, drift: ['missing-field aaPath'] },
  { name: 'a left-out field that is not there', change: { startTime: undefined }, drift: ['missing-field startTime'] },
  { name: 'nothing of a field that is null', change: { aaPath: null }, drift: [] },
  { name: 'nothing of an unknown field that is null', change: { sentiment: null }, drift: [] },
  { name: 'a word that is new', change: { direction: 'Sideways' }, drift: ['new-word direction Sideways'] },
  { name: 'nothing of a word that is empty', change: { cause: '' }, drift: [] },
  { name: 'several at once', change: { mood: 'x', missed: 7 }, drift: ['misfit missed', 'unknown-field mood'] },
  { name: 'no name that may be of a person', change: { 'Ann Smith': 1, a4155550123: 1 },
    drift: ['unknown-field ?', 'unknown-field ?'] },
  { name: 'no word that may be a number', change: { direction: '+14155550123' }, drift: ['new-word direction ?'] },
];
for (const { name, change, drift } of cases) {
  test(`drift names ${name}`, () => assert.deepEqual([...namesOf(change)].sort(), drift));
}

test('drift tells what has come', () => {
  const row = { ...leg, sentiment: [1], missed: 7, aaPath: undefined };
  assert.deepEqual(callLegs.toEvent(row, context).drift.map(({ kind, found }) => [kind, found]),
    [['misfit', 'number'], ['unknown-field', 'array'], ['missing-field', null]]);
});
