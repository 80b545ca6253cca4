import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectorError } from '../../src/errors.ts';
import type { ReadTurn } from '../../src/feed/schedule.ts';
import type { ReadRequest, RowPage, Source } from '../../src/source/source.ts';
import { callRecords } from '../../src/streams/call-records.ts';
import type { RawRow } from '../../src/streams/stream.ts';
import { Groups, type GroupCandidate } from '../../src/worker/group.ts';
import { oneAtATime } from '../../src/worker/one-at-a-time.ts';
import type { Feed } from '../../src/worker/poll.ts';
import { MemorySink } from '../../src/sink/memory.ts';
import { VirtualClock, VirtualTime } from '../world/virtual-time.ts';
import { at, feedOf, leg, minutes, pageOf } from './parts.ts';

const nowMs = at('10:10:00');
const to = at('10:08:00');

function turnOf(feed: Feed, from = at('10:00:00')): ReadTurn<Feed> {
  return { kind: 'read', feed, window: { from, to }, sweep: false };
}

function candidateOf(feed: Feed, change: Partial<GroupCandidate> = {}): GroupCandidate {
  return { feed, plan: turnOf(feed), watermarkMs: at('10:01:00'), notBeforeMs: 0, lastTurn: 0, ...change };
}

const [acme, globex] = [feedOf('acme'), feedOf('globex')];
const records = feedOf('globex', { id: { ...globex.id, stream: 'call-records' }, stream: callRecords });
const laterMs = to + 1_000;

const cases: readonly (readonly [name: string, others: readonly GroupCandidate[], besides: readonly string[]])[] = [
  ['takes one with it that waits as long', [candidateOf(globex)], ['globex']],
  ['takes the one with it that has waited longest',
    [candidateOf(globex, { lastTurn: 5 }), candidateOf(feedOf('b'))], ['b']],
  ['leaves a feed of another stream', [candidateOf(records)], []],
  ['leaves one that rests', [candidateOf(globex, { notBeforeMs: nowMs + 1 })], []],
  ['leaves one that sweeps when it does not', [candidateOf(globex, { plan: { ...turnOf(globex), sweep: true } })], []],
  ['leaves one that is not due', [candidateOf(globex, { plan: { kind: 'wait', untilMs: nowMs } })], []],
  ['leaves one of which less has settled',
    [candidateOf(globex, { plan: { ...turnOf(globex), window: { from: 0, to: to - 1_000 } } })], []],
  ['leaves one that has been there', [candidateOf(globex, { watermarkMs: to })], []],
  ['leaves a pass over history', [candidateOf(feedOf('b', { id: { ...acme.id, pass: 'history' } }))], []],
  ['leaves what nobody can stand beside', [candidateOf(feedOf('allpbxes'))], []],
];
for (const [name, others, besides] of cases) {
  test(`a feed that is behind ${name}`, () => {
    const found = new Groups(2).besides(turnOf(acme), [candidateOf(acme), ...others], nowMs);
    assert.deepEqual(found.map(({ feed }) => feed.id.pbxId), besides);
  });
}

test('one of which more has settled is read no further than the others', () => {
  const further = candidateOf(globex, { plan: { ...turnOf(globex), window: { from: at('10:02:00'), to: laterMs } } });
  const [other] = new Groups(2).besides(turnOf(acme), [candidateOf(acme), further], nowMs);
  assert.deepEqual(other!.window, { from: at('10:02:00'), to });
});

test('a feed that is at the live edge is read alone, and so is each if a request may read no more', () => {
  const fresh = candidateOf(acme, { watermarkMs: to - minutes(1) - 1_000 });
  assert.deepEqual(new Groups(2).besides(turnOf(acme), [fresh, candidateOf(globex)], nowMs), []);
  assert.deepEqual(new Groups(1).besides(turnOf(acme), [candidateOf(acme), candidateOf(globex)], nowMs), []);
});

/** Reads both by one request that is answered so. */
async function readBoth(pages: readonly RowPage[], fail?: Error): Promise<{
  readonly groups: Groups; readonly asked: readonly ReadRequest[]; readonly together: Source | undefined;
}> {
  const asked: ReadRequest[] = [];
  const source: Source = {
    async check() {},
    aheadMs: () => 0,
    async *readPages(request) {
      asked.push(request);
      yield* pages;
      if (fail !== undefined) throw fail;
    },
  };
  const session = oneAtATime(await new MemorySink().openShard(0));
  const [clock, { signal }] = [new VirtualClock(new VirtualTime(nowMs)), new AbortController()];
  const groups = new Groups(4);
  const turns = [turnOf(acme), turnOf(globex, at('09:50:00'))];
  return { groups, asked, together: await groups.read(turns, { source, session, clock, signal }) };
}

