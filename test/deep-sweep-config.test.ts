import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changedSettings, loadConfig, type Environment } from '../src/config.ts';
import { ConnectorError } from '../src/errors.ts';

const needed: Environment = {
  EIGHT_API_KEY: 'key', EIGHT_USERNAME: 'user', EIGHT_PASSWORD: 'password', EIGHT_PBX_IDS: 'acme',
  KAFKA_BROKERS: 'localhost:9092', SCHEMA_REGISTRY_URL: 'http://localhost:8081',
};
const HOUR = 3_600_000;
const load = (given: Environment) => loadConfig([], { ...needed, ...given });

const ages: readonly (readonly [given: Environment, hours: readonly number[]])[] = [
  [{}, [24, 168]],
  [{ PACE_DEEP_SWEEPS: 'off' }, []],
  [{ PACE_DEEP_SWEEPS: '2h' }, [2]],
  [{ PACE_DEEP_SWEEPS: ' 30d, 3h ' }, [720, 3]],
  [{ PACE_DEEP_SWEEPS: '24h', PACE_LOOKBACK: 'auto' }, [24]],
];
for (const [given, hours] of ages) {
  test(`deep sweeps of ${JSON.stringify(given)} are at ${hours} hours`, () => {
    assert.deepEqual(load(given).pace.deepSweepsMs, hours.map((age) => age * HOUR));
  });
}

const refusals: readonly (readonly [given: Environment, line: RegExp])[] = [
  [{ PACE_DEEP_SWEEPS: '' }, /^PACE_DEEP_SWEEPS .*expected "off", or times up to 30d, each once/],
  [{ PACE_DEEP_SWEEPS: '24h,1d' }, /expected .* each once/],
  [{ PACE_DEEP_SWEEPS: '24h,31d' }, /expected .* up to 30d/],
  [{ PACE_DEEP_SWEEPS: '24h,off' }, /expected "off", or/],
  [{ PACE_DEEP_SWEEPS: '24' }, /such as "24h,7d"/],
  [{ PACE_DEEP_SWEEPS: '86400500ms' }, /^PACE_DEEP_SWEEPS: must be whole seconds/],
  [{ PACE_DEEP_SWEEPS: '1h,7d' }, /^PACE_DEEP_SWEEPS: no age may be below PACE_LOOKBACK; leave out/],
  [{ PACE_DEEP_SWEEPS: '23h', PACE_LOOKBACK: 'auto' }, /^PACE_DEEP_SWEEPS: no age may be below PACE_LOOKBACK_MAX/],
];
for (const [given, line] of refusals) {
  test(`${JSON.stringify(given)} is refused by the name of the setting`, () => {
    assert.throws(() => load(given), (error: unknown) =>
      error instanceof ConnectorError && error.code === 'CONFIG_INVALID' && line.test(error.message));
  });
}

test('other ages are another setting: only a restart applies them', () => {
  assert.deepEqual(changedSettings(load({}), load({ PACE_DEEP_SWEEPS: '7d' })), ['PACE_DEEP_SWEEPS']);
});
