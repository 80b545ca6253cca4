import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { loadConfig, type Config, type Environment } from '../src/config.ts';
import { ConnectorError } from '../src/errors.ts';
import { planReading } from '../src/reading.ts';

const NOW_MS = Date.parse('2026-03-01T12:00:00Z');
const KEY = 'canary-key-canary-key-canary-key';
const load = (change: Environment = {}): Config => loadConfig([], {
  EIGHT_API_KEY: 'k', EIGHT_USERNAME: 'u', EIGHT_PASSWORD: 'p', EIGHT_PBX_IDS: 'acme',
  KAFKA_BROKERS: 'localhost:9092', SCHEMA_REGISTRY_URL: 'http://localhost:8081', ...change,
});
const strict = { PRIVACY_PRESET: 'strict', PRIVACY_KEY: KEY };

function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof ConnectorError && error.code === 'CONFIG_INVALID', String(error));
    assert.doesNotMatch(error.message, /canary/);
    return error.message;
  }
  return assert.fail('it was accepted');
}

const bad: readonly (readonly [change: Environment, line: RegExp])[] = [
  [{ PRIVACY_PRESET: 'strictest' }, /^PRIVACY_PRESET .*off.*standard.*strict/],
  [{ PRIVACY_PRESET: 'strict' }, /^PRIVACY_KEY is missing, .*; set it, or PRIVACY_KEY_FILE .*openssl/],
  [{ PRIVACY_CALL_RECORDS: 'caller=hmac' }, /^PRIVACY_KEY is missing, and caller of call-records shall be a pseudonym/],
  [{ PRIVACY_CALL_LEGS: 'calerName=drop' }, /^PRIVACY_CALL_LEGS: "calerName" is no field of call-legs .* those are .*/],
  [{ PRIVACY_CALL_RECORDS: 'lra=drop' }, /^PRIVACY_CALL_RECORDS: "lra" is no field of call-records/],
  [{ PRIVACY_CALL_LEGS: 'caller=hide' }, /^PRIVACY_CALL_LEGS: "hide" is no action; use keep, drop,/],
  [{ PRIVACY_KEY: 'canary' }, /^PRIVACY_KEY .*32 characters or more, without spaces$/],
  [{ PRIVACY_KEY_ID: 'a b' }, /^PRIVACY_KEY_ID .*expected 1 to 40 letters/],
  [{ PRIVACY_RETIRED_KEY_IDS: '1,,2' }, /^PRIVACY_RETIRED_KEY_IDS .*expected names of keys/],
  [{ PRIVACY_KEY_ID: '2', PRIVACY_RETIRED_KEY_IDS: '1,2' }, /^PRIVACY_KEY_ID: 2 is in PRIVACY_RETIRED_KEY_IDS; give/],
  [{ PRIVACY_PRESET: 'standard', REJECTED_PAYLOAD: 'true' }, /^REJECTED_PAYLOAD: a bad row would be published/],
];
for (const [change, line] of bad) {
  test(`${JSON.stringify(change)} stops the start with name, problem and cure`, () => {
    const lines = refusal(() => load(change)).split('\n');
    assert.equal(lines.length, 1, lines.join('\n'));
    assert.match(lines[0]!, line);
  });
}

test('standard needs no key, and what is kept makes dead letters with payload possible', () => {
  load({ PRIVACY_PRESET: 'standard' });
  load({ REJECTED_PAYLOAD: 'true', PRIVACY_CALL_LEGS: 'caller=keep' });
});

test('feeds have the streams of their policy, one for all PBXs, and nobody can print the key', () => {
  const config = load({ ...strict, EIGHT_PBX_IDS: 'acme,globex', PRIVACY_CALL_LEGS: 'caller=keep' });
  const { feeds } = planReading(config, () => NOW_MS).current();
  assert.equal(new Set(feeds.map(({ stream }) => stream)).size, 2);
  const row = { pbxId: 'acme', callId: '1', legId: '1', disconnectedTimeUTC: 1, caller: '+1', callee: '+2', dnis: '3' };
  const context = { pbxId: 'acme', window: { from: 0, to: 1 }, observedAtMs: 1 };
  const [legs, records] = ['call-legs', 'call-records'].map((name) =>
    feeds.find(({ stream }) => stream.name === name)!.stream.toEvent(row, context).value);
  assert.deepEqual([legs!['caller'], legs!['callee']], ['+1', records!['callee']]);
  assert.match(String(records!['caller']), /^[\w-]{22}$/);
  assert.doesNotMatch(`${JSON.stringify(config)}${inspect(config, { depth: 9, showHidden: true })}`, /canary/);
});

test('a policy, a key and its name change with a restart only', () => {
  const { reload } = planReading(load(strict), () => NOW_MS);
  const more = { EIGHT_PBX_IDS: 'acme,globex' };
  const other = { ...strict, ...more, PRIVACY_KEY: KEY.toUpperCase() };
  assert.match(refusal(() => reload(load(other))), /^PRIVACY_KEY: changed; only a restart/);
  assert.match(refusal(() => reload(load({ ...strict, ...more, PRIVACY_KEY_ID: '2' }))), /^PRIVACY_KEY_ID: changed/);
  assert.match(refusal(() => reload(load(more))), /^PRIVACY_PRESET, PRIVACY_KEY: changed/);
  assert.equal(reload(load({ ...strict, ...more })).added.length, 2);
});
