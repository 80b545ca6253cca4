import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectorError, reactionTo } from '../../src/errors.ts';
import { MemorySink, type Fault } from '../../src/sink/memory.ts';
import type { Commit } from '../../src/sink/sink.ts';
import type { Source } from '../../src/source/source.ts';
import { oneAtATime } from '../../src/worker/one-at-a-time.ts';
import { pollOnce } from '../../src/worker/poll.ts';
import { VirtualClock, VirtualTime } from '../world/virtual-time.ts';
import {
  at, badRow, feedOf, leg, minutes, openFor, pace, pageOf, pages, rowEvents, sourceOf, unavailable,
} from './parts.ts';

const feed = feedOf('acme');
const window = { from: at('10:00:00'), to: at('10:01:00') };
const clock = new VirtualClock(new VirtualTime(at('10:05:00')));
const { signal } = new AbortController();

/** A sink on which the feed has begun, and all that has become visible since. `faultOf` counts from there. */
async function visibleSink(
  faultOf: (index: number) => Fault = () => 'none',
): Promise<{ readonly sink: MemorySink; readonly commits: Commit[] }> {
  const commits: Commit[] = [];
  const onCommit = (commit: Commit) => void commits.push(commit);
  const sink = new MemorySink({ faultOf: (index) => (index === 0 ? 'none' : faultOf(index - 1)), onCommit });
  await openFor(feed, sink);
  commits.length = 0;
  return { sink, commits };
}

/** Polls the window until it completes, reacting to errors as a worker does. Returns how many tries it took. */
async function pollUntilDone(sink: MemorySink, source: Source): Promise<number> {
  let session = oneAtATime(await sink.openShard(0));
  for (let attempt = 1; attempt <= 10; attempt += 1) {
    try {
      await pollOnce(feed, window, { source, session, clock, signal });
      return attempt;
    } catch (error) {
      assert.notEqual(reactionTo(error), 'stop', String(error));
      if (reactionTo(error) === 'reopen') session = oneAtATime(await sink.openShard(0));
    }
  }
  return assert.fail('never completed');
}

function assertEachLegOnce(commits: readonly Commit[]): void {
  const events = commits.flatMap(rowEvents);
  const accepted = events.filter(({ channel }) => channel === 'accepted').map(({ key }) => key);
  assert.deepEqual(accepted.sort(), ['acme/a/1', 'acme/b/1', 'acme/c/1', 'acme/d/1']);
  assert.equal(events.length - accepted.length, 1, 'the bad row is rejected once');
}

/** Each row that was published is in one entry of the ledger, also if its reading came to no end. */
function assertLedgerAddsUp(commits: readonly Commit[]): void {
  const entries = commits.flatMap(({ events }) => events).filter(({ channel }) => channel === 'ledger');
  const sum = entries.flatMap(({ value }) => ['new', 'corrected', 'rejected', 'recovered'].map((name) => value[name]))
    .reduce<number>((all, count) => all + Number(count), 0);
  assert.equal(sum, commits.flatMap(rowEvents).length);
}

function assertWatermarkMovedLast(commits: readonly Commit[]): void {
  const moved = commits.findIndex(({ step }) => step.watermarkMs > feed.originMs);
  assert.deepEqual(commits.slice(moved).flatMap(rowEvents), [], 'all events come before the watermark');
  assert.equal(commits.at(-1)!.step.watermarkMs, window.to);
}

/** Breaks once, before the given page; the page after the last is the end of the window. */
function sourceFailingAt(page: number): Source {
  let broken = false;
  return sourceOf(pages, (index) => {
    if (index !== page || broken) return;
    broken = true;
    throw unavailable();
  });
}

// Goal: no failure of any step loses or doubles a leg. Method: fail at each step in turn.
for (const fault of ['lost-before-commit', 'lost-after-commit'] satisfies Fault[]) {
  for (const lost of [0, 1, 2, 3]) {
    test(`pollOnce publishes each leg once when commit ${lost} is ${fault}`, async () => {
      const { sink, commits } = await visibleSink((index) => (index === lost ? fault : 'none'));
      assert.equal(await pollUntilDone(sink, sourceOf(pages)), 2);
      assertEachLegOnce(commits);
      assertLedgerAddsUp(commits);
      assertWatermarkMovedLast(commits);
    });
  }
}

