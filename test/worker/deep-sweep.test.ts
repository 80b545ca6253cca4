import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemorySink } from '../../src/sink/memory.ts';
import type { Commit } from '../../src/sink/sink.ts';
import type { ReadRequest } from '../../src/source/source.ts';
import { runWorker, type WorkerEvent } from '../../src/worker/worker.ts';
import { VirtualClock, VirtualTime } from '../world/virtual-time.ts';
import { at, feedOf, leg, minutes, pace, pageOf, rowEvents } from './parts.ts';
import { clockText } from './virtual-shard.ts';

/** Half an hour of lookback, and looked for once more at the age of one and of two hours. */
const deep = feedOf('acme', { pace: { ...pace, deepSweepsMs: [minutes(60), minutes(120)] } });

interface Shown {
  readonly callId: string;
  readonly endMs: number;
  readonly shownMs: number;
}

/** A row every five minutes, seen at once; and those that are given, when they are shown. */
function rowsOf(late: readonly Shown[]): readonly Shown[] {
  const punctual = Array.from({ length: 120 }, (_, index) => {
    const endMs = at('08:00:10') + minutes(5 * index);
    return { callId: `punctual-${index}`, endMs, shownMs: endMs };
  });
  return [...punctual, ...late];
}

class Life {
  readonly time = new VirtualTime(at('10:05:00'));
  readonly commits: (Commit & { readonly atMs: number })[] = [];
  readonly requests: (ReadRequest & { readonly atMs: number })[] = [];
  readonly events: WorkerEvent[] = [];
  readonly sink = new MemorySink({
    onCommit: (commit) => void this.commits.push({ ...commit, atMs: this.time.nowMs() }),
  });
  readonly #rows: readonly Shown[];

  constructor(late: readonly Shown[]) {
    this.#rows = rowsOf(late);
  }

  /** A worker from now until a time. */
  async work(until: string, feed = deep): Promise<void> {
    const { time, requests } = this;
    const stop = new AbortController();
    const rows = this.#rows;
    const source = {
      async check() {},
      aheadMs: () => 0,
      async *readPages(request: ReadRequest) {
        requests.push({ ...request, atMs: time.nowMs() });
        const { from, to } = request.window;
        const shown = rows.filter(({ endMs, shownMs }) => endMs >= from && endMs < to && shownMs <= time.nowMs());
        yield pageOf(shown.map(({ callId, endMs }) => leg('acme', callId, clockText(endMs))));
      },
    };
    const running = runWorker({
      feeds: [feed], source, sink: this.sink, clock: new VirtualClock(time), random: () => 0.5,
      listen: (event) => void this.events.push(event),
    }, stop.signal);
    await time.advanceTo(at(until));
    stop.abort();
    await time.advanceTo(time.nowMs() + 1_000);
    await running;
  }

  published(): readonly string[] {
    return this.commits.flatMap((commit) =>
      rowEvents(commit).map(({ value }) => `${String(value['pass'])} ${String(value['callId'])}`));
  }

  /** What is published, and by which pass, but for what was punctual. */
  late(): readonly string[] {
    return this.published().filter((name) => !name.includes('punctual'));
  }
}

const late = (callId: string, ended: string, shown: string): Shown =>
  ({ callId, endMs: at(ended), shownMs: at(shown) });

test('a row that is shown later than the lookback is found by the first deep sweep behind that, once', async () => {
  const life = new Life([late('soon', '10:31:00', '11:20:00'), late('later', '10:32:00', '12:10:00')]);
  await life.work('15:00:00');
  assert.deepEqual(life.late(), ['deep-60m soon', 'deep-2h later']);
  assert.equal(new Set(life.published()).size, life.published().length);
});

test('without deep sweeps it is not found, and no key is kept', async () => {
  const life = new Life([late('soon', '10:31:00', '11:20:00')]);
  await life.work('15:00:00', feedOf('acme'));
  assert.deepEqual(life.late(), []);
  assert.ok(life.commits.every(({ step }) => step.sealFromMs === undefined));
});

test('what the live feed has forgotten is not published again, also not by another owner of the shard', async () => {
  const life = new Life([]);
  for (const until of ['11:10:00', '12:40:00', '15:00:00']) await life.work(until);
  const names = life.published().map((name) => name.split(' ')[1]);
  assert.equal(new Set(names).size, names.length);
  assert.ok(life.requests.some(({ atMs, window }) => window.to <= atMs - minutes(120)), 'it was read at that age');
});

test('a deep sweep leaves what a person has skipped unread', async () => {
  const life = new Life([]);
  await life.work('10:30:00');
  life.sink.changeOffset(deep.id, { kind: 'reset', to: { timeMs: at('12:00:00') } });
  await life.time.advanceTo(at('12:05:00'));
  await life.work('15:00:00');
  const times = life.commits.flatMap(rowEvents).map(({ eventTimeMs }) => eventTimeMs);
  // Sweeps of the live feed itself reach half an hour back.
  assert.deepEqual(times.filter((ms) => ms >= at('10:30:00') && ms < at('11:29:00')), []);
  assert.ok(times.some((ms) => ms > at('12:00:00')));
});

test('a live feed goes first: a deep sweep asks in the background', async () => {
  const life = new Life([]);
  await life.work('13:30:00');
  const background = life.requests.filter((request) => request.background);
  assert.ok(background.length > 0);
  assert.ok(background.every(({ atMs, window }) => window.to <= atMs - minutes(60)));
  assert.ok(life.requests.some((request) => !request.background));
});

test('a deep sweep that is paused stands still, and goes on where it stood', async () => {
  const life = new Life([late('soon', '10:31:00', '11:20:00')]);
  const feed = { ...deep, pace: { ...pace, deepSweepsMs: [minutes(60)] } };
  const id = { ...deep.id, pass: 'deep-60m' };
  await life.work('11:15:00', feed);
  life.sink.changeOffset(id, { kind: 'pause' });
  await life.work('14:00:00', feed);
  assert.deepEqual(life.late(), []);
  life.sink.changeOffset(id, { kind: 'resume' });
  await life.work('15:00:00', feed);
  assert.deepEqual(life.late(), ['deep-60m soon']);
});

test('what a deep sweep finds counts as beyond the lookback, and says nothing of the delays at the edge', async () => {
  const life = new Life([late('soon', '10:31:00', '11:20:00')]);
  await life.work('13:00:00');
  const reports = life.events.flatMap((event) => event.kind === 'polled' ? [event] : []);
  const found = reports.filter(({ report }) => report.beyond > 0);
  assert.deepEqual(found.map(({ feed: { id }, report }) => [id.pass, report.beyond, report.delaysMs]),
    [['deep-60m', 1, []]]);
  const told = life.commits.flatMap(({ events }) => events)
    .filter(({ channel, value }) => channel === 'ledger' && value['beyond'] === 1);
  assert.deepEqual(told.map(({ value }) => value['pass']), ['deep-60m']);
});

test('a shard whose deep sweeps have nothing to do commits nothing for them', async () => {
  const life = new Life([]);
  await life.work('12:59:00');
  const own = life.commits.filter(({ feed: { pass } }) => pass === 'deep-2h');
  assert.ok(own.length > 0 && own.length < 5, `${own.length} commits`);
});
