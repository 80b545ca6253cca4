import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectorError } from '../../src/errors.ts';
import { RETENTION_MS } from '../../src/feed/window.ts';
import { MemorySink } from '../../src/sink/memory.ts';
import type { Commit } from '../../src/sink/sink.ts';
import type { ReadRequest } from '../../src/source/source.ts';
import { oneAtATime } from '../../src/worker/one-at-a-time.ts';
import { runShard } from '../../src/worker/shard-loop.ts';
import { VirtualClock, VirtualTime } from '../world/virtual-time.ts';
import { at, feedOf, leg, minutes, sourceOf, unavailable } from './parts.ts';
import { startShard, type Answer } from './virtual-shard.ts';

const failingAt = (moment: string) => (_: ReadRequest, nowMs: number): Answer =>
  nowMs === at(moment) ? { fail: unavailable() } : {};

test('runShard polls a feed once a shortest step when it is up to date', async () => {
  const { time, polls, stop, running } = await startShard([feedOf('acme')], () => ({}));
  await time.advanceTo(at('10:07:00'));
  assert.deepEqual(polls.map((poll) => [poll.at, poll.outcome]),
    [['10:05:00', 'to 10:03:00'], ['10:06:00', 'to 10:04:00'], ['10:07:00', 'to 10:05:00']]);
  stop.abort();
  await running;
});

test('runShard sweeps first, and then every sweepEvery', async () => {
  const { time, windows } = await startShard([feedOf('acme', { originMs: at('09:00:00') })], () => ({}));
  await time.advanceTo(at('10:26:00'));
  const reach = ({ from }: { from: string }, index: number) =>
    (at(windows[index - 1]?.to ?? '09:00:00') - at(from)) / minutes(1);
  const sweeps = windows.map((window, index) => `${index}: ${reach(window, index)}`)
    .filter((text) => text.endsWith(': 30'));
  assert.deepEqual(sweeps, ['11: 30', '21: 30'], 'the very first sweep has nothing behind its origin');
});

test('runShard commits where a new feed begins before it is polled, and only then', async () => {
  const time = new VirtualTime(at('10:05:00'));
  const commits: Commit[] = [];
  const sink = new MemorySink({ onCommit: (commit) => void commits.push(commit) });
  const source = sourceOf([], () => Promise.reject(unavailable()));
  // The first start fails all its polls; the second would begin later, because "24h ago" has moved on.
  for (const originMs of [at('10:00:00'), at('10:03:00')]) {
    const stop = new AbortController();
    const session = oneAtATime(await sink.openShard(0));
    const io = { source, session, clock: new VirtualClock(time), signal: stop.signal };
    const running = runShard([feedOf('acme', { originMs })], io, () => undefined);
    await time.advanceTo(time.nowMs() + minutes(3));
    stop.abort();
    await running;
  }
  const begin = { watermarkMs: at('10:00:00'), seenFromMs: at('10:00:00'), seen: [] };
  assert.deepEqual(commits.map(({ step, events }) => ({ step, events })), [{ step: begin, events: [] }]);
});

test('runShard rests a feed for a shortest step after a retry, and the others go on', async () => {
  let failures = 0;
  const { time, polls, pollsOf } = await startShard([feedOf('acme'), feedOf('globex')], ({ pbxId }) =>
    pbxId === 'acme' && (failures += 1) <= 2 ? { fail: unavailable() } : {});
  await time.advanceTo(at('10:08:00'));
  assert.deepEqual(pollsOf('acme'), ['10:05:00', '10:06:00', '10:07:00', '10:08:00']);
  assert.deepEqual(pollsOf('globex'), ['10:05:00', '10:06:00', '10:07:00', '10:08:00']);
  assert.deepEqual(polls.filter(({ pbxId }) => pbxId === 'acme').map(({ outcome }) => outcome),
    ['SOURCE_UNAVAILABLE', 'SOURCE_UNAVAILABLE', 'to 10:05:00', 'to 10:06:00']);
});

