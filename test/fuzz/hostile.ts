import fc from 'fast-check';

/** JSON as it is written. It can say what no value can: a field twice, 1e400, -0, an integer beyond 2^53. */
type Tree = { raw: string } | { items: Tree[] } | { fields: Field[] };
type Field = [name: string, value: Tree];

/** Stands for what must never be shown: it is put where a name, a number or a secret may be. */
export const CANARY = 'canary-5d1c';

const HOSTILE_NAMES = [
  '__proto__', 'constructor', 'prototype', 'toString', 'valueOf', 'hasOwnProperty', 'toJSON', 'then', 'length', '', '0',
  'eventId', 'extras', 'observedAt', 'revision', 'changeKind', 'changedFields',
  '\ud800', '\udfff', '\u0000', '\u202e', '// note', 'a.b', CANARY,
];

/** JSON texts that have broken some parser before. */
const HOSTILE_VALUES = [
  'null', 'true', 'false', '0', '-0', '-1', '1', '1.5', '0.1', '1e400', '-1e400', '1e-400', '1e3', '2147483648',
  '9007199254740991', '9007199254740993', '-9007199254740993', '18446744073709551616', '253402300800000',
  '-62135596800001', '8640000000000001', '9'.repeat(400), `0.${'3'.repeat(400)}`,
  '""', '"0"', '"-"', '"-1"', '"1e3"', '"0x10"', '" 7 "', '"NaN"', '"9007199254740993"', '"1643898472253"', '"true"',
  '"No Data"', '"a/b"', '"a,b"', '"24h"', '"allpbxes"', '"2026-01-31T00:00:00Z"', '"\\r\\n{\\"level\\":30}"',
  '"\\u0000"',
  '"\\ud800"', '"\\udc00\\ud800"', '"\\u202e\\u200f\\ufeff"', '"__proto__"', `"${CANARY}"`, `"${'x'.repeat(300)}"`,
  '[]', '{}', '[null]', '[[]]', '[{}]', '["x",null,7]', '{"toString":1}', '{"valueOf":null,"toString":{}}',
  '{"toJSON":"x"}', '{"length":4294967295}', '{"then":true}', '{"":0,"":1}',
  '{"__proto__":{"polluted":true}}', '{"constructor":{"prototype":{"polluted":true}}}',
];

/** UTF-16 units at random: half surrogates, control characters, everything. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.array(fc.nat(0xffff), { maxLength: 8 }).map((units) => String.fromCharCode(...units)),
);

const anyValue: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...HOSTILE_VALUES) },
  { weight: 1, arbitrary: anyText.map((text) => JSON.stringify(text)) },
  { weight: 1, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }).map(String) },
  { weight: 1, arbitrary: fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 40 }).map((depth) => nested('[{"a":', '1', '}]', depth)) },
);

function nested(open: string, inner: string, close: string, depth: number): string {
  return open.repeat(depth) + inner + close.repeat(depth);
}

/** One blow to a document. `at` and `other` choose places, whatever their number. */
interface Blow {
  readonly how: keyof typeof BLOWS;
  readonly at: number;
  readonly other: number;
  readonly name: string;
  readonly value: string;
}

/** Where a value stands in a document. */
type Place = { readonly items: Tree[]; readonly index: number } | { readonly fields: Field[]; readonly index: number };

const BLOWS = {
  replace: (place, { value }) => put(place, { raw: value }),
  remove: (place) => listOf(place).splice(place.index, 1),
  double: (place, { value }) => insert(place, 'fields' in place ? place.fields[place.index]![0] : '', { raw: value }),
  add: (place, { name, value }) => insert(place, name, { raw: value }),
  rename: (place, { name }) => {
    if ('fields' in place) place.fields[place.index]![0] = name;
  },
  intoList: (place) => put(place, { items: [taken(place)] }),
  intoObject: (place, { name }) => put(place, { fields: [[name, taken(place)]] }),
  intoText: (place) => put(place, { raw: JSON.stringify(written(taken(place))) }),
  outOfText: (place) => {
    const text = written(taken(place));
    if (/^"-?[1-9]\d*"$/.test(text)) put(place, { raw: text.slice(1, -1) });
  },
  copy: (place, { other }, places) => put(place, { raw: written(taken(places[other % places.length]!)) }),
} as const satisfies Record<string, (place: Place, blow: Blow, places: readonly Place[]) => unknown>;

const anyPlace = fc.nat({ max: 100_000 });

/**
 * JSON texts made of documented answers by a few blows: fields replaced, taken away, doubled, renamed, wrapped, copied
 * at any depth. A failing one shrinks to the fewest blows that still fail.
 */
export function hostileText(answers: readonly unknown[]): fc.Arbitrary<string> {
  const names = [...new Set([...HOSTILE_NAMES, ...answers.flatMap(namesIn)])];
  const blow: fc.Arbitrary<Blow> = fc.record({
    how: fc.constantFrom(...Object.keys(BLOWS) as (keyof typeof BLOWS)[]),
    at: anyPlace,
    other: anyPlace,
    name: fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...names) }, { weight: 1, arbitrary: anyText }),
    value: anyValue,
  });
  return fc.tuple(fc.constantFrom(...answers), fc.array(blow, { maxLength: 6 })).map(([answer, blows]) => {
    const root: Tree[] = [treeOf(answer)];
    for (const one of blows) strike(root, one);
    return written(root[0] ?? { raw: 'null' });
  });
}

