import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { ConnectorError } from '../../src/errors.ts';
import {
  loadConfig, originMs, settingList, type Config, type Environment, type Setting,
} from '../../src/config.ts';
import { createFetch } from '../../src/source/fetch.ts';
import { createWorkAnalytics } from '../../src/source/work-analytics.ts';
import { fakeClock } from '../source/scripted-server.ts';
import { assertIsRefusal, fuzz } from './fuzz.ts';
import { anyText, damaged, hostileText, hugeTexts } from './hostile.ts';

const SECRET = 'wombat-77aa';
const INT32_MAX = 2 ** 31 - 1;
const NOW_MS = Date.parse('2026-03-01T12:00:00Z');

const folder = mkdtempSync(join(tmpdir(), 'config-fuzz-'));
after(() => rmSync(folder, { recursive: true }));
const [one, two, secretFile] = [join(folder, 'one.json'), join(folder, 'two.json'), join(folder, 'secret')] as const;

const needed: Environment = {
  EIGHT_API_KEY: `${SECRET}-key`,
  EIGHT_USERNAME: `${SECRET}-user`,
  EIGHT_PASSWORD: `${SECRET}-password`,
  EIGHT_PBX_IDS: 'acme',
  KAFKA_BROKERS: 'localhost:9092',
  SCHEMA_REGISTRY_URL: 'http://localhost:8081',
};
const documented = JSON.parse(readFileSync(new URL('../../config/default.json', import.meta.url), 'utf8')) as object;
const own = {
  'source': { apiKey: SECRET, username: SECRET, password: SECRET, pbxIds: ['acme', 'globex'], caller: '101' },
  'pace': { settleMs: '3m', lookbackMs: 7_200_000 },
  'kafka': { brokers: ['a:1', 'b:2'], topicRejected: 'dead' },
  'registry': { url: 'https://registry' },
  'source.password.x': 1,
};

const plausible = fc.constantFrom(
  '0', '1', '-1', '1.5', '1e3', '2147483648', '9007199254740993', '0s', '1s', '90s', '500ms', '15m', '99999999d',
  'auto', 'true', 'false', 'forever', '24h', '2026-01-31T00:00:00Z', 'acme', 'a+b,c', 'allpbxes', 'a:1,b:2',
  'call-legs', '8x8.offsets', 'http://example.com', 'https://[::1]:1/x/', 'https://', 'gzip', 'BACKWARD', 'debug', '',
  ' ', '101,102', SECRET,
);
const value = fc.oneof({ weight: 3, arbitrary: plausible }, { weight: 1, arbitrary: anyText });
const [plainSettings = [], secretSettings = []] = [false, true].map((isSecret) =>
  settingList.filter(({ sensitive }) => sensitive === isSecret));
const secretNames = secretSettings.map(({ env }) => env);

/** A value that a setting of this kind could have. */
function fitting({ path, default: usual }: Setting): fc.Arbitrary<string> {
  if (path === 'pace.deepSweepsMs') return fc.constantFrom('off', '24h', '24h,7d', '30d,2h', '7d,7d', '1s', ',', '31d');
  if (path.endsWith('Ms')) return fc.constantFrom('0s', '1s', '90s', '1500ms', '15m', '24d', '25d', '99999999d');
  if (path === 'source.backgroundShare') return fc.constantFrom('0', '0.01', '0.5', '1', '1.01');
  return typeof usual === 'number' ? fc.constantFrom('0', '1', '65535', '2147483647', '2147483648') : value;
}

const absent = fc.constant(undefined);
const secretText = anyText.map((text) => `${SECRET}${text}`);
const secretPath = fc.constantFrom(secretFile, folder, join(folder, 'absent'), '');
const change = fc.oneof(
  { weight: 9, arbitrary: fc.oneof(...plainSettings.map((setting) =>
    fc.tuple(fc.constant(setting.env), fc.oneof(fitting(setting), value, absent)))) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...secretNames), fc.oneof(absent, secretText)) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...secretNames.map((name) => `${name}_FILE`)), secretPath) },
);
const file = fc.oneof(
  { weight: 4, arbitrary: hostileText([documented, own]) },
  { weight: 1, arbitrary: damaged(hostileText([own]).map((text) => Buffer.from(text))).map(String) },
);