for (const page of [0, 1, 2, 3]) {
  test(`pollOnce publishes each leg once when the source fails before page ${page}`, async () => {
    const { sink, commits } = await visibleSink();
    assert.equal(await pollUntilDone(sink, sourceFailingAt(page)), 2);
    assertEachLegOnce(commits);
    assertLedgerAddsUp(commits);
    assertWatermarkMovedLast(commits);
  });
}

test('pollOnce publishes each leg once when every commit and every page fails once', async () => {
  const [before, after] = ['lost-before-commit', 'lost-after-commit'] as const;
  const lost: readonly Fault[] = [after, before, 'none', after, before];
  const { sink, commits } = await visibleSink((index) => lost[index] ?? 'none');
  await pollUntilDone(sink, sourceFailingAt(2));
  assertEachLegOnce(commits);
});

test('pollOnce commits each page with its events, and the watermark after the last', async () => {
  const { sink, commits } = await visibleSink();
  await pollUntilDone(sink, sourceOf(pages));
  assert.deepEqual(commits.map((commit) => [rowEvents(commit).length, commit.step.watermarkMs]),
    [[2, feed.originMs], [2, feed.originMs], [1, feed.originMs], [0, window.to]]);
  for (const commit of commits) {
    const keys = commit.step.seen.map(({ key }) => key);
    assert.deepEqual(keys, rowEvents(commit).map(({ key }) => key), 'events and keys go together');
  }
});

test('pollOnce moves the watermark over a window without rows', async () => {
  const { sink, commits } = await visibleSink();
  await pollUntilDone(sink, sourceOf([]));
  assert.deepEqual(commits.map((commit) => [rowEvents(commit).length, commit.step.watermarkMs]), [[0, window.to]]);
});

test('pollOnce publishes nothing of a window it has read before, and reports the repeats', async () => {
  const { sink, commits } = await visibleSink();
  await pollUntilDone(sink, sourceOf(pages));
  const before = commits.length;
  const session = oneAtATime(await sink.openShard(0));
  const report = await pollOnce(feed, window, { source: sourceOf(pages), session, clock, signal });
  assert.deepEqual(commits.slice(before).flatMap(rowEvents), []);
  assert.deepEqual([report.rows, report.repeats, report.published, report.rejected], [6, 6, 0, 0]);
});

// Goal: a change is published once, whatever happens to its commit. Method: a row that changes, and changes back.
for (const fault of ['none', 'lost-before-commit', 'lost-after-commit'] satisfies Fault[]) {
  test(`pollOnce publishes each change of a row once, as its next revision, when commits are ${fault}`, async () => {
    const { sink, commits } = await visibleSink((index) => (index % 2 === 0 ? fault : 'none'));
    const row = leg('acme', 'a', '10:00:10');
    const changed = { ...row, status: 'Completed', talkTimeMS: 5_000 };
    for (const shown of [row, changed, changed, row]) await pollUntilDone(sink, sourceOf([[shown]]));
    const revisions = commits.flatMap(rowEvents).map(({ key, value }) =>
      [key, value['revision'], value['changeKind'], value['talkTimeMS'], value['changedFields']]);
    const fields = ['status', 'talkTimeMS'];
    assert.deepEqual(revisions, [
      ['acme/a/1', 1, 'new', null, []],
      ['acme/a/1', 2, 'corrected', 5_000, fields],
      ['acme/a/1', 3, 'corrected', null, fields],
    ]);
    assert.equal(new Set(commits.flatMap(rowEvents).map(({ value }) => value['eventId'])).size, 3);
  });
}

