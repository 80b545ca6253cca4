import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { createContext, Script } from 'node:vm';
import fc from 'fast-check';
import type { KafkaMessage } from 'kafkajs';
import { beginAutoPace, CAUTION, learnDelays, paceOf } from '../../src/feed/auto-pace.ts';
import { learn, type Learnt } from '../../src/feed/learnt.ts';
import { contentsOf } from '../../src/feed/manifest.ts';
import { OffsetState, type OffsetRecord, type OffsetStep } from '../../src/feed/offset.ts';
import { openCodec, type Codec } from '../../src/sink/avro.ts';
import { offsetMessage, offsetsFrom, readLatest, type OffsetsTopic } from '../../src/sink/kafka-offsets.ts';
import { entry } from '../feed/entry.ts';
import { readSchema, typeOf } from '../streams/schemas.ts';
import { fuzz, valueOrCode } from './fuzz.ts';
import { anyText, damaged } from './hostile.ts';

const HEADER_BYTES = 5;
const HOUR_MS = 3_600_000;

/** A schema registry as far as it takes to register one schema, and to know no other. */
const registry = createServer({ keepAliveTimeout: 0 }, (request, response) => {
  const isConfig = request.url?.startsWith('/config') === true;
  response.statusCode = request.method === 'GET' && !isConfig ? 404 : 200;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(isConfig ? { compatibilityLevel: 'BACKWARD' } : { id: 7, message: 'not found' }));
});
await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
after(() => registry.close());
const { port } = registry.address() as AddressInfo;
const options = { url: `http://127.0.0.1:${port}`, register: true, compatibility: 'BACKWARD' };
const codec = await openCodec(options, 'offsets-value', 'offset.avsc');

const undamaged = new Set<Uint8Array>();
/** The bytes that the codec could not be done with in a time in which it cannot fail to be done. */
let endless: Buffer | undefined;
const watched = createContext({ decode: (): unknown => undefined });
const decodeOnce = new Script('decode()');
const impatient: Codec = {
  ...codec,
  decode(bytes) {
    if (undamaged.has(bytes)) return codec.decode(bytes); // a watch costs more than a decoding
    watched['decode'] = () => codec.decode(bytes);
    try {
      return decodeOnce.runInContext(watched, { timeout: 2_000 }) as Promise<unknown>;
    } catch (error) {
      endless = bytes;
      throw error;
    }
  },
};
const topic: OffsetsTopic = { topic: '8x8.offsets', connector: '8x8', pass: 'live', shardCount: 8, codec: impatient };

interface Stored {
  readonly key: Buffer;
  readonly value: Buffer | null;
}

const pace = {
  settleMs: 60_000, stepMinMs: 60_000, stepMaxMs: HOUR_MS, overlapMs: 2_000, lookbackMs: HOUR_MS, sweepEveryMs: 600_000,
};
const limits = {
  pace, caution: CAUTION, settleMinMs: 0, settleMaxMs: HOUR_MS, lookbackMinMs: HOUR_MS, lookbackMaxMs: 9 * HOUR_MS,
};
const week = Array.from({ length: 168 }, () => 4);
const learnt: Learnt = {
  silence: { profile: { tenths: week, weeks: week }, quietSinceMs: HOUR_MS, hourMs: HOUR_MS, hourRows: 3 },
  delays: { histogram: learnDelays([], [5_000]), auto: beginAutoPace(limits, HOUR_MS) },
};

/** What two feeds have left in the topic: their beginnings, keys, fingerprints, and a page that is forgotten. */
const life: readonly Stored[] = ['acme', 'globex'].flatMap((pbxId, index) => {
  const state = new OffsetState({ stream: 'call-legs', pbxId, pass: 'live' }, HOUR_MS);
  const steps: readonly OffsetStep[] = [
    { watermarkMs: HOUR_MS, seenFromMs: 0, seen: [entry(`${pbxId}/1/1`, 10, 5)], learnt },
    { watermarkMs: HOUR_MS, seenFromMs: 0, seen: [entry(`${pbxId}/2/1`, 5 * HOUR_MS, 7)] },
    { watermarkMs: 2 * HOUR_MS, seenFromMs: HOUR_MS, forgetBeforeMs: HOUR_MS, sealFromMs: 0, seen: [] },
    { watermarkMs: 3 * HOUR_MS, seenFromMs: HOUR_MS, seen: [entry(`${pbxId}/3/1`, 2 * HOUR_MS, 9)] },
    { watermarkMs: 9 * HOUR_MS, seenFromMs: 4 * HOUR_MS, forgetBeforeMs: 4 * HOUR_MS, sealFromMs: HOUR_MS, seen: [] },
  ];
  return steps.flatMap((step) => {
    const records = state.recordsFor(step, contentsOf(index + 1, []));
    for (const record of records) state.apply(record);
    return records.map(stored);
  });
});

