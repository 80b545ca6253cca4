import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OVERLAP_MIN_MS, RETENTION_MS } from '../../src/feed/window.ts';
import { MemorySink, type Fault } from '../../src/sink/memory.ts';
import type { Commit } from '../../src/sink/sink.ts';
import type { Source } from '../../src/source/source.ts';
import { runWorker, type WorkerEvent } from '../../src/worker/worker.ts';
import { VirtualClock, VirtualTime } from '../world/virtual-time.ts';
import { at, feedOf, minutes } from './parts.ts';

// Goal: a span that 8x8 no longer keeps is told of once, whatever becomes of the commit. Method: a new feed begins
// beyond the two years; its commits are lost in turn, before and after they took effect, and the worker goes on.

const START = at('10:05:00');
const HOUR = minutes(60);
const ANSWER_MS = 1_000;

/** A worker whose feed begins `behindMs` before what 8x8 keeps, run for a while of virtual time. */
async function run(sink: MemorySink, behindMs: number, events: WorkerEvent[] = [], endMs?: number): Promise<void> {
  const time = new VirtualTime(START);
  const stop = new AbortController();
  const source: Source = { async check() {}, aheadMs: () => 0, async *readPages(_, signal) {
    await time.sleep(ANSWER_MS, signal);
  } };
  const feed = feedOf('acme', { originMs: START - RETENTION_MS - behindMs, ...(endMs === undefined ? {} : { endMs }) });
  const listen = (event: WorkerEvent): void => void events.push(event);
  const parts = { feeds: [feed], source, sink, random: () => 0, clock: new VirtualClock(time), listen };
  const running = runWorker(parts, stop.signal);
  await time.advanceTo(START + minutes(1));
  stop.abort();
  await running;
}

const gapsOf = (commits: readonly Commit[]): Commit[] =>
  commits.filter(({ events }) => events.some(({ value }) => value['code'] === 'RETENTION_GAP'));

for (const fault of ['lost-before-commit', 'lost-after-commit'] satisfies Fault[]) {
  for (const lost of [0, 1, 2]) {
    test(`a gap is told of once when commit ${lost} is ${fault}, and when the worker starts again`, async () => {
      const commits: Commit[] = [];
      const faultOf = (index: number): Fault => (index === lost ? fault : 'none');
      const sink = new MemorySink({ faultOf, onCommit: (commit) => void commits.push(commit) });
      await run(sink, 3 * 24 * HOUR);
      await run(sink, 30 * 24 * HOUR); // where it begins is committed: another START_FROM changes nothing

      const [gap, ...more] = gapsOf(commits);
      assert.equal(more.length, 0);
      assert.deepEqual(gap!.events.map(({ channel }) => channel), ['rejected', 'ledger', 'watermarks']);
      const { windowFrom, windowTo } = gap!.events[0]!.value;
      assert.equal(windowFrom, START - RETENTION_MS - 3 * 24 * HOUR, 'from where it began');
      assert.ok(Number(windowTo) >= START - RETENTION_MS + 2 * HOUR, 'to well within what 8x8 keeps');
      assert.deepEqual([gap!.step.watermarkMs, gap!.step.seenFromMs], [windowTo, windowTo], 'in one commit with it');
      const next = commits[commits.indexOf(gap!) + 1]!;
      assert.equal(next.step.scan!.window.from, Number(windowTo) - OVERLAP_MIN_MS, 'and nothing is left out behind it');
    });
  }
}

test('the worker tells of the gap, and of its span', async () => {
  const events: WorkerEvent[] = [];
  await run(new MemorySink(), HOUR, events);
  const told = events.filter((event) => event.kind === 'gap').map(({ feed, gap }) => [feed.id.pbxId, gap]);
  const kept = START - RETENTION_MS;
  assert.deepEqual(told, [['acme', { from: kept - HOUR, to: kept + ANSWER_MS + 2 * HOUR }]]);
});

test('a backfill that lies wholly beyond what 8x8 keeps is one gap, and then done', async () => {
  const commits: Commit[] = [];
  const endMs = START - RETENTION_MS - HOUR;
  await run(new MemorySink({ onCommit: (commit) => void commits.push(commit) }), 5 * HOUR, [], endMs);
  assert.deepEqual(commits.map(({ step }) => step.watermarkMs), [START - RETENTION_MS - 5 * HOUR, endMs]);
  assert.equal(gapsOf(commits).length, 1);
});