test('pollOnce rejects a bad row once, also when a later window shows it again', async () => {
  const { sink, commits } = await visibleSink();
  const session = oneAtATime(await sink.openShard(0));
  for (const to of ['10:01:00', '10:02:00', '10:03:00']) {
    await pollOnce(feed, { from: window.from, to: at(to) }, { source: sourceOf([[badRow]]), session, clock, signal });
  }
  assert.equal(commits.flatMap(rowEvents).length, 1);
  assert.equal(session.offsetOf(feed.id)!.seenCount, 1);
});

test('pollOnce remembers a bad row for as long as windows that hold it may be read', async () => {
  const { sink, commits } = await visibleSink();
  const session = oneAtATime(await sink.openShard(0));
  for (let minute = 1; minute <= 40; minute += 1) {
    const to = window.from + minutes(minute);
    const shows = minute <= 31; // then its minute lies before the lookback
    const source = sourceOf(shows ? [[badRow]] : []);
    const io = { source, session, clock: new VirtualClock(new VirtualTime(to + pace.settleMs)), signal };
    await pollOnce(feed, { from: Math.max(window.from, to - pace.lookbackMs), to }, io);
  }
  assert.equal(commits.flatMap(rowEvents).length, 1);
});

test('pollOnce drops rows from before the origin and counts them', async () => {
  const { sink, commits } = await visibleSink();
  const session = oneAtATime(await sink.openShard(0));
  const source = sourceOf([[leg('acme', 'early', '09:59:59'), leg('acme', 'first', '10:00:00')]]);
  const report = await pollOnce(feed, window, { source, session, clock, signal });
  assert.deepEqual(commits.flatMap(rowEvents).map(({ key }) => key), ['acme/first/1']);
  assert.equal(report.outside, 1);
});

test('pollOnce reports what it did: counts, watermark, keys, duration', async () => {
  const time = new VirtualTime(at('10:05:00'));
  const session = await openFor(feed, new MemorySink());
  const source = sourceOf(pages, () => time.sleep(1_000));
  const polled = pollOnce(feed, window, { source, session, clock: new VirtualClock(time), signal });
  await time.advanceTo(at('10:06:00'));
  assert.deepEqual({ ...await polled, drift: [] }, {
    outcome: 'whole', window, fromWatermarkMs: window.from, watermarkMs: window.to, pages: 3, rows: 6, published: 4,
    corrected: 0, late: 0, beyond: 0, rejected: 1, repeats: 1, outside: 0, delaysMs: [], drift: [], total: undefined,
    received: 1, attempts: 1, adapted: undefined, recovered: 0, seen: 5,
    silence: {
      sinceMs: at('10:00:40'), expectedRows: 0, limitRows: Math.log(1_000), suspicious: false, begins: false,
    },
    durationMs: 4_000,
  });
});

test('pollOnce ends a window with an entry of the ledger and a watermark, in the commit that moves it', async () => {
  const { sink, commits } = await visibleSink();
  const source: Source = {
    async check() {},
    aheadMs: () => 0,
    async *readPages() {
      for (const rows of pages) yield { rows, reading: { total: 9, received: 5, attempts: 2 } };
    },
  };
  await pollUntilDone(sink, source);
  const audits = commits.map(({ events }) =>
    events.filter(({ channel }) => channel === 'ledger' || channel === 'watermarks'));
  assert.deepEqual(audits.slice(0, -1).flat(), []);
  const [entry, watermark] = audits.at(-1)!;
  const { outcome, total, received, fetched, new: fresh, rejected, repeated, commit } = entry!.value;
  assert.deepEqual([outcome, total, received, fetched, fresh, rejected, repeated], ['short', 9, 5, 6, 4, 1, 1]);
  assert.equal(commit, (await sink.openShard(0)).offsetOf(feed.id)!.commits, 'the number of its own commit');
  assert.equal(watermark!.value['completeUpTo'], window.to);
});