test('runShard rests a feed for retryAfterMs when that is longer', async () => {
  const { time, pollsOf } = await startShard([feedOf('acme'), feedOf('globex')], ({ pbxId }, nowMs) =>
    pbxId === 'acme' && nowMs === at('10:05:00') ? { fail: unavailable(minutes(7)) } : {});
  await time.advanceTo(at('10:12:30'));
  assert.deepEqual(pollsOf('acme'), ['10:05:00', '10:12:00']);
  assert.equal(pollsOf('globex').length, 8);
});

test('runShard counts the rest from the failure on, not from the start of the poll', async () => {
  const { time, pollsOf } = await startShard([feedOf('acme')], (_, nowMs) =>
    nowMs === at('10:05:00') ? { fail: unavailable(), tookMs: 90_000 } : {});
  await time.advanceTo(at('10:07:45'));
  assert.deepEqual(pollsOf('acme'), ['10:06:30', '10:07:30']);
});

test('runShard plans the same window again after a failure, and it may have grown', async () => {
  const { time, windows } = await startShard([feedOf('acme')], failingAt('10:05:00'));
  await time.advanceTo(at('10:06:00'));
  assert.deepEqual(windows.map(({ from, to }) => [from, to]), [['09:59:58', '10:03:00'], ['09:59:58', '10:04:00']]);
});

test('runShard sweeps again after a sweep that failed', async () => {
  const feed = feedOf('acme', { originMs: at('09:00:00') });
  const { time, windows } = await startShard([feed], failingAt('10:15:00'));
  await time.advanceTo(at('10:16:00'));
  assert.deepEqual(windows.slice(-2).map(({ from, to }) => [from, to]),
    [['09:42:00', '10:13:00'], ['09:42:00', '10:14:00']]);
});

test('runShard lets a feed at the live edge have its turns while another catches up', async () => {
  const behind = feedOf('behind', { originMs: at('00:00:00') });
  const { time, polls } = await startShard([behind, feedOf('acme')], () => ({ tookMs: 10_000 }));
  await time.advanceTo(at('10:06:50'));
  assert.deepEqual(polls.slice(0, 4).map(({ pbxId }) => pbxId), ['behind', 'acme', 'behind', 'behind']);
  assert.ok(polls.filter(({ pbxId }) => pbxId === 'acme').length >= 2);
});

test('runShard throws an error that asks for a new session, and does not report it', async () => {
  const { time, polls, running } = await startShard([feedOf('acme')], () =>
    ({ fail: new ConnectorError('SINK_OUTCOME_UNKNOWN', 'lost') }));
  await time.advanceTo(at('10:05:01'));
  await assert.rejects(running, (error) => error instanceof ConnectorError && error.code === 'SINK_OUTCOME_UNKNOWN');
  assert.deepEqual(polls, []);
});

test('runShard throws an error that nobody foresaw: a bug is not tried again', async () => {
  const { time, running } = await startShard([feedOf('acme')], () => ({ fail: new TypeError('a bug') }));
  await time.advanceTo(at('10:05:01'));
  await assert.rejects(running, TypeError);
});

test('runShard ends when every feed has come to its end', async () => {
  const { time, polls, running } = await startShard([feedOf('acme', { endMs: at('10:03:30') })], () => ({}));
  await time.advanceTo(at('10:06:00'));
  await running;
  assert.deepEqual(polls.map(({ outcome }) => outcome), ['to 10:03:00', 'to 10:03:30']);
});

for (const { name, stopAt, tookMs } of [
  { name: 'asleep', stopAt: '10:05:30', tookMs: 0 },
  { name: 'in a page', stopAt: '10:05:05', tookMs: 10_000 },
]) {
  test(`runShard stops at once while it is ${name}, without an error and without a timer left`, async () => {
    const rows = [leg('acme', 'a', '10:01:00')];
    const { time, stop, running } = await startShard([feedOf('acme')], () => ({ tookMs, rows }));
    await time.advanceTo(at(stopAt));
    stop.abort(new Error('stopped by a signal'));
    await running;
    assert.equal(time.pending, 0);
    assert.equal(time.nowMs(), at(stopAt));
  });
}

