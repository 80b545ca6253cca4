import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectorError } from '../../src/errors.ts';
import { MemorySink } from '../../src/sink/memory.ts';
import type { Sink } from '../../src/sink/sink.ts';
import type { Source } from '../../src/source/source.ts';
import { runWorker } from '../../src/worker/worker.ts';
import { VirtualClock, VirtualTime } from '../world/virtual-time.ts';
import { at, feedOf, leg, pageOf } from './parts.ts';

test('runWorker gives every feed its turn while the commits of another always fail', async () => {
  const time = new VirtualTime(at('10:05:00'));
  const polled = new Set<string>();
  const pbxIds = ['acme', 'globex', 'initech'];
  const inner = new MemorySink();
  // As a page that the broker will never take: the session opens, and dies with the same feed each time.
  const sink: Sink = {
    guarantee: inner.guarantee,
    shardCount: inner.shardCount,
    check: () => inner.check(),
    ownedShards: (signal) => inner.ownedShards(signal),
    close: () => inner.close(),
    async openShard(shard) {
      const session = await inner.openShard(shard);
      return {
        ...session,
        async commit(commit) {
          const poisoned = commit.feed.pbxId === 'acme' && commit.events.length > 0;
          if (poisoned) throw new ConnectorError('SINK_OUTCOME_UNKNOWN', 'the broker takes it never');
          await session.commit(commit);
        },
      };
    },
  };
  const stop = new AbortController();
  const source: Source = { async check() {}, aheadMs: () => 0, async *readPages({ pbxId }) {
    yield pageOf([leg(pbxId, 'a', '10:01:00')]);
  } };
  const running = runWorker({ feeds: pbxIds.map((pbxId) => feedOf(pbxId)), source, sink, random: () => 0,
    clock: new VirtualClock(time),
    listen: (event) => void (event.kind === 'polled' && polled.add(event.feed.id.pbxId)) }, stop.signal);
  await time.advanceTo(at('10:05:10'));
  stop.abort();
  await running;
  assert.deepEqual([...polled].sort(), ['globex', 'initech']);
});
