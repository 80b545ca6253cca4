import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Window } from '../../src/feed/window.ts';
import { MemorySink } from '../../src/sink/memory.ts';
import type { Commit } from '../../src/sink/sink.ts';
import type { Source } from '../../src/source/source.ts';
import { callRecords } from '../../src/streams/call-records.ts';
import type { RawRow } from '../../src/streams/stream.ts';
import { CallDesk } from '../../src/worker/call-desk.ts';
import { pollOnce, type Feed } from '../../src/worker/poll.ts';
import { recall } from '../../src/worker/recall.ts';
import { VirtualClock, VirtualTime } from '../world/virtual-time.ts';
import { at, feedOf, leg, minutes, openFor, pace, pageOf, sourceOf } from './parts.ts';

// Goal: a whole call is made of rows that are on the bus. Method: two feeds, polled one after the other.

const legs = feedOf('acme');
const records = feedOf('acme', { id: { ...legs.id, stream: 'call-records' }, stream: callRecords });
const window = { from: at('09:59:58'), to: at('10:01:00') };
const clock = new VirtualClock(new VirtualTime(at('11:05:00')));
const { signal } = new AbortController();

const record = (callId: string, disconnected: string, callLegCount: number): RawRow => {
  return { ...leg('acme', callId, disconnected), legId: null, callLegCount };
};

/** What is told of calls once both feeds have read their rows in a sweep. */
async function told(
  rows: Readonly<Record<'legs' | 'records', readonly RawRow[]>> & { readonly recalled?: readonly RawRow[] },
): Promise<Readonly<Record<string, unknown>>> {
  const commits: Commit[] = [];
  const sink = new MemorySink({ onCommit: (commit) => void commits.push(commit) });
  await openFor(records, sink);
  const session = await openFor(legs, sink);
  const calls = new CallDesk(legs.id, 'own');
  await calls.begin(session);
  const io = (page: readonly RawRow[]) => ({ source: sourceOf([page]), session, clock, signal, calls });
  const poll = async (feed: Feed, page: readonly RawRow[]): Promise<void> => {
    await pollOnce(feed, window, io(page));
    await calls.settle({ id: feed.id, pace, swept: true }, { session, clock });
  };
  if (rows.recalled) await recall(legs, { from: window.from - minutes(10), to: window.from }, io(rows.recalled));
  await poll(legs, rows.legs);
  await poll(records, rows.records);
  const events = commits.flatMap(({ events: all }) => all).filter(({ channel }) => channel === 'calls');
  return Object.fromEntries(events.map(({ key, value }) => [key, value['state']]));
}

test('a call is complete with the legs that its feed has published', async () => {
  const calls = await told({ legs: [leg('acme', 'a', '10:00:10')], records: [record('a', '10:00:20', 1)] });
  assert.deepEqual(calls, { 'acme/a': 'complete' });
});

test('a leg that ended before its feed begins is not on the bus, so it is in no call', async () => {
  const early = leg('acme', 'a', '09:59:59');
  const both = { legs: [early, leg('acme', 'b', '10:00:10')], records: [record('a', '10:00:20', 1)] };
  assert.deepEqual(await told(both), {});
  assert.deepEqual(await told({ ...both, legs: [], recalled: [early] }), {});
});

// 8x8 has shown it too late for its feed: where deep sweeps keep fingerprints of keys, those tell.
test('a recalled leg of which only the key is known is in a call only if it was published', async () => {
  const swept = feedOf('acme', { pace: { ...pace, deepSweepsMs: [minutes(120)] } });
  const [published, late] = [leg('acme', 'a', '10:00:10'), leg('acme', 'b', '10:00:12')];
  const commits: Commit[] = [];
  const sink = new MemorySink({ onCommit: (commit) => void commits.push(commit) });
  await openFor(records, sink);
  const session = await openFor(swept, sink);
  const io = (page: readonly RawRow[]) => ({ source: sourceOf([page]), session, clock, signal });
  await pollOnce(swept, { from: window.from, to: at('10:30:00') }, io([published]));
  await pollOnce(swept, { from: at('10:29:00'), to: at('11:00:00') }, io([]));
  assert.ok(session.offsetOf(legs.id)!.isSealed('acme/a/1'));

  const calls = new CallDesk(legs.id, 'own');
  await calls.begin(session);
  await recall(legs, window, { ...io([published, late]), calls });
  const both = [record('a', '10:00:20', 1), record('b', '10:00:20', 1)];
  await pollOnce(records, window, { ...io(both), calls });
  for (const { id } of [legs, records]) await calls.settle({ id, pace, swept: true }, { session, clock });
  const told = commits.flatMap(({ events }) => events).filter(({ channel }) => channel === 'calls');
  assert.deepEqual(told.map(({ key }) => key), ['acme/a']);
});