// Goal: a setting that is wrong is named, no secret is shown, and what is accepted is what the code takes it for.
fuzz('any environment and any files are a config or refused by name', {
  inputs: fc.record({
    changes: fc.array(change, { maxLength: 3 }),
    files: fc.oneof(fc.constant([]), fc.array(file, { maxLength: 2 })),
    secret: anyText,
  }),
  outcomes: ['a config', 'CONFIG_INVALID'],
  check: ({ changes, files, secret }) => {
    const paths = [one, two].slice(0, files.length);
    for (const [index, text] of files.entries()) writeFileSync(paths[index]!, text);
    writeFileSync(secretFile, `${SECRET}${secret}`);
    return outcomeOf({ ...needed, ...Object.fromEntries(changes) }, paths);
  },
});

test('a huge file is a config or refused by name', () => {
  for (const [what, text] of hugeTexts(own)) {
    writeFileSync(one, text);
    assert.ok(outcomeOf(needed, [one]), what);
  }
});

function outcomeOf(environment: Environment, files: readonly string[]): string {
  try {
    return assertIsSound(loadConfig(files, environment));
  } catch (error) {
    if (!(error instanceof ConnectorError && error.code === 'CONFIG_INVALID')) throw error;
    assertBlames(error.message, environment, files);
    return error.code;
  }
}

function assertBlames(message: string, environment: Environment, files: readonly string[]): void {
  const isShown = Object.values(environment).includes(SECRET) || files.some(showsSecret);
  // A part of it, too: what cannot be parsed is quoted by a few characters.
  assert.ok(isShown || !message.includes(SECRET.slice(0, 6)), `it shows a secret: ${message}`);
  for (const line of message.split('\n')) {
    const isNamed = settingList.some(({ env }) => line.startsWith(env)) || line.startsWith('KAFKA_TOPIC_');
    assert.ok(isNamed || files.some((path) => line.startsWith(path)), `a line blames nothing: ${line}`);
    assert.ok(line.length <= 500, `a line of ${line.length} characters`);
  }
}

/** Whether a secret stands where none is expected: then nobody can know that it is one. */
function showsSecret(path: string): boolean {
  try {
    const { source, ...rest } = JSON.parse(readFileSync(path, 'utf8')) as { source?: Record<string, unknown> };
    const shown = Object.entries(source ?? {}).filter(([name]) => !['apiKey', 'username', 'password'].includes(name));
    return JSON.stringify([rest, shown]).includes(SECRET);
  } catch {
    return false;
  }
}

function assertIsSound(config: Config): string {
  for (const { path, env, default: usual, sensitive } of settingList) {
    if (sensitive || /^pace\.(settle|lookback)M(in|ax)Ms$/.test(path)) continue; // those are bounds, or nothing
    const [group = '', name = ''] = path.split('.');
    const is = (config as unknown as Record<string, Record<string, unknown>>)[group]![name];
    if (path === 'pace.deepSweepsMs') {
      assert.ok(Array.isArray(is) && is.every((age) => Number.isSafeInteger(age) && Number(age) > 0), env);
    } else if (Array.isArray(usual) || path === 'source.pbxIds' || path === 'kafka.brokers') {
      assert.ok(Array.isArray(is) && is.length > 0 && is.every((part) => typeof part === 'string'), env);
    } else if (path === 'source.backgroundShare') assert.ok(Number(is) > 0 && Number(is) <= 1, env);
    else if (typeof usual === 'number') assert.ok(Number.isSafeInteger(is) && Number(is) >= -1, env);
    else if (path === 'pace.lagMaxMs') assert.ok(is === undefined || Number.isSafeInteger(is), env);
    else if (path !== 'source.pageSize') assert.equal(typeof is, typeof (usual ?? ''), env);
  }
  const { transactionTimeoutMs, sessionTimeoutMs, partitions, shards } = config.kafka;
  for (const sent of [transactionTimeoutMs, sessionTimeoutMs, partitions, shards]) assert.ok(sent <= INT32_MAX);
  for (const secret of Object.values(config.credentials())) assert.ok(typeof secret === 'string' && secret !== '');
  try {
    assert.equal(originMs(config.connector.startFrom, NOW_MS) % 1_000, 0);
  } catch (error) {
    assertIsRefusal(error, ['CONFIG_INVALID']);
  }
  const road = { ...config.access().eight, baseUrl: config.source.baseUrl };
  createWorkAnalytics({
    ...config.source, fetch: createFetch(road), credentials: config.credentials, parameters: {},
    clock: fakeClock(), random: () => 0, onRequest: () => undefined,
  });
  assert.ok(URL.canParse(config.registry.url));
  return 'a config';
}
