import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { loadConfig } from '../../src/config.ts';
import { systemClock } from '../../src/clock.ts';
import type { Check } from '../../src/doctor/check.ts';
import {
  accessCheck, checkEight, clockCheck, filterVerdict, lastingRecord, loginChecks, pageSizeCheck, type EightProbe,
} from '../../src/doctor/eight.ts';
import { ConnectorError } from '../../src/errors.ts';
import { openSource } from '../../src/parts.ts';
import type { SimulatorSettings } from '../../src/simulator/options.ts';
import { CANARIES } from '../../src/simulator/people.ts';
import { startSimulator } from '../../src/simulator/work-analytics.ts';
import { CredentialRefused } from '../../src/source/refusals.ts';
import { streams } from '../../src/streams/index.ts';

// Goal: what is wrong at 8x8 is named, with its cure, and nothing else is. Method: the simulator with each of its
// switches, and tables of what a probe may see.

interface Account {
  readonly simulator?: SimulatorSettings;
  readonly settings?: Readonly<Record<string, string>>;
}

type Checks = ReadonlyMap<string, Check>;

/** Checks by name, as of a doctor who is asked now. */
async function examine(t: TestContext, { simulator = {}, settings = {} }: Account): Promise<Checks> {
  const account = await startSimulator({
    pbxIds: ['acme', 'globex'], callsPerHour: 200, historyMs: 24 * 3_600_000, ...simulator,
  });
  t.after(() => account.close());
  const config = loadConfig([], {
    EIGHT_BASE_URL: account.url, EIGHT_API_KEY: account.options.apiKey, EIGHT_USERNAME: account.options.username,
    EIGHT_PASSWORD: account.options.password, EIGHT_PBX_IDS: 'acme,globex', EIGHT_REQUESTS_PER_MINUTE: '6000',
    KAFKA_BROKERS: 'none:0', SCHEMA_REGISTRY_URL: 'http://none', ...settings,
  });
  let last: ReturnType<EightProbe['last']>;
  const source = openSource(config, systemClock, (request) => (last = request));
  const probe: EightProbe = { check: source.check, firstPage: source.firstPage, last: () => last };
  const { pbxIds, pageSize } = config.source;
  const checks: Check[] = [];
  for await (const check of checkEight({ pbxIds, streams, pageSize }, probe, Date.now(), t.signal)) checks.push(check);

  const said = JSON.stringify(checks);
  const { apiKey, username, password } = config.credentials();
  for (const canary of [...Object.values(CANARIES), apiKey, username, password]) {
    assert.ok(!said.includes(canary), `nothing of a person and no secret is told: ${canary}`);
  }
  return new Map(checks.map((check) => [check.name, check]));
}

function statesOf(checks: Checks): Readonly<Record<string, string>> {
  return Object.fromEntries([...checks].map(([name, { state }]) => [name, state]));
}

const WELL = {
  'connection': 'ok', 'clock': 'ok', 'api-key': 'ok', 'user': 'ok', 'pbx acme': 'ok', 'pbx globex': 'ok',
  'access': 'ok', 'page-size': 'ok', 'records-filter': 'ok',
};
const NO_TOKEN = {
  'pbx acme': 'skipped', 'pbx globex': 'skipped', 'access': 'skipped', 'page-size': 'skipped',
  'records-filter': 'skipped',
};

test('an account that is well is told to be', async (t) => {
  assert.deepEqual(statesOf(await examine(t, {})), WELL);
});

