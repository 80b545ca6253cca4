import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadConfig, originMs, settingList, type Config, type Environment } from '../src/config.ts';
import { ConnectorError } from '../src/errors.ts';

const CANARY = 'canary-7f3a';
const needed: Environment = {
  EIGHT_API_KEY: `${CANARY}-key`,
  EIGHT_USERNAME: `${CANARY}-user`,
  EIGHT_PASSWORD: `${CANARY}-password`,
  EIGHT_PBX_IDS: 'acme',
  KAFKA_BROKERS: 'localhost:9092',
  SCHEMA_REGISTRY_URL: 'http://localhost:8081',
};
const folder = mkdtempSync(join(tmpdir(), 'config-test-'));
after(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const load = (change: Environment = {}, files: readonly string[] = []): Config =>
  loadConfig(files, { ...needed, ...change });

/** The lines of the refusal. It never shows a secret. */
function refusal(change: Environment, files: readonly string[] = []): readonly string[] {
  try {
    load(change, files);
  } catch (error) {
    assert.ok(error instanceof ConnectorError && error.code === 'CONFIG_INVALID', String(error));
    assert.doesNotMatch(`${error.message}${error.stack}`, new RegExp(CANARY));
    return error.message.split('\n');
  }
  return assert.fail('it was accepted');
}

test('every setting has a doc, a name of its own in the environment and a known default', () => {
  const names = settingList.map(({ env }) => env);
  assert.deepEqual(names.filter((name) => !/^[A-Z][A-Z0-9_]+$/.test(name)), []);
  assert.equal(new Set(names).size, names.length);
  for (const { path, doc, default: value } of settingList) {
    assert.ok(doc.length > 10 && doc.endsWith('.'), `${path} says what it is in a sentence`);
    assert.notEqual(value, undefined, `${path} has a default, or null for "must be given"`);
  }
});

test('the names that users have learned exist', () => {
  const names = new Set(settingList.map(({ env }) => env));
  const learned = [
    'EIGHT_BASE_URL', 'EIGHT_API_KEY', 'EIGHT_USERNAME', 'EIGHT_PASSWORD', 'EIGHT_PBX_IDS', 'EIGHT_PAGE_SIZE',
    'EIGHT_REQUESTS_PER_MINUTE', 'KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL', 'CONNECTOR_NAME', 'START_FROM', 'PACE_SETTLE',
    'PACE_STEP_MIN', 'PACE_STEP_MAX', 'PACE_OVERLAP', 'PACE_LOOKBACK', 'PACE_SWEEP_EVERY', 'HTTP_PORT', 'LOG_LEVEL',
  ];
  assert.deepEqual(learned.filter((name) => !names.has(name)), []);
});

test('only what has no sensible default must be given, and all of it is named at once', () => {
  const must = settingList.filter(({ default: value }) => value === null).map(({ env }) => env);
  assert.deepEqual(must.toSorted(), Object.keys(needed).toSorted());
  const lines = refusal(Object.fromEntries(must.map((name) => [name, undefined])));
  assert.deepEqual(must.filter((name) => !lines.some((line) => line.startsWith(name))), []);
  assert.equal(lines.length, must.length);
});

test('the secrets are the key, the user and the password, and no config shows them', () => {
  const secrets = settingList.filter(({ sensitive, path }) => sensitive && !path.startsWith('security.'));
  assert.deepEqual(secrets.map(({ env }) => env),
    ['EIGHT_API_KEY', 'EIGHT_USERNAME', 'EIGHT_PASSWORD', 'PRIVACY_KEY', 'HTTP_TOKEN']);
  const config = load({ HTTP_TOKEN: `${CANARY}-http-token` });
  assert.equal(config.httpToken(), `${CANARY}-http-token`);
  assert.doesNotMatch(JSON.stringify(config), new RegExp(CANARY));
  assert.deepEqual(config.credentials(),
    { apiKey: `${CANARY}-key`, username: `${CANARY}-user`, password: `${CANARY}-password` });
});

test('the defaults alone are a sound config', () => {
  const { pace, http, connector, source } = load();
  assert.equal(pace.settleMs, 120_000);
  assert.equal(pace.lookbackMs, 7_200_000);
  assert.equal(source.backgroundShare, 0.5);
  assert.deepEqual([http.host, http.port, connector.name, source.pageSize], ['127.0.0.1', 9464, '8x8', 'auto']);
});

const bad: readonly (readonly [env: string, value: string, line: RegExp])[] = [
  ['PACE_SETTLE', '90', /expected a time with its unit, such as "90s"/],
  ['PACE_SETTLE', '-5m', /expected a time/],
  ['PACE_LOOKBACK', '1.5h', /expected a time/],
  ['PACE_STEP_MIN', '', /expected a time/],
  ['EIGHT_PAGE_SIZE', '0', /expected "auto" or a whole number from 1 to 7000/],
  ['EIGHT_PAGE_SIZE', '7001', /expected "auto"/],
  ['EIGHT_PAGE_SIZE', 'many', /expected "auto"/],
  ['EIGHT_REQUESTS_PER_MINUTE', '0', /expected a whole number above 0/],
  ['EIGHT_REQUESTS_PER_MINUTE', '1.5', /expected a whole number above 0/],
  ['EIGHT_BACKGROUND_SHARE', '0', /expected a number above 0, at most 1/],
  ['EIGHT_BACKGROUND_SHARE', '1.01', /expected a number above 0/],
  ['EIGHT_BACKGROUND_SHARE', 'half', /expected a number above 0/],
  ['KAFKA_PARTITIONS', '2147483648', /expected a whole number above 0, at most 2147483647/],
  ['EIGHT_BASE_URL', 'api.8x8.com', /expected a URL/],
  ['EIGHT_BASE_URL', 'https://user:pass@api.8x8.com', /expected a URL .*without user/],
  ['EIGHT_BASE_URL', 'https://api.8x8.com/?x=1', /expected a URL/],
  ['EIGHT_ALLOW_HTTP', 'yes', /expected true or false/],
  ['EIGHT_PBX_IDS', '', /expected PBX names/],
  ['EIGHT_PBX_IDS', 'acme,ACME', /expected PBX names, each once/],
  ['EIGHT_PBX_IDS', 'acme,allpbxes', /"allpbxes" stands alone/],
  ['EIGHT_PBX_IDS', 'a/b', /expected PBX names/],
  ['EIGHT_STREAMS', 'call-logs', /expected of call-legs, call-records/],
  ['EIGHT_CALLER', '1001,', /expected up to 125 extensions/],
  ['KAFKA_BROKERS', 'localhost', /expected host:port/],
  ['KAFKA_TOPIC_OFFSETS', 'no spaces', /expected a topic name/],
  ['KAFKA_COMPRESSION', 'zstd', /none|gzip/],
  ['KAFKA_CLIENT', 'rdkafka', /kafkajs|librdkafka/],
  ['KAFKA_RETENTION', 'long', /"forever" or a time/],
  ['SCHEMA_REGISTRY_URL', 'localhost:8081', /expected a URL/],
  ['CONNECTOR_NAME', 'a b', /expected 1 to 100 letters/],
  ['START_FROM', 'yesterday', /expected an ISO time such as .* or a time back/],
  ['START_FROM', '2026-01-31', /expected an ISO time/],
  ['START_FROM', '2026-01-31T00:00:00', /expected an ISO time/],
  ['START_FROM', '2026-02-31T25:00:00Z', /expected an ISO time/],
  ['HTTP_PORT', '70000', /HTTP_PORT/],
  ['LOG_LEVEL', 'loud', /debug|info/],
];
for (const [env, value, problem] of bad) {
  test(`${env}=${value} is one line with the name, the problem and the cure`, () => {
    const lines = refusal({ [env]: value });
    assert.equal(lines.length, 1, lines.join('\n'));
    assert.match(lines[0]!, new RegExp(`^${env} `));
    assert.match(lines[0]!, problem);
  });
}

test('a bad HTTP_TOKEN is named and never shown', () => {
  for (const value of ['canary-7f3a', `${CANARY} with spaces, and long enough`]) {
    assert.match(refusal({ HTTP_TOKEN: value }).join(), /^HTTP_TOKEN .*16 characters or more, without spaces$/);
  }
});

for (const env of ['EIGHT_API_KEY', 'EIGHT_USERNAME', 'EIGHT_PASSWORD']) {
  test(`a bad ${env} is named and never shown`, () => {
    const lines = refusal({ [env]: `${CANARY}\n-broken` });
    assert.deepEqual(lines.length, 1);
    assert.match(lines[0]!, new RegExp(`^${env} .*without line breaks`));
  });
}

test('several bad values are a line each', () => {
  const lines = refusal({ PACE_SETTLE: 'x', HTTP_PORT: 'y', EIGHT_API_KEY: undefined });
  assert.deepEqual(lines.map((line) => line.split(' ')[0]).toSorted(), ['EIGHT_API_KEY', 'HTTP_PORT', 'PACE_SETTLE']);
});

const crossed: readonly (readonly [change: Environment, line: RegExp])[] = [
  [{ EIGHT_BASE_URL: 'http://example.com' }, /^EIGHT_BASE_URL: must be https.*EIGHT_ALLOW_HTTP=true/],
  [{ EIGHT_CALLER: '1', EIGHT_CALLER_OR_CALLEE: '2' }, /^EIGHT_CALLER_OR_CALLEE: .*not take it together/],
  [{ PACE_OVERLAP: '1s' }, /^PACE_OVERLAP: must be at least 2s/],
  [{ PACE_STEP_MIN: '500ms' }, /^PACE_STEP_MIN: must be at least 1s/],
  [{ PACE_STEP_MIN: '2h', PACE_STEP_MAX: '1h', PACE_LOOKBACK: '9h' }, /^PACE_STEP_MAX: must not be below PACE_STEP_M/],
  [{ PACE_LOOKBACK: '20m', PACE_OVERLAP: '30m' }, /^PACE_LOOKBACK: must not be below PACE_OVERLAP/],
  [{ PACE_LOOKBACK: '11m' }, /^PACE_LOOKBACK: must be above PACE_SWEEP_EVERY \+ PACE_STEP_MIN/],
  [{ PACE_LOOKBACK: 'auto', PACE_LOOKBACK_MIN: '11m' }, /^PACE_LOOKBACK_MIN: must be above PACE_SWEEP_EVERY \+/],
  [{ PACE_LOOKBACK: 'auto', PACE_OVERLAP: '31m' }, /^PACE_LOOKBACK_MIN: must not be below PACE_OVERLAP/],
  [{ PACE_LOOKBACK: 'auto', PACE_LOOKBACK_MAX: '29m' }, /^PACE_LOOKBACK_MAX: must not be below PACE_LOOKBACK_MIN/],
  [{ PACE_LAG_MAX: '3m' }, /^PACE_LAG_MAX: must be above PACE_SETTLE \+ PACE_STEP_MIN/],
  [{ PACE_LAG_MAX: '31m', PACE_SETTLE: 'auto' }, /^PACE_LAG_MAX: must be above PACE_SETTLE/],
  [{ PACE_SETTLE: 'auto', PACE_SETTLE_MIN: '31m' }, /^PACE_SETTLE_MAX: must not be below PACE_SETTLE_MIN/],
  [{ PACE_SETTLE_MIN: '1500ms' }, /^PACE_SETTLE_MIN: must be whole seconds/],
  [{ KAFKA_TRANSACTION_TIMEOUT: '1s' }, /^KAFKA_TRANSACTION_TIMEOUT: must be at least 5s/],
  [{ KAFKA_SESSION_TIMEOUT: '25d' }, /^KAFKA_SESSION_TIMEOUT: must be at most 24d/],
  [{ KAFKA_TRANSACTION_TIMEOUT: '25d' }, /^KAFKA_TRANSACTION_TIMEOUT: must be at most 24d/],
  [{ KAFKA_TOPIC_REJECTED: '8x8.offsets' }, /^KAFKA_TOPIC.*a name of its own/],
];
for (const [change, line] of crossed) {
  test(`${Object.entries(change).join(' and ')} do not go together`, () => {
    const lines = refusal(change);
    assert.ok(lines.some((text) => line.test(text)), lines.join('\n'));
  });
}

// A window has whole seconds, and the loop would turn without rest for the part of one that a step leaves over.
for (const env of ['PACE_STEP_MIN', 'PACE_STEP_MAX', 'PACE_OVERLAP']) {
  test(`${env} must be whole seconds`, () => {
    const lines = refusal({ PACE_STEP_MAX: '2h', [env]: '90500ms' });
    assert.ok(lines.some((line) => line.startsWith(env)), lines.join('\n'));
  });
}

test('http is allowed to this machine, and to others only on purpose', () => {
  for (const host of ['localhost', '127.0.0.1:8080', '[::1]']) load({ EIGHT_BASE_URL: `http://${host}/x` });
  load({ EIGHT_BASE_URL: 'http://example.com', EIGHT_ALLOW_HTTP: 'true' });
});

const misplaced: readonly (readonly [text: string, line: RegExp])[] = [
  ['{ "pace": { "settel": "5m" } }', /: "pace.settel" is not a setting$/],
  ['{ "paces": { "settleMs": "5m" } }', /: "paces" is not a group of settings$/],
  ['{ "paces": {} }', /: "paces" is not a group of settings$/],
  ['{ "__proto__": { "settleMs": "5m" } }', /: "__proto__" is not a group of settings$/],
  ['{ "pace": "5m" }', /: pace must be an object with settings$/],
  ['{ "pace": { "settleMs": { "toString": 1 } } }', /: pace.settleMs must be a value, or a list of texts$/],
  ['{ "kafka": { "brokers": ["a:1", {}] } }', /: kafka.brokers must be a value, or a list of texts$/],
  ['null', /: must be an object with groups of settings$/],
  ['["pace"]', /: must be an object with groups of settings$/],
  [`"${'x'.repeat(1_000_000)}"`, /: must be an object with groups of settings$/],
  [`{ "source": "${CANARY}" }`, /: source must be an object with settings$/],
  [`{ "source": { "password": "${CANARY}" }, "source.password.x": {} }`, /: "source.password.x" is not a group/],
  ['{ "kafka": { "topicRejected": 5 } }', /^KAFKA_TOPIC_REJECTED .*expected a topic name/],
  ['{ "source": { "caller": 101 } }', /^EIGHT_CALLER .*expected up to 125 extensions/],
];
for (const [text, line] of misplaced) {
  test(`a file with ${text.slice(0, 60)} is refused by the name at fault, and no secret is shown`, () => {
    const lines = refusal({}, [file('misplaced.json', text)]);
    assert.equal(lines.length, 1);
    assert.match(lines[0]!, line);
  });
}

test('a file that is no config at all, or a value without end, does not fill the screen', () => {
  const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`name${index}${'x'.repeat(1_000)}`, 1]));
  for (const values of [many, { pace: many }, { pace: { settleMs: 'x'.repeat(10_000) } }]) {
    assert.ok(refusal({}, [file('endless.json', JSON.stringify(values))]).join('\n').length < 10_000);
  }
});