async function rowsFor(pbxId: string, source: Source): Promise<readonly RowPage[]> {
  const request = { stream: acme.stream, pbxId, window: turnOf(acme).window };
  const found: RowPage[] = [];
  for await (const page of source.readPages(request, new AbortController().signal)) found.push(page);
  return found;
}

const both: readonly RawRow[] = [leg('Acme', 'a', '10:02:00'), leg('globex', 'g', '10:03:00')];
const reading = { total: 2, received: 2, attempts: 1 };

test('one request for the whole of all windows serves each feed with its own rows', async () => {
  const { asked: [request], together } = await readBoth([{ rows: both, reading }]);
  assert.deepEqual([request!.pbxId, request!.window], ['acme,globex', { from: at('09:50:00'), to }]);
  const own = { total: 1, received: 1, attempts: 1 };
  assert.deepEqual(await rowsFor('acme', together!), [{ rows: [both[0]], reading: own }]);
  assert.deepEqual(await rowsFor('globex', together!), [{ rows: [both[1]], reading: own }]);
});

test('what was read anew counts once, and where 8x8 counts nothing, nothing is counted', async () => {
  const anew = { rows: both, reading: { ...reading, attempts: 2 } };
  const { together } = await readBoth([{ rows: both, reading: { ...reading, total: 3 } }, anew]);
  assert.equal((await rowsFor('acme', together!))[0]!.rows.length, 1);
  const { together: uncounted } = await readBoth([pageOf(both)]);
  assert.equal((await rowsFor('acme', uncounted!))[0]!.reading.total, undefined);
});

const refused = new ConnectorError('SOURCE_PBX_REFUSED', 'refused');
const many = Array.from({ length: 7_001 }, () => both[0]!);
const alone: readonly (readonly [name: string, pages: readonly RowPage[], fail?: Error])[] = [
  ['8x8 shows fewer rows than it counts', [{ rows: both, reading: { ...reading, total: 3 } }]],
  ['a row does not say whose it is', [{ rows: [...both, { callId: 'x' }], reading: { ...reading, received: 3 } }]],
  ['a row is nobody\'s', [{ rows: [...both, leg('initech', 'i', '10:03:00')], reading: { ...reading, received: 3 } }]],
  ['there are too many rows', [{ rows: many, reading: { total: 7_001, received: 7_001, attempts: 1 } }]],
  ['8x8 refuses one PBX, or so many', [], refused],
];
for (const [name, pages, fail] of alone) {
  test(`when ${name}, each is read alone, and for a while no group of two is tried`, async () => {
    const { groups, together } = await readBoth(pages, fail);
    assert.equal(together, undefined);
    const besides = (timeMs: number): number =>
      groups.besides(turnOf(acme), [candidateOf(acme), candidateOf(globex)], timeMs).length;
    assert.deepEqual([besides(nowMs), besides(nowMs + minutes(10))], [0, 1]);
  });
}

test('a source that is away is away for who has asked', async () => {
  await assert.rejects(readBoth([], new ConnectorError('SOURCE_UNAVAILABLE', 'away')), /away/);
});

test('a group grows by one while all goes well, and is halved when it does not', async () => {
  const feeds = ['a', 'b', 'c', 'd', 'e'].map((pbxId) => feedOf(pbxId));
  const session = oneAtATime(await new MemorySink().openShard(0));
  const [clock, { signal }] = [new VirtualClock(new VirtualTime(nowMs)), new AbortController()];
  const groups = new Groups(4);
  const sizes: number[] = [];
  for (const isWell of [true, true, true, false, true, true]) {
    const reads: Source = { async check() {}, aheadMs: () => 0, async *readPages() {
      if (isWell) yield pageOf([]);
      else throw refused;
    } };
    const first = turnOf(feeds[0]!);
    const turns = [first, ...groups.besides(first, feeds.map((feed) => candidateOf(feed)), nowMs)];
    sizes.push(turns.length);
    await groups.read(turns, { source: reads, session, clock, signal });
  }
  assert.deepEqual(sizes, [2, 3, 4, 4, 2, 3]);
});
