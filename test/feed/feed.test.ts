import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { feedName, feedNamed, shardOf, type FeedId } from '../../src/feed/feed.ts';

const live = (pbxId: string, stream: FeedId['stream'] = 'call-legs'): FeedId => ({ stream, pbxId, pass: 'live' });

test('feedName says pass, stream and PBX, the PBX last because its spelling is free', () => {
  assert.equal(feedName(live('acme')), 'live/call-legs/acme');
  assert.equal(feedName({ stream: 'call-records', pbxId: 'a,b', pass: 'march' }), 'march/call-records/a,b');
});

test('feedNamed knows every feed by its name, that of whole calls, too, and nothing else', () => {
  for (const stream of ['call-legs', 'call-records', 'calls'] as const) {
    assert.deepEqual(feedNamed(`live/${stream}/a/B`), live('a/B', stream));
  }
  for (const name of ['live/mails/acme', 'live/calls', 'live/calls/', 'calls/acme']) {
    assert.equal(feedNamed(name), undefined);
  }
});

test('feedName names no two feeds alike', () => {
  const anyFeed = fc.record({
    stream: fc.constantFrom<FeedId['stream']>('call-legs', 'call-records'),
    pbxId: fc.stringMatching(/^[a-zA-Z0-9_,-]{1,8}$/),
    pass: fc.constantFrom('live', 'march'),
  });
  fc.assert(fc.property(anyFeed, anyFeed, (left, right) => {
    const same = left.stream === right.stream && left.pbxId === right.pbxId && left.pass === right.pass;
    assert.equal(feedName(left) === feedName(right), same);
  }));
});

// Goal: a feed never changes its shard, for its offset lies there. If this table must change, every offset is lost.
const golden: readonly (readonly [pbxId: string, of8: number, of3: number])[] = [
  ['acme', 7, 1],
  ['globex', 6, 1],
  ['initech', 1, 1],
  ['allpbxes', 6, 2],
  ['acme,globex', 2, 0],
  ['Zürich', 5, 0],
  ['zürich', 5, 0],
];
for (const [pbxId, of8, of3] of golden) {
  test(`shardOf puts ${pbxId} where it always was`, () => {
    assert.deepEqual([shardOf(live(pbxId), 8), shardOf(live(pbxId), 3)], [of8, of3]);
  });
}

test('shardOf keeps all streams and passes of a PBX together, in range', () => {
  fc.assert(fc.property(fc.string(), fc.integer({ min: 1, max: 64 }), (pbxId, shardCount) => {
    const shard = shardOf(live(pbxId), shardCount);
    assert.ok(Number.isInteger(shard) && shard >= 0 && shard < shardCount);
    assert.equal(shardOf(live(pbxId, 'call-records'), shardCount), shard);
    assert.equal(shardOf({ ...live(pbxId), pass: 'march' }, shardCount), shard);
  }));
});

test('shardOf spreads PBXs of similar names over all shards', () => {
  const counts = new Map<number, number>();
  for (let index = 0; index < 800; index += 1) {
    const shard = shardOf(live(`acme-${index}`), 8);
    counts.set(shard, (counts.get(shard) ?? 0) + 1);
  }
  assert.equal(counts.size, 8);
  for (const count of counts.values()) assert.ok(count > 50 && count < 150, `${count} of 800 in one shard of 8`);
});