/** The way of the shard loop: what is lacking is read before the window. Rows are those that 8x8 has by then. */
async function turn(feed: Feed, of: Window, page: readonly RawRow[], io: {
  readonly session: Awaited<ReturnType<typeof openFor>>; readonly calls: CallDesk;
}): Promise<readonly Window[]> {
  const asked: Window[] = [];
  const source: Source = {
    async check() {},
    aheadMs: () => 0,
    async *readPages({ window: { from, to } }) {
      asked.push({ from, to });
      yield pageOf(page.filter(({ disconnectedTimeUTC: ms }) => Number(ms) >= from && Number(ms) < to));
    },
  };
  const all = { ...io, source, clock, signal };
  const lacking = io.calls.lacking(feed.id, of, io.session);
  if (lacking !== undefined) await recall(feed, lacking, all);
  await pollOnce(feed, of, all);
  await io.calls.settle({ id: feed.id, pace, swept: true }, all);
  return asked;
}

/** Two feeds at one desk, and what is told of calls. */
async function deskOf() {
  const commits: Commit[] = [];
  const sink = new MemorySink({ onCommit: (commit) => void commits.push(commit) });
  await openFor(records, sink);
  const session = await openFor(legs, sink);
  const calls = () => commits.flatMap(({ events }) => events).filter(({ channel }) => channel === 'calls')
    .map(({ key, value }) => [key, value['revision'], (value['legs'] as { changeKind: string }[])
      .map(({ changeKind }) => changeKind)]);
  const open = async () => {
    const calls = new CallDesk(legs.id, 'own');
    await calls.begin(session);
    return { session, calls };
  };
  return { session, calls, open };
}

const both = {
  legs: [legOf('a', '1', '10:00:10'), legOf('a', '2', '10:00:30')],
  records: [record('a', '10:00:31', 2)],
};
const changed = { ...both, legs: [both.legs[0]!, { ...both.legs[1]!, direction: 'Outgoing' }] };

function legOf(callId: string, legId: string, disconnected: string): RawRow {
  return { ...leg('acme', callId, disconnected), legId, startTimeUTC: at('10:00:02') };
}

test('a leg that was corrected right before its owner died is in its call, which the next one tells anew', async () => {
  const { calls, open } = await deskOf();
  const first = await open();
  await turn(legs, window, both.legs, first);
  await turn(records, window, both.records, first);
  await turn(legs, window, changed.legs, { ...first, calls: new CallDesk(legs.id, 'own') }); // it dies before it tells
  assert.deepEqual(calls(), [['acme/a', 1, ['new', 'new']]]);

  const next = await open();
  for (let turns = 0; turns < 2; turns += 1) {
    await turn(legs, window, changed.legs, next);
    await turn(records, window, changed.records, next);
  }
  assert.deepEqual(calls().slice(1), [['acme/a', 2, ['new', 'corrected']]]);
});

test('a call that is as it was told is not told anew, be it that its first leg ended long before', async () => {
  const { calls, open } = await deskOf();
  const first = await open();
  await turn(legs, window, both.legs, first);
  await turn(records, window, both.records, first);

  const next = await open();
  const late = { from: at('10:00:20'), to: at('10:02:00') };
  const asked: Window[] = [];
  for (let turns = 0; turns < 2; turns += 1) {
    asked.push(...await turn(legs, late, both.legs, next), ...await turn(records, late, both.records, next));
  }
  assert.deepEqual(calls(), [['acme/a', 1, ['new', 'new']]]);
  assert.ok(asked.some(({ from }) => from <= at('10:00:00')));
});

test('a correction brings all legs of its call, also those of earlier pages and earlier windows', async () => {
  const { calls, open } = await deskOf();
  const desk = await open();
  const uncounted = [{ ...both.records[0]!, callLegCount: null }];
  await turn(legs, window, both.legs, desk);
  await turn(records, window, uncounted, desk);
  const late = { from: at('10:00:20'), to: at('10:02:00') };
  await turn(legs, late, changed.legs, desk);
  await turn(records, late, uncounted, desk);
  assert.deepEqual(calls().slice(1), []);
  await turn(legs, late, changed.legs, desk);
  assert.deepEqual(calls().slice(1), [['acme/a', 2, ['new', 'corrected']]]);
});

test('what 8x8 has changed is in no call before it is published', async () => {
  const { calls, open } = await deskOf();
  const desk = await open();
  await turn(legs, window, both.legs, desk);
  await turn(records, window, both.records, desk);
  const late = { from: at('10:00:20'), to: at('10:02:00') };
  const all = [{ ...both.legs[0]!, direction: 'Outgoing' }, changed.legs[1]!];
  for (let turns = 0; turns < 2; turns += 1) {
    await turn(legs, late, all, desk);
    await turn(records, late, both.records, desk);
  }
  assert.deepEqual(calls().slice(1), []);
  await turn(legs, window, all, desk);
  assert.deepEqual(calls().slice(1), [['acme/a', 2, ['corrected', 'corrected']]]);
});
