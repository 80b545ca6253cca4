import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectorError, type ErrorCode } from '../../src/errors.ts';
import { shardOf, type Shard } from '../../src/feed/feed.ts';
import { MemorySink } from '../../src/sink/memory.ts';
import type { Commit, ShardSession, Sink } from '../../src/sink/sink.ts';
import type { Source } from '../../src/source/source.ts';
import { runWorker, type WorkerEvent } from '../../src/worker/worker.ts';
import { settle, VirtualClock, VirtualTime } from '../world/virtual-time.ts';
import { at, feedOf, leg, minutes, pageOf, rowEvents, sourceOf } from './parts.ts';

const SHARDS = 3;
const feeds = ['acme', 'globex', 'initech', 'umbrella', 'hooli'].map((pbxId) => feedOf(pbxId));
const shards = [...new Set(feeds.map((feed) => shardOf(feed.id, SHARDS)))].sort();
const home = shardOf(feeds[0]!.id, SHARDS);

interface Trouble {
  readonly open?: (count: number) => ErrorCode | undefined;
  readonly commit?: (count: number) => ErrorCode | undefined;
}

/** A memory sink whose ownership is told by the test, and that fails when it is told to. */
class ToldSink implements Sink {
  readonly guarantee = 'exactly-once';
  readonly shardCount = SHARDS;
  readonly inner: MemorySink;
  readonly trouble: Trouble;
  opened = 0;
  openNow = 0;
  #commits = 0;
  #sets: ReadonlySet<Shard>[] = [];
  #wake: () => void = () => undefined;
  #broken = false;

  constructor(inner: MemorySink, trouble: Trouble = {}) {
    this.inner = inner;
    this.trouble = trouble;
  }

  own(...owned: Shard[]): void {
    this.#sets.push(new Set(owned));
    this.#wake();
  }

  breakOwnership(): void {
    this.#broken = true;
    this.#wake();
  }

  async check(): Promise<void> {}
  async close(): Promise<void> {}

