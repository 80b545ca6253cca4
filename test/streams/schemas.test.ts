import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { auditEvents, driftEvents } from '../../src/streams/audit.ts';
import { callLegFields, callLegLeftOut, callLegs } from '../../src/streams/call-legs.ts';
import { callRecordFields, callRecordLeftOut, callRecords } from '../../src/streams/call-records.ts';
import { streamNamed, streams } from '../../src/streams/index.ts';
import type { Kind } from '../../src/streams/kinds.ts';
import { documentedLegs, documentedRecords } from './documented.ts';
import { audit } from './audit.ts';
import { context, readSchema, typeOf, type SchemaField } from './schemas.ts';

const TIMESTAMP = { type: 'long', logicalType: 'timestamp-millis' };

/** The Avro type of each kind. */
const avroTypes: Readonly<Record<Kind, unknown>> = {
  id: 'string',
  endTime: TIMESTAMP,
  time: ['null', TIMESTAMP],
  duration: ['null', 'long'],
  count: ['null', 'int'],
  flag: ['null', 'boolean'],
  text: ['null', 'string'],
  list: ['null', { type: 'array', items: 'string' }],
};

const reports = [
  {
    stream: callLegs, fields: callLegFields, leftOut: callLegLeftOut, count: 49,
    row: documentedLegs[0]!, file: 'call-legs.ts', table: 'const callLegFields',
  },
  {
    stream: callRecords, fields: callRecordFields, leftOut: callRecordLeftOut, count: 36,
    row: documentedRecords[0]!, file: 'call-records.ts', table: 'const callRecordFields',
  },
] as const;

for (const { stream, fields, leftOut, row, count, file, table } of reports) {
  const schema = readSchema(stream.schemaFile);

  test(`${stream.schemaFile} has the fields of the table, in its order, with its types`, () => {
    const expected: SchemaField[] = [
      { name: 'eventId', type: 'string' },
      { name: 'revision', type: 'int', default: 1 },
      { name: 'changeKind', type: 'string', default: 'new' },
      { name: 'changedFields', type: { type: 'array', items: 'string' }, default: [] },
      { name: 'observedAt', type: TIMESTAMP },
      { name: 'pass', type: 'string', default: 'live' },
      ...Object.entries(fields).map(([name, kind]) => fieldOf(name, avroTypes[kind])),
      { name: 'extras', type: { type: 'map', values: 'string' }, default: {} },
    ];
    assert.deepEqual(schema.fields.map(withoutDoc), expected);
  });

  test(`${stream.schemaFile} says of a field what ${file} says`, () => {
    const docs = new Map([...docsIn('rows.ts', 'interface EventFields'), ...docsIn(file, table)]);
    assert.deepEqual(Object.fromEntries(schema.fields.map(({ name, doc }) => [name, doc])), Object.fromEntries(docs));
  });

  test(`${stream.name} publishes every documented field, or leaves it out for one that says the same`, () => {
    const documented = Object.keys(row);
    assert.equal(documented.length, count);
    assert.deepEqual([...Object.keys(fields), ...Object.keys(leftOut)].sort(), documented.sort());
    for (const twin of Object.values(leftOut)) assert.ok(twin in fields, twin);
  });

  test(`${stream.name} writes its value in the order of the schema`, () => {
    const { value } = stream.toEvent(row, context);
    assert.deepEqual(Object.keys(value), schema.fields.map(({ name }) => name));
  });
}

test('rejected.avsc has the fields of RejectedRow and says of each the same', () => {
  const schema = readSchema('rejected.avsc');
  const docs = docsIn('rejected.ts', 'interface RejectedRow');
  assert.deepEqual(schema.fields.map(({ name, doc }) => [name, doc]), docs);
  const { value } = callLegs.toEvent({}, context);
  assert.deepEqual(Object.keys(value).sort(), schema.fields.map(({ name }) => name).sort());
});

const told = [...auditEvents(audit.context, audit.done), ...driftEvents(audit.context, audit.drift)];
const audits = [['ledger.avsc', 'LedgerEntry'], ['watermark.avsc', 'WatermarkEvent'], ['drift.avsc', 'DriftEvent']];
for (const [index, [file, type]] of (audits as [string, string][]).entries()) {
  test(`${file} has the fields of ${type}, says of each the same, and takes what we make of a window`, () => {
    const schema = readSchema(file);
    const event = told[index]!;
    const docs = new Map(docsIn('audit.ts', `interface ${type}`));
    assert.deepEqual(schema.fields.map(({ name, doc }) => [name, doc]), [...docs]);
    assert.deepEqual(Object.keys(event.value).sort(), schema.fields.map(({ name }) => name).sort());
    assert.deepEqual({ ...typeOf(schema).fromBuffer(typeOf(schema).toBuffer(event.value)) as object }, event.value);
  });
}

test('our records have one namespace, and docs that fit a line of the README', () => {
  const files = ['call-leg.avsc', 'call-record.avsc', 'rejected.avsc', ...audits.map(([file]) => file!)];
  for (const file of files) {
    const { namespace, fields } = readSchema(file);
    assert.equal(namespace, 'work.eightbyeight.v1');
    for (const { name, doc = '' } of fields) assert.ok(doc.endsWith('.') && doc.length <= 110, `${file} ${name}`);
  }
});

test('every stream is found by its name', () => {
  assert.deepEqual(streams.map(({ name }) => name), ['call-legs', 'call-records']);
  for (const stream of streams) assert.equal(streamNamed(stream.name), stream);
});

/** A type that may be null is null when nobody says otherwise. */
function fieldOf(name: string, type: unknown): SchemaField {
  return Array.isArray(type) ? { name, type, default: null } : { name, type };
}

function withoutDoc({ doc, ...field }: SchemaField): SchemaField {
  assert.ok(doc);
  return field;
}

/** Every field of a table or an interface in `src/streams/` with its one-line comment. */
function docsIn(file: string, start: string): [string, string][] {
  const text = readFileSync(new URL(`../../src/streams/${file}`, import.meta.url), 'utf8');
  const [body = ''] = text.slice(text.indexOf(start)).split('\n}');
  return [...body.matchAll(/^ {2}\/\*\* (.+) \*\/\n {2}(?:readonly )?(\w+): /gm)].map(([, doc, name]) => [name!, doc!]);
}
