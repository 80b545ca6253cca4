/** A place in bytes, moved by whoever reads from it. */
interface Cursor {
  readonly bytes: Buffer;
  at: number;
}

type Decode = (cursor: Cursor) => unknown;

/** A schema in JSON: a name, a union, or an object. Logical types are read as the types below them. */
type Schema = string | readonly Schema[] | (Readonly<Record<string, unknown>> & { readonly type: Schema });

/**
 * Decodes the binary encoding of Avro, as much of it as our schemas use: written out of the specification, so that
 * the reader shares no library with the connector that encodes.
 *
 * @returns throws a RangeError for bytes that do not fit the schema, also if some are left over
 * @see https://avro.apache.org/docs/1.12.0/specification/#binary-encoding
 */
export function avroDecoder(schema: Schema): (bytes: Buffer) => unknown {
  const decode = compile(schema, new Map());
  return (bytes) => {
    const cursor = { bytes, at: 0 };
    const value = decode(cursor);
    if (cursor.at !== bytes.length) throw new RangeError(`${bytes.length - cursor.at} bytes are left over`);
    return value;
  };
}

function compile(schema: Schema, named: Map<string, Decode>): Decode {
  if (Array.isArray(schema)) return compileUnion(schema as readonly Schema[], named);
  if (typeof schema === 'string') {
    const decode = PRIMITIVES[schema] ?? named.get(schema);
    if (decode === undefined) throw new RangeError(`no type is called ${schema}`);
    return decode;
  }
  const type = schema as Exclude<Schema, string | readonly Schema[]>;
  switch (type.type) {
    case 'record': return compileRecord(type, named);
    case 'enum': {
      const symbols = type['symbols'] as readonly string[];
      const decode: Decode = (cursor) => pick(symbols, readLong(cursor));
      named.set(String(type['name']), decode);
      return decode;
    }
    case 'array': return compileBlocks(compile(type['items'] as Schema, named));
    case 'map': {
      const value = compile(type['values'] as Schema, named);
      const entries = compileBlocks((cursor) => [readString(cursor), value(cursor)]);
      return (cursor) => Object.fromEntries(entries(cursor) as [string, unknown][]);
    }
    default: return compile(type.type, named);
  }
}

function compileUnion(branches: readonly Schema[], named: Map<string, Decode>): Decode {
  const decoders = branches.map((branch) => compile(branch, named));
  return (cursor) => pick(decoders, readLong(cursor))(cursor);
}

function compileRecord(type: Readonly<Record<string, unknown>>, named: Map<string, Decode>): Decode {
  const fields: (readonly [name: string, decode: Decode])[] = [];
  const decode: Decode = (cursor) => {
    const record: Record<string, unknown> = {};
    for (const [name, read] of fields) record[name] = read(cursor);
    return record;
  };
  named.set(String(type['name']), decode);
  for (const field of type['fields'] as readonly { readonly name: string; readonly type: Schema }[]) {
    fields.push([field.name, compile(field.type, named)]);
  }
  return decode;
}

/** Items come in blocks, each with its count in front; a negative one is followed by the size of the block. */
function compileBlocks(item: Decode): Decode {
  return (cursor) => {
    const items: unknown[] = [];
    for (let count = readLong(cursor); count !== 0; count = readLong(cursor)) {
      if (count < 0) readLong(cursor);
      for (let left = Math.abs(count); left > 0; left -= 1) items.push(item(cursor));
    }
    return items;
  };
}

const PRIMITIVES: Readonly<Record<string, Decode>> = {
  null: () => null,
  boolean: (cursor) => take(cursor, 1)[0] === 1,
  int: readLong,
  long: readLong,
  string: readString,
  bytes: (cursor) => Buffer.from(take(cursor, readLong(cursor))),
};

/** The sign is the lowest bit; then seven bits a byte, lowest first. Exact up to 2^53: ours stay below it. */
function readLong(cursor: Cursor): number {
  let byte = take(cursor, 1)[0]!;
  const negative = byte % 2 === 1;
  let [value, weight] = [(byte & 0x7f) >> 1, 64];
  while (byte >= 0x80) {
    byte = take(cursor, 1)[0]!;
    value += (byte & 0x7f) * weight;
    weight *= 128;
    if (weight > 2 ** 70) throw new RangeError('a number takes more than ten bytes');
  }
  return negative ? -value - 1 : value;
}

function readString(cursor: Cursor): string {
  return take(cursor, readLong(cursor)).toString();
}

function take(cursor: Cursor, length: number): Buffer {
  const end = cursor.at + length;
  if (length < 0 || end > cursor.bytes.length) throw new RangeError('the bytes end too soon');
  const taken = cursor.bytes.subarray(cursor.at, end);
  cursor.at = end;
  return taken;
}

function pick<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new RangeError(`there is no ${index} among ${items.length}`);
  return item;
}