test('a list in a file is the same as its parts separated by commas', () => {
  const lists = file('lists.json', '{ "source": { "pbxIds": ["acme", "initech+Globex"] } }');
  assert.deepEqual(load({ EIGHT_PBX_IDS: undefined }, [lists]).source.pbxIds, ['acme', 'Globex,initech']);
});

test('files are read in order, the environment wins, and notes are notes', () => {
  const one = file('one.json', '{ "//": "a note", "pace": { "// a": "b", "settleMs": "3m", "overlapMs": "90s" } }');
  const two = file('two.json', '{ "pace": { "settleMs": "4m" } }');
  assert.equal(load({}, [one, two]).pace.settleMs, 240_000);
  assert.equal(load({ PACE_SETTLE: '5m' }, [one, two]).pace.settleMs, 300_000);
  assert.equal(load({}, [one, two]).pace.overlapMs, 90_000);
});

test('a file that is missing or no JSON is named', () => {
  assert.match(refusal({}, [join(folder, 'absent.json')]).join('\n'), /absent\.json/);
  refusal({}, [file('broken.json', '{ "pace": ')]);
  const quoted = file('quoted.json', `{ "source": { "password": ${CANARY} } }`);
  assert.match(refusal({}, [quoted]).join('\n'), /quoted\.json is not JSON/);
  assert.match(refusal({}, [join(folder, 'nowhere.json')]).join('\n'), /nowhere\.json cannot be read \(ENOENT\)/);
});

