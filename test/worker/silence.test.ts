import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemorySink } from '../../src/sink/memory.ts';
import type { Commit } from '../../src/sink/sink.ts';
import type { Source } from '../../src/source/source.ts';
import type { RawRow } from '../../src/streams/stream.ts';
import { oneAtATime, type SharedSession } from '../../src/worker/one-at-a-time.ts';
import { pollOnce } from '../../src/worker/poll.ts';
import { VirtualClock, VirtualTime } from '../world/virtual-time.ts';
import { at, badRow, feedOf, leg, minutes, openFor, pace, pageOf, pages, sourceOf } from './parts.ts';

const feed = feedOf('acme');
const { signal } = new AbortController();
const busy = { tenths: Array.from({ length: 168 }, () => 600), weeks: Array.from({ length: 168 }, () => 4) };

/** A sink on which the feed has begun, and knows that a row comes every minute. */
async function taughtSink(onCommit: (commit: Commit) => void = () => undefined): Promise<MemorySink> {
  const sink = new MemorySink({ onCommit });
  const session = await openFor(feed, sink);
  const silence = { profile: busy, quietSinceMs: feed.originMs, hourMs: feed.originMs, hourRows: 0 };
  const learnt = { silence, delays: undefined };
  const step = { watermarkMs: feed.originMs, seenFromMs: feed.originMs, seen: [], learnt };
  await session.commit({ feed: feed.id, events: [], step });
  return sink;
}

const poll = (session: SharedSession, window: { readonly from: number; readonly to: number }, source: Source) => {
  const clock = new VirtualClock(new VirtualTime(window.to + pace.settleMs));
  return pollOnce(feed, window, { source, session, clock, signal });
};

// Goal: a silence is told once, also when the worker ends in the middle of it. Method: a new session for each poll.
test('a silence begins once, whatever is restarted meanwhile, and is in the ledger', async () => {
  const entries: unknown[] = [];
  const sink = await taughtSink(({ events }) => entries.push(...events
    .filter(({ channel }) => channel === 'ledger').map(({ value }) => [value['quietSince'], value['expected']])));
  const told: number[] = [];
  for (let minute = 1; minute <= 30; minute += 1) {
    const window = { from: feed.originMs, to: feed.originMs + minutes(minute) };
    const { silence } = await poll(oneAtATime(await sink.openShard(0)), window, sourceOf([]));
    if (silence!.begins) told.push(minute);
    assert.equal(silence!.suspicious, told.length > 0);
  }
  assert.deepEqual(told, [Math.ceil(Math.log(1_000 * 168 * 60))]);
  assert.deepEqual(entries.at(-1), [feed.originMs, 30]);
});

test('rows that are only repeated are counted, those read anew are not counted twice, and bad ones never', async () => {
  const sink = await taughtSink();
  const window = { from: feed.originMs, to: at('10:01:00') };
  const half = leg('acme', 'a', '10:00:10');
  const anew: Source = {
    async check() {},
    aheadMs: () => 0,
    async *readPages() {
      yield { rows: [half], reading: { total: 2, received: 1, attempts: 1 } };
      yield { rows: [half, badRow], reading: { total: 2, received: 1, attempts: 2 } };
      yield { rows: [leg('acme', 'b', '10:00:20')], reading: { total: 2, received: 2, attempts: 2 } };
    },
  };
  const hourRows = async (source: Source): Promise<number> => {
    const session = oneAtATime(await sink.openShard(0));
    await poll(session, window, source);
    return session.offsetOf(feed.id)!.learnt.silence!.hourRows;
  };
  assert.equal(await hourRows(anew), 2);
  assert.equal(await hourRows(anew), 2, 'the window lies behind the watermark now');
});

test('a row that only the first of two readings has shown is counted, too: it is published', async () => {
  const session = oneAtATime(await (await taughtSink()).openShard(0));
  const source: Source = {
    async check() {},
    aheadMs: () => 0,
    async *readPages() {
      yield { rows: [leg('acme', 'a', '10:00:40')], reading: { total: 2, received: 1, attempts: 1 } };
      yield { rows: [leg('acme', 'b', '10:00:20')], reading: { total: 2, received: 1, attempts: 2 } };
    },
  };
  const { silence } = await poll(session, { from: feed.originMs, to: at('10:01:00') }, source);
  assert.deepEqual([silence!.sinceMs, session.offsetOf(feed.id)!.learnt.silence!.hourRows], [at('10:00:40'), 2]);
});

test('rows that a crash has left published are counted when the window is read to its end', async () => {
  const sink = await taughtSink();
  const session = oneAtATime(await sink.openShard(0));
  const rows: readonly RawRow[] = [leg('acme', 'a', '10:00:10')];
  const window = { from: feed.originMs, to: at('10:01:00') };
  const broken: Source = { ...sourceOf([]), async *readPages() {
    yield pageOf(rows);
    throw new Error('a crash');
  } };
  await assert.rejects(poll(session, window, broken), /a crash/);
  assert.equal(session.offsetOf(feed.id)!.learnt.silence!.hourRows, 0);
  const { repeats } = await poll(session, window, sourceOf([rows]));
  assert.deepEqual([repeats, session.offsetOf(feed.id)!.learnt.silence!.hourRows], [1, 1]);
});

test('a pass over history learns nothing, and says nothing of silence', async () => {
  const history = feedOf('acme', { id: { ...feed.id, pass: 'history' } });
  const session = await openFor(history, new MemorySink());
  const window = { from: feed.originMs, to: at('10:01:00') };
  const clock = new VirtualClock(new VirtualTime(at('10:05:00')));
  const report = await pollOnce(history, window, { source: sourceOf(pages), session, clock, signal });
  assert.equal(report.silence, undefined);
  assert.equal(session.offsetOf(history.id)!.learnt.silence, undefined);
});
