import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { loadConfig } from '../../src/config.ts';
import { defaultConfig, fillIn, readmeSections } from './sections.ts';

const file = (name: string) => new URL(`../../${name}`, import.meta.url);

test('README.md says what the source says (npm run docs mends it)', async () => {
  const text = readFileSync(file('README.md'), 'utf8');
  const sections = await readmeSections();
  for (const [name, section] of Object.entries(sections)) assert.ok(text.includes(`\n${section}\n`), name);
  assert.ok(text === fillIn(text, sections), 'each section between its own marks');
});

test('Node is started with the same options everywhere', () => {
  const options = readFileSync(file('src/main.ts'), 'utf8').split('\n', 1)[0]!.split(' node ')[1]!;
  const { scripts } = JSON.parse(readFileSync(file('package.json'), 'utf8')) as { scripts: Record<string, string> };
  assert.equal(scripts['connector'], `node ${options} src/main.ts`);
  const entry = ['node', ...options.split(' ')].map((word) => JSON.stringify(word)).join(', ');
  assert.ok(readFileSync(file('Dockerfile'), 'utf8').includes(`ENTRYPOINT [${entry}, `));
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
  const fromFile = loadConfig([file('config/default.json').pathname], required);
  const withoutFile = loadConfig([], required);
  assert.equal(JSON.stringify(fromFile), JSON.stringify(withoutFile));
});

test('fillIn refuses a README whose marks do not fit', () => {
  assert.throws(() => fillIn('<!-- settings -->\n<!-- /settings -->', {}), /settings/);
  assert.throws(() => fillIn('', { metrics: '' }), /metrics/);
});