const wrong: readonly (Account & {
  readonly name: string; readonly states: Readonly<Record<string, string>>; readonly says: readonly [string, RegExp];
})[] = [
  {
    name: 'an API key that is refused', settings: { EIGHT_API_KEY: 'eght_wrong_key' },
    states: { ...WELL, ...NO_TOKEN, 'api-key': 'failed', 'user': 'skipped' },
    says: ['api-key', /EIGHT_API_KEY = the Key/],
  },
  {
    name: 'a user who is unknown, or never opened Analytics', settings: { EIGHT_USERNAME: 'nobody@example.com' },
    states: { ...WELL, ...NO_TOKEN, 'user': 'failed' }, says: ['user', /must open Analytics for 8x8 Work once/],
  },
  {
    name: 'a password that is refused', settings: { EIGHT_PASSWORD: 'wrong-word' },
    states: { ...WELL, ...NO_TOKEN, 'user': 'failed' }, says: ['user', /EIGHT_USERNAME and EIGHT_PASSWORD/],
  },
  {
    name: 'a clock that is wrong', simulator: { dateSkewMs: 40_000 },
    states: { ...WELL, 'clock': 'warning' }, says: ['clock', /(39|40) s behind .* by NTP/],
  },
  {
    name: 'a PBX that the user may not read', simulator: { forbiddenPbxIds: ['globex'] },
    states: { ...WELL, 'pbx globex': 'failed' }, says: ['pbx globex', /Analytics: Supervisor/],
  },
  {
    name: 'a user without licence or role', simulator: { forbiddenPbxIds: ['acme', 'globex'] },
    states: {
      ...WELL, 'pbx acme': 'failed', 'pbx globex': 'failed', 'access': 'failed', 'page-size': 'skipped',
      'records-filter': 'skipped',
    },
    says: ['access', /needs a licence with Analytics/],
  },
  {
    name: 'the other form of that refusal', simulator: { forbiddenPbxIds: ['globex'], forbiddenForm: '400-category' },
    states: { ...WELL, 'pbx globex': 'failed' }, says: ['pbx globex', /Analytics: Supervisor/],
  },
  {
    name: 'a page size that is too large',
    simulator: { pageSizeRule: 'must-be-50' }, settings: { EIGHT_PAGE_SIZE: '1000' },
    states: { ...WELL, 'page-size': 'failed' }, says: ['page-size', /up to 50 rows.*Set EIGHT_PAGE_SIZE to 50/],
  },
  {
    name: 'call records that are shown by their start', simulator: { windowRules: { recordsFilter: 'start' } },
    states: { ...WELL, 'records-filter': 'warning' }, says: ['records-filter', /by their start.*PACE_LOOKBACK/],
  },
  {
    name: 'an account without a call', simulator: { callsPerHour: 0.001, historyMs: 1_000 },
    states: { ...WELL, 'records-filter': 'skipped' }, says: ['records-filter', /no call of a few seconds/],
  },
];
for (const { name, states, says: [of, text], ...account } of wrong) {
  test(name, async (t) => {
    const checks = await examine(t, account);
    assert.deepEqual(statesOf(checks), states);
    const { found, cure = '' } = checks.get(of)!;
    assert.match(`${found} ${cure}`, text);
  });
}

test('a host that does not answer fails the connection, and nothing else is judged', async (t) => {
  const checks = await examine(t, { settings: { EIGHT_BASE_URL: 'http://127.0.0.1:9/analytics/work' } });
  assert.deepEqual(statesOf(checks), {
    ...NO_TOKEN, 'connection': 'failed', 'clock': 'skipped', 'api-key': 'skipped', 'user': 'skipped',
  });
});

test('credentials that cannot even be sent are named, and no other is blamed', () => {
  const states = (error: ConnectorError): unknown =>
    loginChecks(error, undefined).map(({ name, state }) => [name, state]);
  const sent = [['connection', 'skipped'], ['clock', 'skipped']];
  assert.deepEqual(states(new CredentialRefused('api-key', 'EIGHT_API_KEY is empty; cure: write it again')),
    [...sent, ['api-key', 'failed'], ['user', 'skipped']]);
  assert.deepEqual(states(new CredentialRefused('user', 'EIGHT_USERNAME is empty; cure: write it again')),
    [...sent, ['api-key', 'skipped'], ['user', 'failed']]);
});

test('a clock is judged by what the answer says, if it says anything', () => {
  const states = [0, 5_000, -5_000, 5_001, -5_001, undefined].map((aheadMs) => clockCheck(aheadMs).state);
  assert.deepEqual(states, ['ok', 'ok', 'ok', 'warning', 'warning', 'skipped']);
  assert.match(clockCheck(60_000).found, /60 s ahead of/);
});

test('licence and role are to blame only where each PBX is refused', () => {
  const refused = new ConnectorError('SOURCE_PBX_REFUSED', '');
  const broken = new ConnectorError('SOURCE_UNAVAILABLE', '');
  const state = (...errors: (ConnectorError | undefined)[]): string =>
    accessCheck(errors.map((error, at) => ({ pbxId: String(at), error }))).state;
  assert.deepEqual([state(undefined, refused), state(refused, refused), state(refused, broken), state(broken)],
    ['ok', 'failed', 'skipped', 'skipped']);
});

test('a page size is wrong only if 8x8 grants less', () => {
  const state = (...sizes: Parameters<typeof pageSizeCheck>): string => pageSizeCheck(...sizes).state;
  assert.deepEqual([state(7_000, 7_000), state(1_000, 50), state(50, 'auto'), state(50, 51), state(undefined, 'auto')],
    ['ok', 'ok', 'ok', 'failed', 'failed']);
});

test('by which time call records are shown is told only if one of them tells', () => {
  const state = (byStart: boolean, byEnd: boolean): string => filterVerdict(byStart, byEnd).state;
  assert.deepEqual([state(false, true), state(true, false), state(true, true), state(false, false)],
    ['ok', 'warning', 'warning', 'warning']);
  assert.notEqual(filterVerdict(true, true).found, filterVerdict(true, false).found);
});

test('a record tells only if its start and its end lie in seconds apart', () => {
  const rows = [[1_000, 3_999], [1_999, 4_000], [0, 9_000]].map(([startTimeUTC, disconnectedTimeUTC], callId) =>
    ({ callId, startTimeUTC, disconnectedTimeUTC }));
  assert.equal(lastingRecord(rows)?.callId, 1);
  assert.equal(lastingRecord(rows.slice(0, 1)), undefined);
  assert.equal(lastingRecord([{}]), undefined);
});
