import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changedSettings, loadConfig, type Environment } from '../src/config.ts';

const needed: Environment = {
  EIGHT_API_KEY: 'key', EIGHT_USERNAME: 'user', EIGHT_PASSWORD: 'password', EIGHT_PBX_IDS: 'acme',
  KAFKA_BROKERS: 'localhost:9092', SCHEMA_REGISTRY_URL: 'http://localhost:8081',
};
const MINUTE = 60_000;
const autos: readonly { name: string; given: Environment; begins: readonly number[]; bounds?: readonly number[] }[] = [
  { name: 'both are given', given: {}, begins: [2, 120] },
  { name: 'both are found', given: { PACE_SETTLE: 'auto', PACE_LOOKBACK: 'auto' }, begins: [2, 120],
    bounds: [1 / 6, 30, 30, 1_440] },
  { name: 'settle is found, and the lookback stays', given: { PACE_SETTLE: 'auto', PACE_LOOKBACK: '3h' },
    begins: [2, 180], bounds: [1 / 6, 30, 180, 180] },
  { name: 'the default is out of bounds', begins: [1, 180], bounds: [0, 1, 180, 240],
    given: { PACE_SETTLE: 'auto', PACE_SETTLE_MIN: '0s', PACE_SETTLE_MAX: '1m', PACE_LOOKBACK: 'auto',
      PACE_LOOKBACK_MIN: '3h', PACE_LOOKBACK_MAX: '4h' } },
];
for (const { name, given, begins, bounds } of autos) {
  test(`settle and lookback have a beginning and bounds when ${name}`, () => {
    const { pace, auto } = loadConfig([], { ...needed, ...given });
    assert.deepEqual([pace.settleMs / MINUTE, pace.lookbackMs / MINUTE], begins);
    const found = auto && [auto.settleMinMs, auto.settleMaxMs, auto.lookbackMinMs, auto.lookbackMaxMs];
    assert.deepEqual(found?.map((ms) => ms / MINUTE), bounds);
    if (auto !== undefined) assert.deepEqual(auto.pace, pace);
  });
}

const changes: readonly (readonly [given: Environment, changed: readonly string[]])[] = [
  [{ PACE_SETTLE: 'auto' }, ['PACE_SETTLE']],
  [{ PACE_SETTLE: 'auto', PACE_LOOKBACK: 'auto' }, ['PACE_SETTLE', 'PACE_LOOKBACK']],
  [{ PACE_SETTLE_MIN: '11s' }, ['PACE_SETTLE_MIN']],
  [{ PACE_LOOKBACK: '3h' }, ['PACE_LOOKBACK']],
  [{}, []],
];
for (const [given, changed] of changes) {
  test(`a reload is told that ${changed.join(' and ') || 'nothing'} has changed`, () => {
    assert.deepEqual(changedSettings(loadConfig([], needed), loadConfig([], { ...needed, ...given })), changed);
  });
}
