import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LedgerEntry } from '../../src/simulator/ledger.ts';
import { startSimulator } from '../../src/simulator/work-analytics.ts';
import type { Stats } from '../../src/simulator/world.ts';
import { Caller, hours, minutes, NOON, withSimulator } from './fixtures.ts';
import type { Json } from './fixtures.ts';

async function readLedger(caller: Caller, report: string, more = ''): Promise<readonly LedgerEntry[]> {
  const { origin } = caller.simulator;
  const window = `from=${NOON - hours(2)}&to=${NOON}`;
  const response = await fetch(`${origin}/simulator/ledger?report=${report}&${window}${more}`);
  assert.match(response.headers.get('content-type')!, /ndjson/);
  return (await response.text()).trim().split('\n').map((line) => JSON.parse(line) as LedgerEntry);
}

test('the ledger lists what can be read, and what of it was read', () =>
  withSimulator({ lateShare: 0.3, lateMaxMs: hours(1), poisonShare: 0.05 }, async (caller, clock) => {
    const before = await readLedger(caller, 'call-legs');
    assert.ok(before.length > 100 && before.every((entry) => entry.firstServedMs === null && entry.timesServed === 0));

    clock.pass(5_000);
    const [page] = await caller.scroll('call-legs', { pbxId: 'acme' });
    clock.pass(5_000);
    await caller.page('call-legs', { pbxId: 'acme', startTime: '2026-05-01 10:00:10', endTime: '2026-05-01 12:00:10' });
    const after = await readLedger(caller, 'call-legs', '&rows=true');
    for (const entry of after) {
      assert.ok(entry.disconnectedTimeUTC >= NOON - hours(2) && entry.disconnectedTimeUTC < NOON);
      assert.ok(entry.visibleFromMs <= NOON + 10_000 && entry.visibleFromMs >= entry.disconnectedTimeUTC);
      if (entry.pbxId === 'globex') assert.equal(entry.timesServed, 0);
      assert.equal(entry.firstServedMs === null, entry.timesServed === 0);
      if (entry.firstServedMs !== null) assert.ok(entry.firstServedMs >= Math.max(NOON + 5_000, entry.visibleFromMs));
      // The whole window was scrolled through at five past, so what could be read then has been.
      const inTime = entry.pbxId === 'acme' && entry.visibleFromMs <= NOON + 5_000;
      if (inTime) assert.equal(entry.firstServedMs, NOON + 5_000);
      assert.equal(entry.poison, isPoison(entry.row!));
    }
    assert.ok(after.some((entry) => entry.poison));
    const byRow = new Map(after.map((entry) => [JSON.stringify(entry.row), entry]));
    const firstOnPage = page!.data.map((row) => byRow.get(JSON.stringify(row))).filter((entry) => entry !== undefined);
    assert.ok(firstOnPage.length > 40 && firstOnPage.every((entry) => entry.firstServedMs === NOON + 5_000));
  }));

function isPoison(row: Json): boolean {
  return typeof row.callId !== 'string' || typeof row.disconnectedTimeUTC !== 'number'
    || typeof row.talkTimeMS !== 'number';
}

test('the ledger counts each revision of a row', () =>
  withSimulator({ revisedShare: 1, revisedMaxMs: minutes(30), pbxIds: ['acme'] }, async (caller, clock) => {
    const window = { startTime: '2026-05-01 10:00:00', endTime: '2026-05-01 12:00:00', pageSize: '7000' };
    await caller.page('call-records', window);
    clock.pass(hours(2));
    await caller.login();
    await caller.page('call-records', window);
    await caller.page('call-records', window);
    const entries = await readLedger(caller, 'call-records');
    for (const { revisions, timesServed, disconnectedTimeUTC } of entries) {
      assert.ok(revisions.length >= 2);
      assert.equal(revisions.reduce((sum, revision) => sum + revision.timesServed, 0), timesServed);
      if (disconnectedTimeUTC < NOON - minutes(1)) assert.equal(timesServed, 3);
      assert.ok(revisions.at(-1)!.timesServed >= 2);
    }
    assert.ok(entries.some(({ revisions }) => revisions[0]!.timesServed === 1));
  }));

test('the ledger holds every content of a revised row, if asked for', () =>
  withSimulator({ revisedShare: 1, pbxIds: ['acme'] }, async (caller, clock) => {
    clock.pass(hours(2));
    for (const { revisions, row } of await readLedger(caller, 'call-legs', '&rows=true')) {
      const contents = revisions.map((revision) => JSON.stringify(revision.row));
      assert.equal(new Set(contents).size, revisions.length);
      assert.equal(contents.at(-1), JSON.stringify(row));
    }
    assert.ok((await readLedger(caller, 'call-legs')).every(({ revisions }) => revisions.every(({ row }) => !row)));
  }));

test('the ledger tells when a good row was shown damaged', () =>
  withSimulator({ pbxIds: ['acme'], faults: { probabilities: { 'damaged-row': 1 } } }, async (caller, clock) => {
    clock.pass(5_000);
    await caller.page('call-legs');
    const damaged = (await readLedger(caller, 'call-legs')).filter(({ timesDamaged }) => timesDamaged > 0);
    assert.deepEqual(damaged.map(({ lastDamagedMs }) => lastDamagedMs), [NOON + 5_000]);
  }));

test('what the ledger knows outlives the memory of the rows', () =>
  withSimulator({ rowsCachedMax: 1, pbxIds: ['acme'] }, async (caller) => {
    await caller.scroll('call-legs', { pageSize: '100' });
    assert.ok((await readLedger(caller, 'call-legs')).every((entry) => entry.timesServed === 1));
  }));

test('stats tell what happened, and faults can be switched while it runs', () =>
  withSimulator({ faults: 'standard', seed: 3 }, async (caller) => {
    const { origin } = caller.simulator;
    const faults = (enabled: unknown): Promise<Response> => fetch(`${origin}/simulator/faults`,
      { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ enabled }) });
    assert.deepEqual(await (await faults(false)).json(), { enabled: false });
    assert.equal((await faults('yes')).status, 400);
    await caller.login();
    for (let turn = 0; turn < 100; turn += 1) assert.equal((await caller.get('call-legs')).status, 200);
    await caller.get('call-legs', { endTime: '2026-05-01 13:00:00', pageSize: '9999' });
    const stats = await (await fetch(`${origin}/simulator/stats`)).json() as Stats;
    assert.deepEqual(stats.faults, {});
    assert.equal(stats.requests['400'], 1);
    assert.equal(stats.rowsServed, 5_000);
    assert.ok(caller.simulator.options.poisonShare > 0, 'standard faults bring poison rows');
  }));

test('the simulator lives on a free port, with defaults for all, and closes while an answer hangs', async () => {
  const simulator = await startSimulator({ faults: { probabilities: { hang: 1 } } });
  assert.match(simulator.url, /^http:\/\/127\.0\.0\.1:\d+\/analytics\/work$/);
  assert.ok(simulator.prepare(Date.now() - hours(1), Date.now()) > 0);
  const hanging = assert.rejects(new Caller(simulator).login());
  for (let turn = 0; turn < 100 && simulator.stats().requests.none === undefined; turn += 1) {
    await fetch(`${simulator.origin}/simulator/stats`);
  }
  await simulator.close();
  await hanging;
});
