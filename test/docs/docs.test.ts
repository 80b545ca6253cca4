import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { loadConfig } from '../../src/config.ts';
import { defaultConfig, fillIn, readmeSections } from './sections.ts';

const file = (name: string) => new URL(`../../${name}`, import.meta.url);

test('README.md says what the source says (npm run docs mends it)', async () => {
  const text = readFileSync(file('README.md'), 'utf8');
  assert.equal(text, fillIn(text, await readmeSections()));
});

test('config/default.json holds every setting with its default (npm run docs mends it)', () => {
  assert.equal(readFileSync(file('config/default.json'), 'utf8'), defaultConfig());
});

test('config/default.json can be loaded, notes and all, and changes nothing', () => {
  const required = {
    EIGHT_API_KEY: 'key',
    EIGHT_USERNAME: 'user',
    EIGHT_PASSWORD: 'password',
    EIGHT_PBX_IDS: 'acme',
    KAFKA_BROKERS: 'localhost:9092',
    SCHEMA_REGISTRY_URL: 'http://localhost:8081',
  };
  const { credentials, ...fromFile } = loadConfig([file('config/default.json').pathname], required);
  const { credentials: _, ...withoutFile } = loadConfig([], required);
  assert.deepEqual(fromFile, withoutFile);
  assert.equal(credentials().apiKey, 'key');
});

test('fillIn refuses a README whose marks do not fit', () => {
  assert.throws(() => fillIn('<!-- settings -->\n<!-- /settings -->', {}), /settings/);
  assert.throws(() => fillIn('', { metrics: '' }), /metrics/);
});