test('a bad secret in a file is not shown', () => {
  const secret = file('secret.json', `{ "source": { "password": "${CANARY}\\n" } }`);
  const lines = refusal({ EIGHT_PASSWORD: undefined }, [secret]);
  assert.match(lines[0]!, /^EIGHT_PASSWORD/);
});

test('a secret comes from the file its _FILE names, and anew each time, for it may be rotated', () => {
  const path = file('password', `${CANARY}-first\n`);
  const config = load({ EIGHT_PASSWORD: undefined, EIGHT_PASSWORD_FILE: path });
  assert.equal(config.credentials().password, `${CANARY}-first`);
  file('password', `${CANARY}-second\n`);
  assert.equal(config.credentials().password, `${CANARY}-second`);
  assert.equal(config.credentials().apiKey, `${CANARY}-key`);
});

test('a secret that is set twice is refused, one whose file is missing or empty as well', () => {
  assert.deepEqual(refusal({ EIGHT_PASSWORD_FILE: '/dev/null' }),
    ['EIGHT_PASSWORD and EIGHT_PASSWORD_FILE are both set: keep one']);
  assert.match(refusal({ EIGHT_PASSWORD: undefined, EIGHT_PASSWORD_FILE: join(folder, 'absent') })[0]!,
    /^EIGHT_PASSWORD_FILE: .*absent cannot be read: ENOENT/);
  assert.match(refusal({ EIGHT_PASSWORD: undefined, EIGHT_PASSWORD_FILE: file('empty', '\n') })[0]!, /^EIGHT_PASSWORD/);
});