// Goal: what 8x8 does not document is told once for ever, also when the commit that tells it fails. Method: rows with
// the same oddities again and again.
for (const fault of ['none', 'lost-before-commit', 'lost-after-commit'] satisfies Fault[]) {
  test(`pollOnce tells of rows that are not as documented once, when the first commit is ${fault}`, async () => {
    const { sink, commits } = await visibleSink((index) => (index === 0 ? fault : 'none'));
    const odd = (callId: string) => ({ ...leg('acme', callId, '10:00:10'), direction: 'Sideways', mood: 'good' });
    for (const callId of ['a', 'b', 'c']) await pollUntilDone(sink, sourceOf([[odd(callId), odd(`${callId}2`)]]));
    const told = commits.flatMap(({ events }) => events).filter(({ channel }) => channel === 'drift');
    const kinds = Map.groupBy(told, ({ value }) => String(value['kind']));
    assert.deepEqual(kinds.get('unknown-field')!.map(({ value }) => [value['field'], value['found']]),
      [['mood', 'string']]);
    assert.deepEqual(kinds.get('new-word')!.map(({ value }) => [value['field'], value['found']]),
      [['direction', 'Sideways']]);
    const missing = kinds.get('missing-field')!.map(({ value }) => value['field']);
    assert.ok(missing.includes('callerName') && new Set(missing).size === missing.length);
  });
}

test('pollOnce measures how late rows come, but only at the live edge', async () => {
  const { sink } = await visibleSink();
  const session = oneAtATime(await sink.openShard(0));
  const rows = [[leg('acme', 'a', '10:00:30'), leg('acme', 'b', '10:00:50')], [leg('acme', 'a', '10:00:30')]];
  const delaysAt = async (clockText: string, read: typeof window): Promise<readonly number[]> => {
    const own = new VirtualClock(new VirtualTime(at(clockText)));
    return (await pollOnce(feed, read, { source: sourceOf(rows), session, clock: own, signal })).delaysMs;
  };
  assert.deepEqual(await delaysAt('10:04:00', window), [210_000, 190_000], 'new rows, each once');
  rows.push([leg('acme', 'c', '10:01:10')]);
  assert.deepEqual(await delaysAt('10:05:01', { from: window.from, to: at('10:02:00') }), [], 'while it catches up');
});

test('pollOnce goes on from the offset of the session, and keeps none of its own', async () => {
  const { sink, commits } = await visibleSink();
  const stale = oneAtATime(await sink.openShard(0));
  const session = oneAtATime(await sink.openShard(0));
  await pollOnce(feed, window, { source: sourceOf(pages), session, clock, signal });
  const polled = pollOnce(feed, window, { source: sourceOf(pages), session: stale, clock, signal });
  await assert.rejects(polled, (error) => error instanceof ConnectorError && error.code === 'SINK_FENCED');
  assertEachLegOnce(commits);
});

test('pollOnce ends the reading when a commit fails, so that no request goes on behind it', async () => {
  const { sink } = await visibleSink(() => 'lost-before-commit');
  let ended = false;
  const source: Source = {
    async check() {},
    aheadMs: () => 0,
    async *readPages() {
      try {
        yield* pages.map(pageOf);
      } finally {
        ended = true;
      }
    },
  };
  await assert.rejects(pollOnce(feed, window, { source, session: oneAtATime(await sink.openShard(0)), clock, signal }));
  assert.ok(ended);
});

test('a clock that is set right during a poll moves no watermark into the future', async () => {
  const { sink } = await visibleSink();
  const session = oneAtATime(await sink.openShard(0));
  const own = new VirtualClock(new VirtualTime(at('10:00:00')));
  own.offsetMs = minutes(120);
  const source = sourceOf([], () => {
    own.offsetMs = 0; // so that the answer finds nothing wrong with it
  });
  const ahead = { from: at('10:00:00'), to: at('12:00:00') };
  await assert.rejects(pollOnce(feed, ahead, { source, session, clock: own, signal }), (error) =>
    error instanceof ConnectorError && error.code === 'CLOCK_AHEAD');
  assert.equal(session.offsetOf(feed.id)!.watermarkMs, feed.originMs);
});