  async *ownedShards(signal: AbortSignal): AsyncIterable<ReadonlySet<Shard>> {
    signal.addEventListener('abort', () => this.#wake());
    while (!signal.aborted) {
      if (this.#broken) throw new Error('the group is gone');
      const next = this.#sets.shift();
      if (next !== undefined) yield next;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async openShard(shard: Shard): Promise<ShardSession> {
    this.opened += 1;
    const code = this.trouble.open?.(this.opened);
    if (code !== undefined) throw new ConnectorError(code, 'the test says so');
    const session = await this.inner.openShard(shard);
    this.openNow += 1;
    return {
      ...session,
      commit: async (commit) => {
        this.#commits += 1;
        const failure = this.trouble.commit?.(this.#commits);
        if (failure !== undefined) throw new ConnectorError(failure, 'the test says so');
        await session.commit(commit);
      },
      close: async () => {
        this.openNow -= 1;
        await session.close();
      },
    };
  }
}

interface Heard {
  readonly atMs: number;
  readonly event: WorkerEvent;
}

function worker(trouble: Trouble = {}, source: Source = sourceOf([]), of = feeds) {
  const time = new VirtualTime(at('10:05:00'));
  const commits: Commit[] = [];
  const onCommit = (commit: Commit) => void commits.push(commit);
  const sink = new ToldSink(new MemorySink({ shardCount: SHARDS, onCommit }), trouble);
  const stop = new AbortController();
  const heard: Heard[] = [];
  const listen = (event: WorkerEvent) => void heard.push({ atMs: time.nowMs(), event });
  const options = { feeds: of, source, sink, clock: new VirtualClock(time), random: () => 1, listen };
  const running = runWorker(options, stop.signal);
  running.catch(() => undefined);
  const kinds = (kind: WorkerEvent['kind']) => heard.filter(({ event }) => event.kind === kind);
  const afterMs = (kind: WorkerEvent['kind']) => kinds(kind).map(({ atMs }) => atMs - at('10:05:00'));
  return { time, sink, stop, heard, running, commits, kinds, afterMs };
}

test('runWorker serves the shards it owns, all feeds of each', async () => {
  const { time, sink, kinds, stop, running } = worker();
  sink.own(...shards);
  await time.advanceTo(at('10:05:30'));
  assert.deepEqual(kinds('shard-opened').length, shards.length);
  const polled = kinds('polled').map(({ event }) => 'feed' in event && event.feed.id.pbxId);
  assert.deepEqual(polled.sort(), feeds.map(({ id }) => id.pbxId).sort());
  stop.abort();
  await running;
});

test('runWorker tells which of its shards have feeds, and how many have', async () => {
  const { time, sink, kinds } = worker({}, sourceOf([]), [feeds[0]!]);
  sink.own(0, 1, 2);
  await time.advanceTo(at('10:05:01'));
  assert.deepEqual(kinds('shards-owned').map(({ event }) => event),
    [{ kind: 'shards-owned', shards: new Set([home]), feeds: [feeds[0]], of: 1 }]);
  assert.equal(sink.opened, 1, 'a shard without feeds needs no session');
});

test('runWorker stops cleanly: sessions closed, no timer left, no time passed', async () => {
  const { time, sink, stop, running } = worker();
  sink.own(...shards);
  await time.advanceTo(at('10:05:30'));
  stop.abort();
  await running;
  assert.equal(time.pending, 0);
  assert.equal(sink.openNow, 0);
  assert.equal(time.nowMs(), at('10:05:30'));
});

test('runWorker stops cleanly in the middle of a page', async () => {
  const time = new VirtualTime(0);
  const source: Source = { async check() {}, aheadMs: () => 0, async *readPages(_, signal) {
    await time.sleep(minutes(5), signal);
    signal.throwIfAborted();
    yield pageOf([leg('acme', 'a', '10:01:00')]);
  } };
  const { sink, stop, running, heard, commits } = worker({}, source);
  sink.own(...shards);
  await settle();
  stop.abort(new Error('stopped by a signal'));
  await running;
  assert.equal(time.pending, 0);
  assert.deepEqual(commits.flatMap(({ events }) => events), []);
  assert.ok(heard.every(({ event }) => event.kind !== 'shard-failed' && event.kind !== 'poll-failed'));
});

test('runWorker lets go of a lost shard, and takes it again when it is given back', async () => {
  const { time, sink, kinds } = worker();
  sink.own(...shards);
  await time.advanceTo(at('10:06:30'));
  sink.own();
  await time.advanceTo(at('10:06:31'));
  assert.equal(sink.openNow, 0);
  const before = kinds('polled').length;
  await time.advanceTo(at('10:20:00'));
  assert.equal(kinds('polled').length, before, 'nothing is polled that is not ours');
  sink.own(home);
  await time.advanceTo(at('10:21:00'));
  assert.equal(sink.openNow, 1);
  assert.ok(kinds('polled').length > before);
  const standings = kinds('shard-opened').flatMap(({ event }) => (event.kind === 'shard-opened' ? event.feeds : []))
    .filter(({ feed }) => feed === feeds[0]).map(({ watermarkMs }) => watermarkMs);
  assert.deepEqual(standings, [feeds[0]!.originMs, at('10:04:00')], 'it is told where a feed stands');
});

test('runWorker takes a shard back only when its own last session is closed', async () => {
  const time = new VirtualTime(0);
  // Deaf to the signal for a minute, as a page of a slow server may be.
  const source: Source = { async check() {}, aheadMs: () => 0, async *readPages() {
    await time.sleep(minutes(1));
    yield pageOf([]);
  } };
  const { sink, kinds } = worker({}, source);
  sink.own(home);
  await settle();
  sink.own();
  sink.own(home);
  await settle();
  assert.deepEqual([sink.opened, sink.openNow], [1, 1]);
  await time.advanceTo(minutes(1));
  assert.deepEqual([sink.opened, sink.openNow], [2, 1]);
  assert.deepEqual(kinds('shard-closed').length, 1);
});

test('runWorker keeps a shard as it is when only others change', async () => {
  const { time, sink } = worker();
  sink.own(home);
  await time.advanceTo(at('10:05:10'));
  sink.own(...shards);
  sink.own(home);
  await time.advanceTo(at('10:05:20'));
  assert.equal(sink.opened, shards.length);
  assert.equal(sink.openNow, 1);
});

test('runWorker backs off between sessions: from 100 ms, doubled, up to 10 s', async () => {
  const { time, sink, kinds } = worker({ open: () => 'SINK_UNAVAILABLE' });
  sink.own(home);
  await time.advanceTo(at('10:06:00'));
  const rests = kinds('shard-failed').map(({ event }) => (event as { retryInMs: number }).retryInMs);
  assert.deepEqual(rests.slice(0, 10), [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000]);
});

test('runWorker backs off from the start again once a poll has gone through', async () => {
  const lost = new Set([1, 2, 3, 6]);
  const trouble: Trouble = { commit: (count) => (lost.has(count) ? 'SINK_OUTCOME_UNKNOWN' : undefined) };
  const { time, sink, kinds } = worker(trouble, sourceOf([]), [feeds[0]!]);
  sink.own(home);
  await time.advanceTo(at('10:10:00'));
  const rests = kinds('shard-failed').map(({ event }) => (event as { retryInMs: number }).retryInMs);
  assert.deepEqual(rests, [100, 200, 400, 100]);
});

test('runWorker opens a new session after a lost commit, and reads on from what that one knows', async () => {
  const source = sourceOf([[leg('acme', 'a', '10:01:00')], [leg('acme', 'b', '10:02:00')]]);
  const time = new VirtualTime(at('10:05:00'));
  const commits: Commit[] = [];
  const lost = ['lost-after-commit', 'lost-before-commit'] as const;
  const onCommit = (commit: Commit) => void commits.push(commit);
  const inner = new MemorySink({ faultOf: (index) => lost[index] ?? 'none', onCommit });
  const stop = new AbortController();
  const running = runWorker({ feeds: [feeds[0]!], source, sink: inner, clock: new VirtualClock(time), random: () => 0,
    listen: () => undefined }, stop.signal);
  await time.advanceTo(at('10:05:20'));
  assert.deepEqual(commits.flatMap(rowEvents).map(({ key }) => key), ['acme/a/1', 'acme/b/1']);
  stop.abort();
  await running;
});

const fencedOnce: Trouble = { commit: (count) => (count === 1 ? 'SINK_FENCED' : undefined) };

test('runWorker rests at least two seconds before it reopens a session that another has fenced', async () => {
  const { time, sink, afterMs } = worker(fencedOnce, sourceOf([]), [feeds[0]!]);
  sink.own(home);
  await time.advanceTo(at('10:05:10'));
  assert.deepEqual(afterMs('shard-failed'), [0]);
  assert.deepEqual(afterMs('shard-opened'), [0, 2_000]);
});

test('runWorker does not reopen a fenced shard that it loses meanwhile', async () => {
  const { time, sink, afterMs } = worker(fencedOnce, sourceOf([]), [feeds[0]!]);
  sink.own(home);
  await time.advanceTo(at('10:05:01'));
  sink.own();
  await time.advanceTo(at('10:09:00'));
  assert.deepEqual(afterMs('shard-opened'), [0]);
  assert.equal(time.pending, 0);
});

for (const code of ['SINK_REFUSED', 'OFFSETS_INVALID'] satisfies ErrorCode[]) {
  test(`runWorker ends with ${code}, and all its shards with it`, async () => {
    const { time, sink, running } = worker({ open: (count) => (count === 2 ? code : undefined) });
    sink.own(...shards);
    await time.advanceTo(at('10:05:05'));
    await assert.rejects(running, (error) => error instanceof ConnectorError && error.code === code);
    assert.equal(sink.openNow, 0);
    assert.equal(time.pending, 0);
  });
}

test('runWorker ends with an error that nobody foresaw', async () => {
  const source = sourceOf([[]], () => {
    throw new TypeError('a bug');
  });
  const { time, sink, running } = worker({}, source);
  sink.own(...shards);
  await time.advanceTo(at('10:05:05'));
  await assert.rejects(running, TypeError);
  assert.equal(time.pending, 0);
});

test('runWorker reports a failed poll and keeps its session', async () => {
  const { time, sink, kinds } = worker({}, sourceOf([[]], () => {
    throw new ConnectorError('SOURCE_PBX_REFUSED', 'not this one', { retryAfterMs: minutes(15) });
  }), [feeds[0]!]);
  sink.own(home);
  await time.advanceTo(at('10:21:00'));
  assert.equal(kinds('poll-failed').length, 2);
  assert.equal(sink.opened, 1);
});

// Whoever embeds the connector gets the error; nothing may go on publishing behind it.
test('runWorker ends its shards when the group breaks', async () => {
  const { time, sink, running } = worker({}, sourceOf([]), [feeds[0]!]);
  sink.own(home);
  await time.advanceTo(at('10:05:10'));
  sink.breakOwnership();
  await time.advanceTo(at('10:05:20'));
  await assert.rejects(running, /the group is gone/);
  assert.deepEqual([sink.openNow, time.pending], [0, 0]);
});