const now = Date.parse('2026-03-01T12:00:00.750Z');
const origins: readonly (readonly [startFrom: string, origin: string])[] = [
  ['24h', '2026-02-28T12:00:00.000Z'],
  ['90s', '2026-03-01T11:58:30.000Z'],
  ['0s', '2026-03-01T12:00:00.000Z'],
  ['2026-01-31T00:00:00Z', '2026-01-31T00:00:00.000Z'],
  ['2026-01-31T00:00:00.999+02:00', '2026-01-30T22:00:00.000Z'],
  ['2020-01-01T00:00:00Z', '2020-01-01T00:00:00.000Z'], // beyond what 8x8 keeps: the feed tells of it
  ['800d', '2023-12-22T12:00:00.000Z'],
];
for (const [startFrom, origin] of origins) {
  test(`START_FROM=${startFrom} begins on a whole second at ${origin}`, () => {
    load({ START_FROM: startFrom });
    assert.equal(new Date(originMs(startFrom, now)).toISOString(), origin);
  });
}

for (const startFrom of ['2026-03-01T12:00:01Z', '1969-12-31T23:59:59Z', '30000d']) {
  test(`START_FROM=${startFrom} lies in the future or before 1970`, () => {
    assert.throws(() => originMs(startFrom, now), (error) =>
      error instanceof ConnectorError && error.code === 'CONFIG_INVALID' && error.message.startsWith('START_FROM: '));
  });
}

test('several PBXs in one request are joined with +, and become what 8x8 takes', () => {
  assert.deepEqual(load({ EIGHT_PBX_IDS: 'acme, globex+initech ,' }).source.pbxIds, ['acme', 'globex,initech']);
});

test('a group of PBXs is the same group in another order', () => {
  assert.deepEqual(load({ EIGHT_PBX_IDS: 'initech, globex+Acme' }).source.pbxIds, ['initech', 'Acme,globex']);
});
