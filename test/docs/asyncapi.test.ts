import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Parser } from '@asyncapi/parser';
import { settingList } from '../../src/config.ts';
import { asyncApi } from './topics.ts';

const source = fileURLToPath(new URL('../../schemas/asyncapi.json', import.meta.url));
const text = readFileSync(source, 'utf8');

/** What AsyncAPI's own parser objects to. What it only advises is left aside; it does not look into Avro. */
async function objections(document: string): Promise<readonly string[]> {
  const parser = new Parser();
  const { diagnostics } = await parser.parse(document, { source });
  const serious = diagnostics.filter(({ severity }) => severity <= 1);
  return serious.map(({ message, path }) => `${path.join('.')}: ${message}`);
}

test('schemas/asyncapi.json is what the source says (npm run docs mends it)', () => assert.equal(text, asyncApi()));

test("AsyncAPI's own parser reads it, and objects to nothing", async () => {
  assert.deepEqual(await objections(text), []);
});

for (const [what, find, replace] of [
  ['a schema that is not there', './call-leg.avsc', './no-leg.avsc'],
  ['an operation on a channel that is not there', '"$ref": "#/channels/calls"', '"$ref": "#/channels/nobody"'],
  ['a key that is no schema', '"key": {', '"key": 5, "was": {'],
  ['a word that AsyncAPI does not know', '"action": "send"', '"action": "shout"'],
] as const) {
  test(`the parser refuses ${what}`, async () => {
    assert.ok(text.includes(find), find);
    assert.notDeepEqual(await objections(text.replace(find, replace)), []);
  });
}

test('each topic of the settings has its channel, and nothing else has', () => {
  const { channels } = JSON.parse(text) as { channels: Record<string, { address: string; description: string }> };
  const topics = settingList.filter(({ path }) => path.startsWith('kafka.topic'));
  const told = Object.values(channels).map(({ address, description }) =>
    `${/KAFKA_TOPIC_\w+/.exec(description)![0]} ${address}`);
  const expected = topics.map(({ env, default: name, doc }) =>
    `${env} ${name === 'off' ? (/`(8x8\.[\w.-]+)`/.exec(doc)?.[1] ?? '8x8.signals') : String(name)}`);
  assert.deepEqual(told.sort(), expected.sort());
});
