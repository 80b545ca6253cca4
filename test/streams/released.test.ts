import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type avro from 'avsc';
import { breaches, releases, schemasOf, schemasToday } from './compatibility.ts';

// Goal: readers and writers may be upgraded in any order, over any number of releases. Method: each schema as it was
// released and as it is now, one as the reader of the other, by Avro's rules and by values of any shape.

for (const version of releases()) {
  test(`schemas of today and of ${version} read each other, and none is gone`, () => {
    assert.ok(schemasOf(version).size > 0);
    assert.deepEqual(breaches(schemasOf(version), schemasToday()), []);
  });
}

test('the schemas of every release are kept: this version is none, and above all that are', () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string };
  const numberOf = (text: string): number => text.split('.').reduce((sum, part) => sum * 1_000 + Number(part), 0);
  assert.deepEqual(releases().filter((released) => numberOf(released) >= numberOf(version)), []);
});

interface Field {
  readonly name: string;
  readonly type: unknown;
  readonly default?: unknown;
}

type Fields = readonly Field[];

const adding = (field: Field) => (fields: Fields): Fields => [...fields, field];
const changing = (name: string, change: object) => (fields: Fields): Fields =>
  fields.map((field) => (field.name === name ? { ...field, ...change } : field));
const kind = (...symbols: readonly string[]) => ({ type: 'enum', name: 'OffsetKind', symbols });
const KINDS = ['HEAD', 'SEEN', 'BARRIER', 'RESET'];
const BACKWARD = /readers of today cannot read/;
const FORWARD = /readers of the release cannot read/;

type Change = readonly [what: string, change: (fields: Fields) => Fields, ...breaks: readonly RegExp[]];
const changes: readonly Change[] = [
  ['a field with a default', adding({ name: 'fresh', type: 'int', default: 7 })],
  ['a field without a default', adding({ name: 'fresh', type: 'int' }), BACKWARD],
  ['a field less that had a default', (fields) => fields.filter(({ name }) => name !== 'reason')],
  ['a field less that had none', (fields) => fields.filter(({ name }) => name !== 'version'), FORWARD],
  ['a field of another name', changing('connector', { name: 'owner' }), BACKWARD, FORWARD],
  ['another type', changing('connector', { type: 'int' }), BACKWARD, FORWARD],
  ['a wider type', changing('version', { type: 'long' }), FORWARD],
  ['a type that may be null', changing('connector', { type: ['null', 'string'] }), FORWARD],
  ['a symbol more', changing('kind', { type: kind(...KINDS, 'MARK') }), FORWARD],
  ['a symbol more, and a default that the release does not have',
    changing('kind', { type: { ...kind(...KINDS, 'MARK'), default: 'MARK' } }), FORWARD],
  ['a symbol less', changing('kind', { type: kind('HEAD', 'SEEN', 'RESET') }), BACKWARD],
  ['a symbol less, and a default', changing('kind', { type: { ...kind('HEAD', 'SEEN'), default: 'HEAD' } })],
  ['an item of another type', changing('entries', { type: { type: 'array', items: 'string' } }), BACKWARD, FORWARD],
];

const released = schemasOf('0.1.0');
const offset = released.get('offset.avsc') as { readonly fields: Fields };
const withFields = (fields: Fields): avro.Schema => ({ ...offset, fields }) as avro.Schema;

for (const [what, change, ...breaks] of changes) {
  const verdict = breaks.length === 0 ? 'is taken' : `is caught, ${breaks.length} of 2 ways`;
  test(`${what} ${verdict}`, () => {
    const today = new Map([...released, ['offset.avsc', withFields(change(offset.fields))]]);
    const found = breaches(released, today);
    assert.equal(found.length, breaks.length, found.join('\n'));
    for (const [index, wanted] of breaks.entries()) assert.match(found[index]!, wanted);
  });
}

test('a schema that is gone is caught', () => {
  const rest = new Map([...released].filter(([file]) => file !== 'offset.avsc'));
  assert.deepEqual(breaches(released, rest), ['offset.avsc: is gone']);
});
