import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beginAt } from '../../src/feed/step.ts';
import { MemorySink } from '../../src/sink/memory.ts';
import type { Commit } from '../../src/sink/sink.ts';
import { oneAtATime } from '../../src/worker/one-at-a-time.ts';
import { pollOnce } from '../../src/worker/poll.ts';
import { VirtualClock, VirtualTime } from '../world/virtual-time.ts';
import { at, feedOf, pages, rowEvents, sourceOf } from './parts.ts';

const commitOf = (pbxId: string) => ({ feed: feedOf(pbxId).id, events: [], step: beginAt(0) });

test('commits that are asked for side by side are made one after the other, also after one that failed', async () => {
  const session = await new MemorySink().openShard(0);
  const order: string[] = [];
  let [under, most] = [0, 0];
  const shared = oneAtATime({
    ...session,
    async commit({ feed }) {
      most = Math.max(most, (under += 1));
      for (let wait = 0; wait < 5; wait += 1) await Promise.resolve();
      under -= 1;
      order.push(feed.pbxId);
      if (feed.pbxId === 'bad') throw new Error('a failure');
    },
  });
  const made = ['a', 'bad', 'b'].map((pbxId) => shared.commit(commitOf(pbxId)));
  const outcomes = await Promise.allSettled(made);
  assert.deepEqual([order, most], [['a', 'bad', 'b'], 1]);
  assert.deepEqual(outcomes.map(({ status }) => status), ['fulfilled', 'rejected', 'fulfilled']);
});

test('two passes that read the same row at the same time publish it once', async () => {
  const feed = feedOf('acme');
  const window = { from: at('10:00:00'), to: at('10:01:00') };
  const [clock, { signal }] = [new VirtualClock(new VirtualTime(at('10:05:00'))), new AbortController()];
  const commits: Commit[] = [];
  const session = oneAtATime(await new MemorySink({ onCommit: (commit) => void commits.push(commit) }).openShard(0));
  const passes = [feed, feedOf('acme', { id: { ...feed.id, pass: 'history' } })];
  for (const { id } of passes) await session.commit({ feed: id, events: [], step: beginAt(window.from) });
  const source = sourceOf(pages);
  await Promise.all(passes.map((pass) => pollOnce(pass, window, { source, session, clock, signal })));
  const legs = commits.flatMap(rowEvents).filter(({ channel }) => channel === 'accepted').map(({ key }) => key);
  assert.deepEqual(legs.sort(), ['acme/a/1', 'acme/b/1', 'acme/c/1', 'acme/d/1']);
});