function stored(record: OffsetRecord): Stored {
  const { key, value } = offsetMessage(topic, 0, record);
  return { key: Buffer.from(key), value: value && Buffer.from(value) };
}

const schema = readSchema('offset.avsc');
const type = typeOf(schema);

const anyInt = fc.constantFrom(-(2 ** 31), -1, 0, 1, 2, 4, 2 ** 31 - 1);
const anyLong = fc.constantFrom(
  -(2 ** 53) + 2, -8_640_000_000_000_001, -1, 0, 1, HOUR_MS, 8_640_000_000_000_001, 2 ** 53 - 2,
);
const anyString = fc.oneof(fc.constantFrom('', '__proto__', 'acme', 'ACME', 'live', '8x8', 'a/b', '\u0000'), anyText);
/** Values that fit a type of the schema and make no sense. */
const absurd: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  int: anyInt,
  long: anyLong,
  boolean: fc.boolean(),
  string: anyString,
  bytes: fc.uint8Array({ maxLength: 13 }).map((bytes) => Buffer.from(bytes)),
  enum: fc.constantFrom('HEAD', 'SEEN', 'BARRIER', 'RESET'),
  array: fc.oneof(
    fc.array(fc.record({ key: anyString, timeMs: anyLong, hash: anyLong }), { maxLength: 3 }),
    fc.array(anyInt, { maxLength: 3 }), fc.array(anyInt, { minLength: 168, maxLength: 168 }),
  ),
};

type AvroType = string | { readonly type: AvroType; readonly fields?: readonly Field[] } | readonly AvroType[];
interface Field {
  readonly name: string;
  readonly type: AvroType;
}

/** One field of a record set to something absurd; fields of the manifest are named by their path. */
type Change = readonly [path: readonly string[], value: unknown];
const change: fc.Arbitrary<Change> = fc.oneof(...changesOf(schema.fields as readonly Field[], []));

function changesOf(fields: readonly Field[], path: readonly string[]): fc.Arbitrary<Change>[] {
  return fields.flatMap((field) => {
    const own = [...path, field.name];
    const variants = Array.isArray(field.type) ? field.type as readonly AvroType[] : [field.type];
    return variants.flatMap((variant) => {
      const { name, inner } = nameOf(variant);
      if (name === 'null') return [fc.constant([own, null] as const)];
      if (name === 'record') return changesOf(inner, own);
      return [absurd[name]!.map((value) => [own, value] as const)];
    });
  });
}

function nameOf(of: AvroType): { readonly name: string; readonly inner: readonly Field[] } {
  if (typeof of === 'string') return { name: of, inner: [] };
  if (Array.isArray(of)) throw new Error('a union in a union');
  const { type: name, fields = [] } = of as { readonly type: AvroType; readonly fields?: readonly Field[] };
  return typeof name === 'string' ? { name, inner: fields } : nameOf(name);
}

interface Edit {
  readonly at: number;
  readonly how: 'change' | 'delete' | 'tombstone' | 'repeat' | 'rekey' | 'bytes';
  readonly changes: readonly Change[];
  readonly other: number;
  readonly bytes: Buffer;
}

const values = life.flatMap(({ value }) => (value === null ? [] : [value]));
for (const value of values) undamaged.add(value);
const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.nat({ max: 1_000 }),
  how: fc.constantFrom('change', 'change', 'change', 'delete', 'tombstone', 'repeat', 'rekey', 'bytes'),
  changes: fc.array(change, { minLength: 1, maxLength: 3 }),
  other: fc.nat({ max: 1_000 }),
  bytes: fc.oneof(
    { weight: 1, arbitrary: damaged(fc.constantFrom(...values)) },
    { weight: 9, arbitrary: damaged(fc.constantFrom(...values).map((value) => value.subarray(HEADER_BYTES)))
      .map((body) => Buffer.concat([values[0]!.subarray(0, HEADER_BYTES), body])) },
  ),
});

