import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

// Goal: the statements for ksqlDB name what there is. Method: no ksqlDB can be had here, so topics and columns are
// looked up in the AsyncAPI document and the schemas. Grammar and meaning are not tested.

interface Field {
  readonly name: string;
  readonly type: unknown;
}

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
const text = read('calls.sql');
const topics = new Map((Object.values(JSON.parse(read('../../../schemas/asyncapi.json')).channels) as {
  readonly address: string;
  readonly messages: Readonly<Record<string, { readonly payload: { readonly schema: { readonly $ref?: string } } }>>;
}[]).map(({ address, messages }) => [address, Object.values(messages)[0]!.payload.schema?.$ref]));

/** What ksqlDB makes of a type of Avro. */
function ksqlType(type: unknown): string | undefined {
  const plain = Array.isArray(type) ? (type as unknown[]).find((branch) => branch !== 'null') : type;
  if (typeof plain === 'object') return (plain as Record<string, string>)['logicalType'] && 'TIMESTAMP';
  return { string: 'VARCHAR', int: 'INTEGER', long: 'BIGINT', boolean: 'BOOLEAN' }[plain as string];
}

/** What is wrong with the sources of a file of statements, a line each. */
function problems(statements: string): readonly string[] {
  const sources = statements.matchAll(/CREATE (?:STREAM|TABLE) \w+ \((.*?)\) WITH \(KAFKA_TOPIC = '([^']+)'/gs);
  return [...sources].flatMap(([, columns, topic]) => {
    const ref = topics.get(topic!);
    if (ref === undefined) return [`no topic ${topic}`];
    const { fields } = JSON.parse(read(`../../../schemas/${ref}`)) as { readonly fields: readonly Field[] };
    const types = new Map(fields.map(({ name, type }) => [name, ksqlType(type)]));
    const named = [...columns!.matchAll(/`(\w+)` (\w+)/g)];
    return named.filter(([, name, type]) => types.get(name!) !== type)
      .map(([, name, type]) => `${topic} has no ${name} of type ${type}`);
  });
}

test('each source has a topic of ours, and columns that its schema has', () => {
  assert.equal([...text.matchAll(/KAFKA_TOPIC = '8x8\./g)].length, 3);
  assert.deepEqual(problems(text), []);
});

test('each column that the alert uses is one of its source', () => {
  const source = /CREATE STREAM call_records \((.*?)\) WITH/s.exec(text)![1]!;
  const query = text.slice(text.indexOf('CREATE TABLE abandoned_alerts'));
  for (const [column] of query.matchAll(/`\w+`/g)) assert.ok(source.includes(column), column);
});

for (const [bad, find, replace] of [
  ['a topic', '8x8.call-legs', '8x8.legs'],
  ['a column', '`answered` BOOLEAN', '`wasAnswered` BOOLEAN'],
  ['a type', '`talkTimeMS` BIGINT', '`talkTimeMS` INTEGER'],
] as const) {
  test(`${bad} that is not there is found`, () => {
    assert.ok(text.includes(find));
    assert.equal(problems(text.replace(find, replace)).length, 1);
  });
}
