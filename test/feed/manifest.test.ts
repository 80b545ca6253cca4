import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentsOf } from '../../src/feed/manifest.ts';

test('the digest of a transaction does not depend on the order of its events, but on each of them', () => {
  const event = (eventId: string, channel: 'accepted' | 'rejected' = 'accepted') => ({ channel, value: { eventId } });
  const [a, b, c] = [event(`ffffffffffff${'0'.repeat(20)}`), event('1'.repeat(32)), event('2'.repeat(32), 'rejected')];
  assert.deepEqual(contentsOf(3, [a, b, c]), { generation: 3, published: 2, rejected: 1, digest: 0x333333333332 });
  assert.deepEqual(contentsOf(3, [c, b, a]), contentsOf(3, [a, b, c]));
  for (const others of [[a, b], [a, b, b], [a, b, c, c]]) {
    assert.notEqual(contentsOf(3, others).digest, contentsOf(3, [a, b, c]).digest);
  }
});
