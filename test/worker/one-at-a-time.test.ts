import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beginAt } from '../../src/feed/step.ts';
import { MemorySink } from '../../src/sink/memory.ts';
import { oneAtATime } from '../../src/worker/one-at-a-time.ts';
import { feedOf } from './parts.ts';

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
