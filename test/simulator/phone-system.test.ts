import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CANARIES } from '../../src/simulator/people.ts';
import { createPhoneSystem } from '../../src/simulator/phone-system.ts';
import type { PhoneSystemOptions } from '../../src/simulator/phone-system.ts';
import { queryPage } from '../../src/simulator/query.ts';
import type { PageQuery } from '../../src/simulator/query.ts';
import type { Row } from '../../src/simulator/row.ts';
import type { JsonRow, Report } from '../../src/simulator/rows.ts';
import { readFixture } from '../fixtures/read-fixture.ts';
import { hours, minutes, NOON } from './fixtures.ts';

const REPORTS: readonly Report[] = ['call-legs', 'call-records'];

/** All rows of the last hours, unpaged. */
function read(options: Partial<PhoneSystemOptions>, query: Partial<PageQuery> = {}): readonly Row[] {
  const system = createPhoneSystem({ startedAtMs: NOON, pbxIds: ['acme'], ...options });
  return queryPage(system, {
    report: 'call-legs', pbxIds: system.options.pbxIds, fromMs: NOON - hours(24), toMs: NOON, pageSize: 1e9,
    nowMs: NOON, ...query,
  }).rows;
}

const values = (rows: readonly Row[]): readonly JsonRow[] => rows.map((row) => row.value());
const typeOf = (value: unknown): string => value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;

for (const report of REPORTS) {
  test(`a row of ${report} has exactly the documented fields, in order, with the documented types`, () => {
    const { body } = readFixture<{ body: { data: readonly JsonRow[] } }>(report);
    // Nullable though the samples do not show it: API facts, section 2.
    const nullable = new Set(['departments', 'branches', 'parentCallId', 'transferToCallId', 'aaDestination',
      'callerDeviceId', 'calleeDeviceId', 'callerSvcName', 'callerSvcType', 'calleeSvcName']);
    for (const row of values(read({ revisedShare: 0.3 }, { report }))) {
      assert.deepEqual(Object.keys(row), Object.keys(body.data[0]!));
      for (const [name, value] of Object.entries(row)) {
        if (nullable.has(name)) assert.ok(['null', 'string', 'array'].includes(typeOf(value)), name);
        else assert.equal(typeOf(value), typeOf(body.data[0]![name]), name);
      }
    }
  });

  test(`times of ${report} agree with each other`, () => {
    const clockText = (ms: number): string => new Date(ms).toISOString().slice(11, 19);
    for (const row of values(read({}, { report }))) {
      const [start, connect, end] = ['startTimeUTC', 'connectTimeUTC', 'disconnectedTimeUTC']
        .map((name) => row[name] as number);
      assert.equal(row.callTime, end! - start!);
      assert.equal(row.startTime, new Date(start!).toISOString().replace('Z', '+0000'));
      assert.equal(row.connectTime, connect === 0 ? '0' : new Date(connect!).toISOString().replace('Z', '+0000'));
      assert.ok(connect === 0 || (connect! >= start! && connect! <= end!));
      assert.ok(end! > start! && end! <= start! + hours(2) + 1);
      assert.equal(row.talkTime, clockText(row.talkTimeMS as number));
      assert.ok((row.talkTimeMS as number) >= 0 && (row.calleeHoldDurationMS as number) <= (row.talkTimeMS as number));
      assert.match(row.callId as string, /^\d{13}$/);
      assert.notEqual(row.callId, String(start));
    }
  });

  test(`${report}: equal seeds make equal rows, other seeds other rows`, () => {
    const told = (options: Partial<PhoneSystemOptions>): string => JSON.stringify(values(read(options, { report })));
    assert.equal(told({ seed: 7 }), told({ seed: 7 }));
    assert.notEqual(told({ seed: 7 }), told({ seed: 8 }));
    assert.equal(told({ seed: 7 }), told({ seed: 7, rowsCachedMax: 1 }), 'memory must not matter');
  });
}

