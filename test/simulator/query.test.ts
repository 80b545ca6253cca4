import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createPhoneSystem } from '../../src/simulator/phone-system.ts';
import {
  END_OF_SCROLL, makeScrollId, pagePieces, queryPage, readScrollId, ScrollIdError,
} from '../../src/simulator/query.ts';
import type { Page, PageQuery, WindowRules } from '../../src/simulator/query.ts';
import { TimeZone } from '../../src/simulator/time-zone.ts';
import { readFixture } from '../fixtures/read-fixture.ts';
import { hours, minutes, NOON } from './fixtures.ts';

const system = createPhoneSystem({ startedAtMs: NOON, pbxIds: ['acme', 'under_score'], callsPerHour: 120 });
const query: PageQuery = {
  report: 'call-legs', pbxIds: ['acme'], fromMs: NOON - hours(4), toMs: NOON - hours(1), pageSize: 50, nowMs: NOON,
};

function scroll(change: Partial<PageQuery>): readonly Page[] {
  const pages: Page[] = [];
  for (let scrollId: string | undefined; pages.length < 10_000;) {
    const page = queryPage(system, { ...query, ...change, scrollId });
    pages.push(page);
    if (page.scrollId === END_OF_SCROLL) return pages;
    scrollId = page.scrollId;
  }
  throw new Error('the scroll did not end');
}

test('scroll ids are what the documented ones decode to', () => {
  for (const [report, key] of [['call-legs', 'supertenantcsm_1635571048345_1_1643897492903'],
    ['call-records', 'supertenantcsm_1635571048345_1643897492897']] as const) {
    const { body } = readFixture<{ body: { meta: { scrollId: string } } }>(report);
    assert.equal(Buffer.from(body.meta.scrollId, 'base64').toString(), key);
    const place = readScrollId(body.meta.scrollId, report);
    assert.deepEqual([place.pbxId, place.callId], ['supertenantcsm', 1_635_571_048_345]);
  }
  const [row] = queryPage(system, { ...query, pbxIds: ['under_score'] }).rows;
  assert.equal(readScrollId(makeScrollId(row!), 'call-legs').pbxId, 'under_score');
  for (const wrong of ['No Data', '', 'AAAA', 'eA']) {
    assert.throws(() => readScrollId(wrong, 'call-legs'), ScrollIdError);
  }
});

// Method: any window and page size, against one unpaged reading. Goal: paging neither loses nor repeats a row.
test('a scroll shows each row once, newest start first, whatever the page size', () => {
  const anyQuery = fc.record({
    report: fc.constantFrom('call-legs', 'call-records'),
    pbxIds: fc.constantFrom(['acme'], ['under_score', 'acme']),
    fromMs: fc.integer({ min: NOON - hours(6), max: NOON }),
    lengthMs: fc.integer({ min: 0, max: hours(3) }),
    pageSize: fc.integer({ min: 1, max: 400 }),
    isConnectTime: fc.boolean(),
    isSimplified: fc.boolean(),
  });
  fc.assert(fc.property(anyQuery, ({ lengthMs, ...change }) => {
    const toMs = change.fromMs + lengthMs;
    const whole = queryPage(system, { ...query, ...change, toMs, pageSize: 1e9 });
    const pages = scroll({ ...change, toMs });
    assert.deepEqual(pages.flatMap((page) => page.rows.map((row) => row.key)), whole.rows.map((row) => row.key));
    assert.equal(pages.length, Math.ceil(whole.rows.length / change.pageSize) + 1);
    for (const page of pages.slice(0, -1)) assert.equal(page.totalRecordCount, whole.rows.length);
    assert.equal(pages.at(-1)!.totalRecordCount, 0);
    whole.rows.forEach((row, index) => assert.ok(index === 0 || row.startMs <= whole.rows[index - 1]!.startMs));
  }), { numRuns: 60 });
});

// Method: cut one wide reading by hand. Goal: a short window also finds the legs that began hours before it.
test('a short window shows what a wide one shows of its time', () => {
  for (const report of ['call-legs', 'call-records'] as const) {
    const wide = queryPage(system, { ...query, report, fromMs: 0, toMs: NOON, pageSize: 1e9 }).rows;
    for (let fromMs = NOON - hours(5); fromMs < NOON; fromMs += minutes(11)) {
      const toMs = fromMs + minutes(2);
      const { rows } = queryPage(system, { ...query, report, fromMs, toMs, pageSize: 1e9 });
      const expected = wide.filter((row) => row.disconnectMs >= fromMs && row.disconnectMs <= toMs);
      assert.deepEqual(rows.map((row) => row.key), expected.map((row) => row.key));
      const page = queryPage(system, { ...query, report, fromMs, toMs, pageSize: 1 });
      assert.equal(page.totalRecordCount, expected.length);
    }
  }
});

test('a window means the disconnect time, or the connect time', () => {
  for (const row of queryPage(system, { ...query, pageSize: 1e9 }).rows) {
    assert.ok(row.disconnectMs >= query.fromMs && row.disconnectMs <= query.toMs);
  }
  for (const row of queryPage(system, { ...query, pageSize: 1e9, isConnectTime: true }).rows) {
    const connectMs = row.value().connectTimeUTC as number;
    assert.ok(connectMs >= query.fromMs && connectMs <= query.toMs);
  }
});