/** The same, as a parser gets it once `JSON.parse` has read it. */
export function hostileJson(answers: readonly unknown[]): fc.Arbitrary<unknown> {
  return hostileText(answers).map((text) => JSON.parse(text) as unknown);
}

interface Damage {
  readonly how: 'cut' | 'flip' | 'insert' | 'remove' | 'repeat';
  readonly at: number;
  readonly by: number;
}

/** Bytes that were a good answer once: cut, flipped, with bytes put in, taken out and repeated. */
export function damaged(good: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Buffer> {
  const anyDamage: fc.Arbitrary<Damage> = fc.record({
    how: fc.constantFrom('cut', 'flip', 'insert', 'remove', 'repeat'),
    at: anyPlace,
    by: fc.nat({ max: 255 }),
  });
  return fc.tuple(good, fc.array(anyDamage, { maxLength: 3 })).map(([bytes, damages]) =>
    damages.reduce<Buffer>(damage, Buffer.from(bytes)));
}

function damage(bytes: Buffer, { how, at, by }: Damage): Buffer {
  const index = at % (bytes.length + 1);
  const [before, after] = [bytes.subarray(0, index), bytes.subarray(index)];
  switch (how) {
    case 'cut': return before;
    case 'flip': return Buffer.concat([before, after.subarray(0, 1).map((byte) => byte ^ by), after.subarray(1)]);
    case 'insert': return Buffer.concat([before, Buffer.from([by]), after]);
    case 'remove': return Buffer.concat([before, after.subarray(by)]);
    case 'repeat': return Buffer.concat([before, after.subarray(0, by), after]);
  }
}

const LARGE = 1_000_000;
const DEPTH = 10_000;
const MANY = 100_000;

/** JSON texts that are too large for an algorithm that is not linear. */
const HUGE: Readonly<Record<string, string>> = {
  'a text of 1 MB': `"${'x'.repeat(LARGE)}"`,
  'a text of 1 MB that looks like numbers': `"${'1 '.repeat(LARGE / 2)}"`,
  'a text of 1 MB of half surrogates': `"${'\\ud800'.repeat(LARGE / 6)}"`,
  'a name of 1 MB': `{"${'x'.repeat(LARGE)}":1}`,
  'a number of 1 MB': '7'.repeat(LARGE),
  'lists, 10,000 deep': nested('[', '', ']', DEPTH),
  'objects, 10,000 deep': nested('{"a":', '1', '}', DEPTH),
  '100,000 elements': `[${'{},'.repeat(MANY - 1)}{}]`,
  '100,000 fields': `{${Array.from({ length: MANY }, (_, index) => `"f${index}":${index}`).join(',')}}`,
  'one field 100,000 times': `{${'"a":1,'.repeat(MANY - 1)}"a":2}`,
};

/** Every huge text in the place of the whole answer, and of some of its parts. */
export function* hugeTexts(answer: unknown): Generator<readonly [what: string, text: string]> {
  const count = placesIn([treeOf(answer)]).length;
  for (const [what, value] of Object.entries(HUGE)) {
    for (const at of [0, 1, 3, 4].filter((place) => place < count)) {
      const root = [treeOf(answer)];
      strike(root, { how: 'replace', at, other: 0, name: '', value });
      yield [`${what} at place ${at}`, written(root[0]!)];
    }
  }
}

function strike(root: Tree[], blow: Blow): void {
  const places = placesIn(root);
  const place = places[blow.at % places.length];
  if (place !== undefined) BLOWS[blow.how](place, blow, places);
}

/** Every value of a document, the outer before the inner. */
function placesIn(root: Tree[]): readonly Place[] {
  const found: Place[] = [];
  const visit = (tree: Tree): void => {
    if ('items' in tree) visitItems(tree.items);
    else if ('fields' in tree) {
      for (const [index, [, value]] of tree.fields.entries()) {
        found.push({ fields: tree.fields, index });
        visit(value);
      }
    }
  };
  const visitItems = (items: Tree[]): void => {
    for (const [index, item] of items.entries()) {
      found.push({ items, index });
      visit(item);
    }
  };
  visitItems(root);
  return found;
}

function listOf(place: Place): unknown[] {
  return 'items' in place ? place.items : place.fields;
}

function taken(place: Place): Tree {
  return 'items' in place ? place.items[place.index]! : place.fields[place.index]![1];
}

function put(place: Place, tree: Tree): void {
  if ('items' in place) place.items[place.index] = tree;
  else place.fields[place.index]![1] = tree;
}

function insert(place: Place, name: string, tree: Tree): void {
  if ('items' in place) place.items.splice(place.index + 1, 0, tree);
  else place.fields.splice(place.index + 1, 0, [name, tree]);
}

function treeOf(value: unknown): Tree {
  if (Array.isArray(value)) return { items: value.map(treeOf) };
  if (typeof value !== 'object' || value === null) return { raw: JSON.stringify(value) };
  return { fields: Object.entries(value).map(([name, inner]): Field => [name, treeOf(inner)]) };
}

function written(tree: Tree): string {
  if ('raw' in tree) return tree.raw;
  if ('items' in tree) return `[${tree.items.map(written).join(',')}]`;
  return `{${tree.fields.map(([name, value]) => `${JSON.stringify(name)}:${written(value)}`).join(',')}}`;
}

function namesIn(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = Array.isArray(value) ? [] : Object.keys(value);
  return [...own, ...Object.values(value).flatMap(namesIn)];
}
