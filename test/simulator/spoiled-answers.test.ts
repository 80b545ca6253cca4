import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAULT_KINDS } from '../../src/simulator/faults.ts';
import type { FaultKind } from '../../src/simulator/faults.ts';
import { hours, NOON, withSimulator } from './fixtures.ts';
import type { Caller, Json, PageJson } from './fixtures.ts';

/**
 * Method: take a first page without faults, switch one kind on for every request, ask for the second page.
 * Goal: the fault is what it says it is, and it is counted.
 */
async function withFault(
  kind: FaultKind, check: (caller: Caller, first: PageJson, ask: () => Promise<Response>) => Promise<void>,
): Promise<void> {
  const faults = { probabilities: { [kind]: 1 }, hangMs: 5, slowBodyMs: 5 };
  await withSimulator({ faults, pbxIds: ['acme'] }, async (caller) => {
    caller.simulator.setFaults(false);
    const first = await caller.page('call-legs');
    caller.simulator.setFaults(true);
    await check(caller, first, () => caller.get('call-legs', { scrollId: first.meta.scrollId! }));
    assert.ok((caller.simulator.stats().faults[kind] ?? 0) > 0);
  });
}

const keyOf = (row: Json): string => `${String(row.pbxId)}/${String(row.callId)}/${String(row.legId)}`;
const keysOf = (page: PageJson): readonly string[] => page.data.map(keyOf);
const served = (caller: Caller): number => caller.simulator.stats().rowsServed;

const checks: Record<FaultKind, Parameters<typeof withFault>[1]> = {
  'throttled': async (_caller, _first, ask) => {
    const response = await ask();
    assert.equal(response.status, 429);
    assert.equal(response.headers.get('retry-after'), '2');
  },
  'server-error': async (_caller, _first, ask) => {
    const response = await ask();
    assert.ok([500, 502, 503].includes(response.status));
    assert.match(await response.text(), /^<html>/);
  },
  'hang': async (caller, _first, ask) => {
    await assert.rejects(ask());
    assert.equal(caller.simulator.stats().requests.none, 1);
  },
  'cut': async (caller, _first, ask) => {
    const response = await ask();
    assert.equal(response.status, 200);
    await assert.rejects(response.text());
    assert.equal(served(caller), 50);
  },
  'truncated': async (caller, _first, ask) => {
    const text = await (await ask()).text();
    assert.match(text, /^\{"meta":/);
    assert.throws(() => JSON.parse(text), SyntaxError);
    assert.equal(served(caller), 50);
  },
  'html': async (_caller, _first, ask) => {
    const response = await ask();
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type')!, /text\/html/);
  },
  'wrong-content-type': async (_caller, _first, ask) => {
    const response = await ask();
    assert.match(response.headers.get('content-type')!, /text\/html/);
    assert.equal((await response.json() as PageJson).data.length, 50);
  },
  'token-expired': async (caller, _first, ask) => {
    const response = await ask();
    assert.equal(response.status, 401);
    assert.match(await response.text(), /Access token expired: /);
    caller.simulator.setFaults(false);
    assert.equal((await ask()).status, 401, 'it is dead');
    await caller.login();
    assert.equal((await ask()).status, 200);
  },
  'token-revoked': async (_caller, _first, ask) => {
    const response = await ask();
    assert.equal(response.status, 401);
    assert.match(await response.text(), /Cannot convert access token to JSON/);
  },
  'repeated-page': async (_caller, first, ask) => {
    assert.deepEqual(await (await ask()).json(), first);
  },
  'outside-rows': async (_caller, _first, ask) => {
    const page = await (await ask()).json() as PageJson;
    const outside = page.data.filter((row) =>
      (row.disconnectedTimeUTC as number) < NOON - hours(2) || (row.disconnectedTimeUTC as number) > NOON);
    assert.ok(outside.length > 0 && page.data.length === 50 + outside.length);
  },
  'damaged-row': async (caller, first, ask) => {
    const damaged = await (await ask()).json() as PageJson;
    caller.simulator.setFaults(false);
    const good = await (await ask()).json() as PageJson;
    const differing = good.data.filter((row, index) => JSON.stringify(row) !== JSON.stringify(damaged.data[index]));
    assert.equal(differing.length, 1);
    const entries = caller.simulator.ledger.entries({ report: 'call-legs', fromMs: 0, toMs: NOON, nowMs: NOON });
    const [entry] = entries.filter(({ timesDamaged }) => timesDamaged > 0);
    assert.equal(entry!.key, keyOf(differing[0]!));
    assert.deepEqual([entry!.timesDamaged, entry!.timesServed, entry!.poison], [1, 1, false]);
    assert.equal(served(caller), first.data.length + 49 + 50);
  },
  'duplicate-rows': async (_caller, first, ask) => {
    const keys = keysOf(await (await ask()).json() as PageJson);
    assert.deepEqual(keys.slice(0, 3), keysOf(first).slice(-3));
    assert.ok(new Set(keys).size < keys.length);
  },
  'wrong-count': async (_caller, first, ask) => {
    assert.notEqual((await (await ask()).json() as PageJson).meta.totalRecordCount, first.meta.totalRecordCount);
  },
  'slow-body': async (_caller, _first, ask) => {
    assert.equal((await (await ask()).json() as PageJson).data.length, 50);
  },
  'scroll-expired': async (_caller, _first, ask) => {
    assert.equal((await ask()).status, 400);
  },
  'empty-page': async (_caller, _first, ask) => {
    assert.deepEqual(await (await ask()).json(), { meta: { totalRecordCount: 0, scrollId: 'No Data' }, data: [] });
  },
  'foreign-row': async (_caller, _first, ask) => {
    const page = await (await ask()).json() as PageJson;
    assert.equal(page.data.filter((row) => row.pbxId !== 'acme').length, 1);
  },
  'redirect': async (_caller, _first, ask) => {
    const response = await ask();
    assert.equal(response.status, 302);
    assert.equal(response.headers.get('location'), 'http://elsewhere.invalid/');
  },
};

for (const kind of FAULT_KINDS) test(`fault: ${kind}`, () => withFault(kind, checks[kind]));

test('the token endpoint has faults, too', () =>
  withSimulator({ faults: { probabilities: { 'server-error': 1 } } }, async (caller) => {
    assert.ok((await caller.login()).status >= 500);
  }));
