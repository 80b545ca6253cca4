import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import avro from 'avsc';
import type { BusEvent, ReadContext, Stream } from '../../src/streams/stream.ts';

/** One field of a schema in `schemas/`. */
export interface SchemaField {
  readonly name: string;
  readonly type: unknown;
  readonly doc?: string;
  readonly default?: unknown;
}

export interface RecordSchema {
  readonly name: string;
  readonly namespace: string;
  readonly fields: readonly SchemaField[];
}

/** What the rows of `documented.ts` were asked for. */
export const context: ReadContext = {
  pbxId: 'acmecorppbx',
  window: { from: Date.parse('2022-02-03T14:00:00Z'), to: Date.parse('2022-02-03T15:00:00Z') },
  observedAtMs: Date.parse('2022-02-03T15:02:00.123Z'),
};

export function readSchema(file: string): RecordSchema {
  return JSON.parse(readFileSync(new URL(`../../schemas/${file}`, import.meta.url), 'utf8')) as RecordSchema;
}

/** A schema in which `extras` is a list of entries: the same bytes, but avsc's reader loses no `__proto__`. */
function withEntries(schema: RecordSchema): RecordSchema {
  const string = { type: 'string' };
  const entry = { type: 'record', name: 'Entry', fields: [{ name: 'key', ...string }, { name: 'value', ...string }] };
  const entries = { type: 'array', items: entry };
  const fields = schema.fields.map((field) => (field.name === 'extras' ? { name: 'extras', type: entries } : field));
  return { ...schema, fields };
}

const codecs = new Map<string, { readonly writer: avro.Type; readonly reader: avro.Type }>();

function codecOf(file: string): { readonly writer: avro.Type; readonly reader: avro.Type } {
  const known = codecs.get(file);
  if (known !== undefined) return known;
  const schema = readSchema(file);
  const codec = { writer: typeOf(schema), reader: typeOf(withEntries(schema)) };
  codecs.set(file, codec);
  return codec;
}

export function typeOf(schema: RecordSchema): avro.Type {
  return avro.Type.forSchema(schema as unknown as avro.Schema);
}

/** Writes the event as Avro and reads it back: nothing may be lost, and nothing may be in it that the schema lacks. */
export function assertSurvivesAvro(stream: Stream, event: BusEvent): void {
  const { writer, reader } = codecOf(event.channel === 'accepted' ? stream.schemaFile : 'rejected.avsc');
  assert.ok(writer.isValid(event.value, { noUndeclaredFields: true }), 'the value does not fit the schema');
  const decoded = reader.fromBuffer(writer.toBuffer(event.value)) as Readonly<Record<string, unknown>>;
  assert.deepEqual(asEntries({ ...decoded }), asEntries(event.value));
}

function asEntries(value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { extras } = value;
  if (extras === undefined) return { ...value };
  const entries = Array.isArray(extras)
    ? (extras as { readonly key: string; readonly value: string }[]).map((entry) => [entry.key, entry.value])
    : Object.entries(extras as object);
  return { ...value, extras: entries };
}