test('records are filtered by the time the rules name', () => {
  const fields = { disconnect: 'disconnectedTimeUTC', start: 'startTimeUTC', connect: 'connectTimeUTC' } as const;
  for (const recordsFilter of ['disconnect', 'start', 'connect'] as const) {
    const rules = { bounds: 'inclusive', recordsFilter } as const;
    const { rows } = queryPage(system, { ...query, report: 'call-records', pageSize: 1e9, rules });
    assert.ok(rows.length > 100);
    for (const row of rows) {
      const ms = row.value()[fields[recordsFilter]] as number;
      assert.ok(ms >= query.fromMs && ms <= query.toMs);
    }
  }
});

test('bounds are read as the rules say', () => {
  const [row] = queryPage(system, query).rows;
  const endMs = row!.disconnectMs;
  const secondMs = Math.floor(endMs / 1_000) * 1_000;
  const has = (bounds: WindowRules['bounds'], fromMs: number, toMs: number): boolean =>
    queryPage(system, { ...query, fromMs, toMs, rules: { bounds, recordsFilter: 'disconnect' } })
      .rows.some(({ key }) => key === row!.key);
  assert.ok(has('inclusive', endMs, endMs));
  assert.ok(has('half-open', endMs, endMs + 1) && !has('half-open', endMs - 1, endMs));
  assert.ok(has('exclusive', endMs - 1, endMs + 1) && !has('exclusive', endMs, endMs + 1));
  assert.ok(has('whole-seconds', secondMs, secondMs) && !has('whole-seconds', secondMs - 1_000, secondMs - 1_000));
});

test('simplified leaves out child calls, forks and recordings, and nothing else', () => {
  const all = queryPage(system, { ...query, pageSize: 1e9 }).rows.map((row) => row.value());
  const kept = queryPage(system, { ...query, pageSize: 1e9, isSimplified: true }).rows.map((row) => row.value());
  const expected = all
    .filter((leg) => leg.parentCallId === null && !/^Call(Forking|Recording)/.test(leg.callee as string));
  assert.ok(kept.length < all.length);
  assert.deepEqual(kept, expected);
});

test('extensions can be asked for', () => {
  const all = queryPage(system, { ...query, pageSize: 1e9 }).rows.map((row) => row.value());
  const told = (change: Partial<PageQuery>): number =>
    queryPage(system, { ...query, ...change, pageSize: 1e9 }).rows.length;
  const count = (test: (leg: Readonly<Record<string, unknown>>) => boolean): number => all.filter(test).length;
  assert.equal(told({ callee: ['1001', '1002'] }), count((leg) => ['1001', '1002'].includes(leg.callee as string)));
  assert.equal(told({ callerOrCallee: ['1003'] }), count((leg) => leg.callee === '1003' || leg.caller === '1003'));
  assert.equal(told({ caller: ['9999'] }), 0);
});

test('a row that becomes visible behind the scroll is skipped by it, and found by the next', () => {
  const late = createPhoneSystem({
    startedAtMs: NOON, pbxIds: ['acme'], callsPerHour: 300, lateShare: 0.5, lateMaxMs: minutes(20),
  });
  const readAll = (stepMs: number): Set<string> => {
    const keys = new Set<string>();
    let scrollId: string | undefined;
    for (let turn = 0; turn < 1_000; turn += 1) {
      const page = queryPage(late, { ...query, toMs: NOON, scrollId, nowMs: NOON + turn * stepMs });
      if (page.rows.length === 0) return keys;
      page.rows.forEach((row) => keys.add(row.key));
      scrollId = page.scrollId;
    }
    throw new Error('the scroll did not end');
  };
  const slow = readAll(minutes(1));
  const again = queryPage(late, { ...query, toMs: NOON, nowMs: NOON + hours(9), pageSize: 1e9 }).rows;
  assert.ok(again.length > slow.size);
});

test('the count of a window grows with what becomes visible, and is never stale', () => {
  const counted = createPhoneSystem({ startedAtMs: NOON, pbxIds: ['acme'], lateShare: 0.5 });
  for (let nowMs = NOON; nowMs < NOON + minutes(30); nowMs += 17_000) {
    const page = queryPage(counted, { ...query, toMs: NOON + hours(1), nowMs });
    const whole = queryPage(counted, { ...query, toMs: NOON + hours(1), nowMs, pageSize: 1e9 });
    assert.equal(page.totalRecordCount, whole.rows.length);
  }
});

test('nothing older than two years is shown, without an error', () => {
  const nowMs = NOON + 2 * 365 * hours(24) - hours(2);
  const rows = queryPage(system, { ...query, nowMs, pageSize: 1e9 }).rows;
  assert.ok(rows.length > 0 && rows.every((row) => row.disconnectMs >= NOON - hours(2)));
  assert.equal(queryPage(system, { ...query, nowMs: nowMs + hours(24) }).scrollId, END_OF_SCROLL);
});

test('a page in pieces is the JSON of its rows, in any zone', () => {
  const revised = createPhoneSystem({ startedAtMs: NOON, pbxIds: ['acme'], revisedShare: 0.3, revisedMaxMs: hours(9) });
  const { rows } = queryPage(revised, { ...query, pageSize: 300 });
  for (const zone of [undefined, TimeZone.open('UTC'), TimeZone.open('America/New_York')]) {
    const body = JSON.parse(Buffer.concat(pagePieces({ a: 1 }, rows, zone)).toString()) as Record<string, unknown>;
    assert.deepEqual(body, { meta: { a: 1 }, data: rows.map((row) => row.value(zone)) });
  }
  const local = rows[0]!.value(TimeZone.open('America/New_York'));
  assert.match(local.startTime as string, /-0400$/);
  assert.equal(Date.parse(local.startTime as string), local.startTimeUTC);
});
