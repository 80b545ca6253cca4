import avro from 'avsc';

/** What avsc reads from and writes to: undocumented, and the same in all releases of avsc 5. */
interface Tap {
  readonly buf: Buffer;
  /** Behind the last byte written, also if the buffer has no room for it: then what was written is thrown away. */
  pos: number;
  readLong(): number;
  skipLong(): void;
  writeString(text: string): void;
  isValid(): boolean;
}

interface Own {
  _read(tap: Tap): unknown;
  _write(tap: Tap, value: unknown): void;
}

/** Types of ours in the place of avsc's: they write the same bytes. For `forSchema`. */
export function ownTypes(schema: avro.Schema, options: avro.ForSchemaOptions): avro.Type | undefined {
  if (schema === 'string') return new Text();
  if (Array.isArray(schema)) {
    return schema.length === 2 && schema[0] === 'null' ? new Nullable(schema, options) : undefined;
  }
  const isArray = typeof schema === 'object' && 'type' in schema && schema.type === 'array';
  return isArray ? new BoundedArray(schema as avro.schema.ArrayType, options) : undefined;
}

/** avsc reads on behind the end of its bytes: a count that is a lie would have it fill the memory, item by item. */
class BoundedArray extends avro.types.ArrayType {
  _read(tap: Tap): unknown[] {
    const items: unknown[] = [];
    const item = this.itemsType as unknown as Own;
    for (let count = tap.readLong(); count !== 0 && tap.isValid(); count = tap.readLong()) {
      if (count < 0) tap.skipLong(); // the size of the block in bytes
      for (let left = Math.abs(count); left > 0 && tap.isValid(); left -= 1) items.push(item._read(tap));
    }
    return items;
  }
}

/** Below it the length takes one byte, twice itself as a zigzag. */
const SHORT = 64;

/** Most texts are short and ASCII: written while they are looked at, without measuring them first. */
class Text extends avro.types.StringType {
  _write(tap: Tap, value: unknown): void {
    if (typeof value !== 'string') throw new Error(`${typeof value} in the place of a text`);
    const { buf, pos } = tap;
    const { length } = value;
    if (length >= SHORT || pos + length >= buf.length) return tap.writeString(value);
    for (let at = 0; at < length; at += 1) {
      const unit = value.charCodeAt(at);
      if (unit > 0x7f) return tap.writeString(value);
      buf[pos + 1 + at] = unit;
    }
    buf[pos] = 2 * length;
    tap.pos = pos + 1 + length;
  }
}

/** Of null and one more: avsc looks for the branch of each value by its type. */
class Nullable extends avro.types.UnwrappedUnionType {
  _write(tap: Tap, value: unknown): void {
    tap.buf[tap.pos] = value === null ? 0 : 2; // their places as zigzags; behind the end it goes nowhere
    tap.pos += 1;
    if (value !== null) (this.types[1] as unknown as Own)._write(tap, value);
  }
}
