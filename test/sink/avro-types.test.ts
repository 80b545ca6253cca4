import assert from 'node:assert/strict';
import { test } from 'node:test';
import avro from 'avsc';
import fc from 'fast-check';
import { ownTypes } from '../../src/sink/avro-types.ts';

// Goal: our types write what avsc's write, byte for byte, also where the room ends. Method: any value, any room.

const schema: avro.Schema = {
  type: 'record',
  name: 'Any',
  fields: [
    { name: 'text', type: 'string' },
    { name: 'nullable', type: ['null', 'string'] },
    { name: 'number', type: ['null', 'long'] },
    { name: 'list', type: ['null', { type: 'array', items: 'string' }] },
    { name: 'extras', type: { type: 'map', values: 'string' } },
  ],
};
const [plain, own] = [avro.Type.forSchema(schema), avro.Type.forSchema(schema, { typeHook: ownTypes })];

const text = fc.oneof(fc.string({ maxLength: 200 }), fc.string({ unit: 'binary', maxLength: 80 }));
const values = fc.record({
  text,
  nullable: fc.option(text),
  number: fc.option(fc.integer()),
  list: fc.option(fc.array(text, { maxLength: 4 })),
  extras: fc.dictionary(fc.string(), text, { maxKeys: 3 }),
});

test('the bytes are those of avsc, and are read back', () => {
  fc.assert(fc.property(values, (value) => {
    const bytes = own.toBuffer(value);
    assert.deepEqual(bytes, plain.toBuffer(value));
    assert.deepEqual(plain.toBuffer(own.fromBuffer(bytes)), bytes);
  }));
});

test('a value that has no room is told by as much as avsc says is missing', () => {
  fc.assert(fc.property(values, fc.nat(300), (value, room) => {
    const [mine, theirs] = [Buffer.alloc(room), Buffer.alloc(room)];
    const end = own.encode(value, mine);
    assert.equal(end, plain.encode(value, theirs));
    if (end >= 0) assert.deepEqual(mine, theirs);
  }));
});

test('what does not fit the schema is an error', () => {
  for (const wrong of [{ text: 1 }, { text: null }, { text: 'a', nullable: 1 }, { text: 'a', nullable: null }]) {
    assert.throws(() => own.toBuffer(wrong));
  }
});
