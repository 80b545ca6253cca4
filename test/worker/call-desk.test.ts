import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemorySink } from '../../src/sink/memory.ts';
import type { Commit } from '../../src/sink/sink.ts';
import { callRecords } from '../../src/streams/call-records.ts';
import type { RawRow } from '../../src/streams/stream.ts';
import { CallDesk } from '../../src/worker/call-desk.ts';
import { pollOnce, type Feed } from '../../src/worker/poll.ts';
import { recall } from '../../src/worker/recall.ts';
import { VirtualClock, VirtualTime } from '../world/virtual-time.ts';
import { at, feedOf, leg, minutes, openFor, pace, sourceOf } from './parts.ts';

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