function edited(history: readonly Stored[], { at, how, changes, other, bytes }: Edit): readonly Stored[] {
  const index = at % (history.length || 1);
  const record = history[index];
  if (record === undefined) return history;
  const place = (...records: readonly Stored[]) => history.toSpliced(index, 1, ...records);
  switch (how) {
    case 'delete': return place();
    case 'tombstone': return place({ ...record, value: null });
    case 'repeat': return place(record, history[other % history.length]!);
    case 'rekey': return place({ ...record, key: history[other % history.length]!.key });
    case 'bytes': return place({ ...record, value: bytes });
    case 'change': return place(record.value === null ? record : { ...record, value: changed(record.value, changes) });
  }
}

function changed(bytes: Buffer, changes: Edit['changes']): Buffer {
  try {
    const value = structuredClone(type.fromBuffer(bytes.subarray(HEADER_BYTES))) as Record<string, unknown>;
    for (const [path, to] of changes) {
      const holder = path.slice(0, -1).reduce<Record<string, unknown>>((in_, name) =>
        (in_[name] ?? {}) as Record<string, unknown>, value);
      holder[path.at(-1)!] = to;
    }
    return Buffer.concat([bytes.subarray(0, HEADER_BYTES), type.toBuffer(value)]);
  } catch {
    return bytes; // damaged before
  }
}

// Goal: a topic that somebody has damaged stops the shard with the command that mends it; it never crashes us.
fuzz('any offset records are offsets or refused', {
  inputs: fc.array(edit, { maxLength: 3 }),
  outcomes: ['offsets', 'OFFSETS_INVALID'],
  check: (edits) => outcomeOf(edits.reduce(edited, life)),
});

async function outcomeOf(history: readonly Stored[]): Promise<string> {
  const messages = history.map(({ key, value }, offset): KafkaMessage =>
    ({ key, value, timestamp: '0', attributes: 0, offset: String(offset), headers: {} }));
  endless = undefined;
  await readLatest(topic, messages); // what a reset reads: it must be able to mend all that can be wrong
  assert.equal(endless, undefined, 'it reads for ever');
  const read = await valueOrCode(() => offsetsFrom(topic, messages), ['OFFSETS_INVALID']);
  if ('code' in read) return read.code;
  for (const [name, { feed, watermarkMs, seenFromMs, rememberedFromMs, learnt: known }] of read.value) {
    const [nowMs, fed] = [watermarkMs + HOUR_MS, { pace, auto: limits }];
    const lesson = { span: { from: watermarkMs, to: nowMs }, timesMs: [watermarkMs], newestMs: watermarkMs, nowMs };
    const arrivals = { delaysMs: [5_000], lateMs: [], nowMs };
    const { silence: { expectedRows }, learnt: { delays } } = learn(fed, known, { ...lesson, arrivals });
    const { lookbackMs } = paceOf(fed, delays);
    assert.ok(expectedRows >= 0 && lookbackMs >= HOUR_MS && lookbackMs <= 9 * HOUR_MS, name);
    assert.ok(name.startsWith('live/') && typeof feed.pbxId === 'string', name);
    for (const ms of [watermarkMs, seenFromMs, rememberedFromMs]) {
      assert.ok(!Number.isNaN(new Date(ms).getTime()), `${ms} is no time`);
    }
  }
  return 'offsets';
}

test('what the feeds have left in the topic is read', async () => assert.equal(await outcomeOf(life), 'offsets'));

// avsc reads on behind the end of its bytes: this one would fill all memory, and then crash the worker.
test('a record whose count of entries is a lie is refused', async () => {
  const record = life[0]!;
  const lie = Buffer.concat([record.value!.subarray(0, -3), Buffer.from([0xfe, 0xff, 0xff, 0xff, 0x0f])]);
  assert.equal(await outcomeOf([{ ...record, value: lie }]), 'OFFSETS_INVALID');
});
