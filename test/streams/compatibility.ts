import { readdirSync, readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import avro from 'avsc';
import { readSchema } from '../../src/sink/avro.ts';

/** Whole schemas, by the name of their file. */
export type Schemas = ReadonlyMap<string, avro.Schema>;

const FOLDER = new URL('../../schemas/', import.meta.url);

/** The schemas as they are now. */
export function schemasToday(): Schemas {
  return new Map(avscIn(FOLDER).map((file) => [file, readSchema(file) as avro.Schema]));
}

/** Versions that were released. */
export function releases(): readonly string[] {
  return readdirSync(new URL('released/', FOLDER)).sort();
}

export function schemasOf(version: string): Schemas {
  const folder = new URL(`released/${version}/`, FOLDER);
  return new Map(avscIn(folder).map((file) => [file, JSON.parse(readFileSync(new URL(file, folder), 'utf8'))]));
}

function avscIn(folder: URL): readonly string[] {
  return readdirSync(folder).filter((name) => name.endsWith('.avsc')).sort();
}

/** Why readers and writers of a release and of today do not get along, a line each. */
export function breaches(released: Schemas, today: Schemas): readonly string[] {
  return [...released].flatMap(([file, old]) => {
    const now = today.get(file);
    if (now === undefined) return [`${file}: is gone`];
    const [backward, forward] = [obstacle({ reader: now, writer: old }), obstacle({ reader: old, writer: now })];
    return [
      ...backward === undefined ? [] : [`${file}: readers of today cannot read what the release wrote: ${backward}`],
      ...forward === undefined ? [] : [`${file}: readers of the release cannot read what today writes: ${forward}`],
    ];
  });
}

/** Enough that each symbol of an enum and each branch of a union comes many times. */
const VALUES = 200;

/** By Avro's rules, and by any value that the writer may write. */
function obstacle(schemas: { readonly reader: avro.Schema; readonly writer: avro.Schema }): string | undefined {
  const [reader, writer] = [avro.Type.forSchema(schemas.reader), avro.Type.forSchema(schemas.writer)];
  try {
    const resolver = reader.createResolver(writer);
    for (let count = 0; count < VALUES; count += 1) {
      const value: unknown = writer.random();
      const found: unknown = reader.fromBuffer(writer.toBuffer(value), resolver);
      if (!isDeepStrictEqual(plain(found), plain(seenBy(reader, writer, value)))) return 'another value comes out';
    }
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** What a reader must make of a writer's value: a field that was not written has its default. */
function seenBy(reader: avro.Type, writer: avro.Type, value: unknown): unknown {
  if (value === null) return null;
  const [to, from] = [branchOf(reader, value), branchOf(writer, value)];
  if (is<avro.types.RecordType>(to, 'record') && is<avro.types.RecordType>(from, 'record')) {
    const written = new Map(from.fields.map((field) => [field.name, field.type]));
    return Object.fromEntries(to.fields.map((field) => {
      const type = written.get(field.name);
      const own = (value as Readonly<Record<string, unknown>>)[field.name];
      return [field.name, type === undefined ? field.defaultValue() : seenBy(field.type, type, own)];
    }));
  }
  if (is<avro.types.ArrayType>(to, 'array') && is<avro.types.ArrayType>(from, 'array')) {
    return (value as readonly unknown[]).map((item) => seenBy(to.itemsType, from.itemsType, item));
  }
  if (is<avro.types.EnumType>(to, 'enum') && !to.symbols.includes(value as string)) {
    return (to as unknown as { readonly default: unknown }).default;
  }
  return value;
}

/** Of a type that may be null: the other one. Ours have no more than two. */
function branchOf(type: avro.Type, value: unknown): avro.Type {
  if (!is<avro.types.UnwrappedUnionType>(type, 'union:unwrapped')) return type;
  return type.types.find((branch) => branch.typeName !== 'null' && value !== null)!;
}

function is<T extends avro.Type>(type: avro.Type, name: string): type is T {
  return type.typeName === name;
}

/** Without the classes of avsc. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