test('where the history begins changes no call that is in both', () => {
  const keys = (historyMs: number): readonly string[] =>
    read({ historyMs }, { fromMs: NOON - hours(1) }).map((row) => JSON.stringify(row.value()));
  const short = keys(hours(5));
  assert.ok(short.length > 100);
  assert.deepEqual(short, keys(hours(48)));
});

test('a key names one row of a PBX; other PBXes have the same call ids', () => {
  const rows = read({ pbxIds: ['acme', 'globex'], callsPerHour: 500 });
  assert.equal(new Set(rows.map((row) => row.key)).size, rows.length);
  const callKeys = (pbxId: string): readonly string[] =>
    rows.filter((row) => row.pbxId === pbxId).map((row) => row.key.split('/')[1]!);
  const others = new Set(callKeys('globex'));
  assert.ok(callKeys('acme').some((callId) => others.has(callId)));
});

test('every structure of a call occurs', () => {
  const legs = values(read({ callsPerHour: 300 }));
  const records = values(read({ callsPerHour: 300 }, { report: 'call-records' }));
  const byCall = Map.groupBy(legs, (leg) => leg.callId);
  const callees = (wanted: RegExp): boolean => legs.some((leg) => wanted.test(leg.callee as string));
  for (const wanted of [/^Voicemail \(/, /^AutoAttendant$/, /^CallQueue \(/, /^RingGroup \(/, /^CallForking/,
    /^CallRecording$/]) {
    assert.ok(callees(wanted), String(wanted));
  }
  assert.deepEqual(new Set(legs.map((leg) => leg.direction)), new Set(['Incoming', 'Outgoing', 'Internal']));
  assert.ok(legs.some((leg) => leg.abandoned === 'Abandoned' && leg.missed === 'Missed'));
  assert.ok(records.some((record) => !byCall.has(record.callId)), 'a record without legs');
  assert.ok(legs.some((leg) => leg.departments === null) && legs.some((leg) => leg.departments !== null));

  const recordIds = new Set(records.map((record) => record.callId));
  const offers = legs.filter((leg) => leg.parentCallId !== null);
  assert.ok(offers.length > 0);
  for (const offer of offers) assert.ok(!recordIds.has(offer.callId) && offer.direction === 'Internal');
  const moved = legs.filter((leg) => leg.transferToCallId !== null);
  assert.ok(moved.length > 0 && moved.every((leg) => recordIds.has(leg.callId)));
});

test('a record spans its legs: it starts 4 to 9 ms before leg 1 and ends at most 1 ms after the last', () => {
  const legs = Map.groupBy(values(read({}, { toMs: NOON - hours(3), fromMs: NOON - hours(20) })), (leg) => leg.callId);
  let compared = 0;
  for (const record of values(read({}, { report: 'call-records', fromMs: NOON - hours(15), toMs: NOON - hours(6) }))) {
    const own = legs.get(record.callId);
    if (own === undefined) continue;
    compared += 1;
    const [starts, ends] = ['startTimeUTC', 'disconnectedTimeUTC'].map((name) => own.map((leg) => leg[name] as number));
    const lead = Math.min(...starts!) - (record.startTimeUTC as number);
    const trail = (record.disconnectedTimeUTC as number) - Math.max(...ends!);
    assert.ok(lead >= 4 && lead <= 9 && trail >= 0 && trail <= 1);
    assert.equal(record.callLegCount, String(own.length));
  }
  assert.ok(compared > 300);
});

test('the leg count may include the offers to agents', () => {
  const total = (legCount: 'own' | 'with-children'): number => values(read({ legCount }, { report: 'call-records' }))
    .reduce((sum, record) => sum + Number(record.callLegCount), 0);
  assert.ok(total('with-children') > total('own'));
});

test('all names and outside numbers are canaries', () => {
  for (const leg of values(read({}))) {
    for (const number of [leg.caller, leg.callee, leg.dnis] as string[]) {
      if (/^\+?\d{7,}$/.test(number)) assert.ok(number.includes(CANARIES.number), number);
    }
    const name = leg.callerName as string;
    assert.ok(name.startsWith(CANARIES.name) || /^1555013\d{4}$|^\.$|^Anonymous$|Queue$/.test(name), name);
  }
});

// Method: look at one world at many moments. Goal: no row is seen before it may be, and none goes away.
test('a row becomes visible at its time, never before its disconnect, and stays', () => {
  const system = createPhoneSystem({
    startedAtMs: NOON, pbxIds: ['acme'], lateShare: 0.3, lateMaxMs: minutes(40), latencyMs: 5_000,
  });
  let before = new Set<string>();
  let late = 0;
  for (let nowMs = NOON - hours(1); nowMs < NOON + hours(2); nowMs += minutes(7)) {
    const { rows } = queryPage(system, {
      report: 'call-legs', pbxIds: ['acme'], fromMs: NOON - hours(3), toMs: NOON + hours(9), pageSize: 1e9, nowMs,
    });
    for (const row of rows) {
      const [visibleMs] = row.visibleFromMs;
      assert.ok(visibleMs! >= row.disconnectMs + 5_000 && visibleMs! <= nowMs);
      if (visibleMs! > row.disconnectMs + 5_000) late += 1;
    }
    const keys = new Set(rows.map((row) => row.key));
    assert.ok([...before].every((key) => keys.has(key)));
    before = keys;
  }
  assert.ok(late > 0);
});

test('a revised row changes at its time and keeps its key and times', () => {
  const options = { startedAtMs: NOON, pbxIds: ['acme'], revisedShare: 0.5, revisedMaxMs: minutes(30) };
  const system = createPhoneSystem(options);
  const at = (nowMs: number): ReadonlyMap<string, Row> => new Map(queryPage(system, {
    report: 'call-legs', pbxIds: ['acme'], fromMs: NOON - hours(3), toMs: NOON, pageSize: 1e9, nowMs,
  }).rows.map((row) => [row.key, row]));
  const final = at(NOON + hours(5));
  const revised = [...final.values()].filter((row) => row.visibleFromMs.length > 1);
  assert.ok(revised.length > final.size / 3);
  for (const row of revised) {
    const contents = row.visibleFromMs.map((fromMs) => at(fromMs).get(row.key)!);
    assert.deepEqual(contents.map((content) => content.revision), contents.map((_, index) => index));
    assert.equal(new Set(contents.map((content) => content.json.toString())).size, contents.length);
    assert.ok(contents.every((content) => content.disconnectMs === row.disconnectMs));
  }
});

test('poison rows are marked, and no other row is', () => {
  const unmappable = (row: JsonRow): boolean =>
    typeof row.callId !== 'string' || typeof row.disconnectedTimeUTC !== 'number' || typeof row.talkTimeMS !== 'number';
  const rows = read({ poisonShare: 0.1 });
  assert.ok(rows.some((row) => row.poison));
  for (const row of rows) assert.equal(row.poison, unmappable(row.value()));
});

test('the number of calls follows the rate, from one an hour to a million', () => {
  fc.assert(fc.property(fc.constantFrom(1, 7, 100, 3_000), fc.integer({ min: 1, max: 999 }), (callsPerHour, seed) => {
    const spanMs = callsPerHour < 100 ? hours(400) : hours(4);
    const rows = read({ callsPerHour, seed, historyMs: spanMs }, { report: 'call-records', fromMs: NOON - spanMs });
    const expected = (callsPerHour * spanMs) / hours(1);
    assert.ok(rows.length > expected * 0.75 && rows.length < expected * 1.25, `${rows.length} of ${expected}`);
  }), { numRuns: 12 });

  const busy = read({ callsPerHour: 1_000_000, historyMs: 15_000, endsAtMs: NOON },
    { report: 'call-records', toMs: NOON + hours(3), nowMs: NOON + hours(3) });
  assert.ok(busy.length > 3_800 && busy.length < 4_600);
  assert.equal(new Set(busy.map((row) => row.key)).size, busy.length);
});