test('runShard does nothing while the clock is behind its watermark, and goes on from there', async () => {
  const { time, clock, polls } = await startShard([feedOf('acme')], () => ({}));
  await time.advanceTo(at('10:05:30'));
  clock.offsetMs = -minutes(20);
  await time.advanceTo(at('10:25:59'));
  assert.equal(polls.length, 1);
  await time.advanceTo(at('10:26:00'));
  assert.equal(polls.at(-1)!.outcome, 'to 10:04:00');
});

test('runShard ends windows by the slower clock, and lets no watermark into the future', async () => {
  const { time, clock, stop, windows, polls, running } = await startShard([feedOf('acme')], () => ({}));
  await time.advanceTo(at('10:06:00'));
  clock.offsetMs = minutes(120);
  await time.advanceTo(at('10:10:30'));
  stop.abort();
  await running;

  assert.equal(polls.filter(({ outcome }) => outcome === 'CLOCK_AHEAD').length, 1, 'the first answer tells');
  const later = windows.slice(windows.findIndex(({ to }) => to > '11') + 1);
  assert.ok(later.length > 2, 'and the feed goes on');
  for (const { to } of later) assert.ok(to <= '10:08:30', to);
});

test('runShard ends a rest that began in the future, when the clock was set back', async () => {
  const { time, clock, stop, windows, running } = await startShard([feedOf('acme')], (_, nowMs) =>
    nowMs > at('12:00:00') ? { fail: unavailable(minutes(15)) } : {});
  await time.advanceTo(at('10:05:30'));
  clock.offsetMs = minutes(120);
  await time.advanceTo(at('10:08:00')); // it has failed by now, and rests until 12:21 of the wrong clock
  clock.offsetMs = 0;
  const before = windows.length;
  await time.advanceTo(at('10:30:00'));
  stop.abort();
  await running;
  assert.ok(windows.length > before + 5, `${windows.length} windows, ${before} before`);
});

test('runShard passes what 8x8 no longer keeps in one commit that says so, and goes on from there', async () => {
  const originMs = at('10:05:00') - RETENTION_MS - minutes(30);
  const { time, stop, polls, commits, running } = await startShard([feedOf('acme', { originMs })], () => ({}));
  await time.advanceTo(at('10:05:01'));
  stop.abort();
  await running;
  const [, skipped] = commits;
  assert.deepEqual(polls.slice(0, 2).map(({ outcome }) => outcome), ['gap to 12:05:00', 'to 13:05:00']);
  const to = at('12:05:00') - RETENTION_MS;
  assert.deepEqual([skipped!.step.watermarkMs, skipped!.step.seenFromMs], [to, to]);
  assert.deepEqual(skipped!.events.map(({ channel, value }) =>
    [channel, value['code'] ?? value['outcome'], value['windowFrom'], value['windowTo'] ?? value['completeUpTo']]), [
    ['rejected', 'RETENTION_GAP', originMs, to],
    ['ledger', 'gap', originMs, to],
    ['watermarks', undefined, undefined, to],
  ]);
});

test('runShard asks 8x8 before it passes anything, and passes nothing while it cannot', async () => {
  const originMs = at('10:05:00') - RETENTION_MS;
  const { time, stop, polls, commits, running } =
    await startShard([feedOf('acme', { originMs })], () => ({ fail: unavailable() }));
  await time.advanceTo(at('10:15:00'));
  stop.abort();
  await running;
  assert.ok(polls.length > 3 && polls.every(({ outcome }) => outcome === 'SOURCE_UNAVAILABLE'));
  assert.equal(commits.length, 1, 'where it begins, and no more');
});
