import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentsOf } from '../../src/feed/manifest.ts';

test('the digest of a transaction does not depend on the order of its events, but on each of them', () => {
  const event = (eventId: string, channel = 'accepted') => ({ channel, value: { eventId } });
  const [a, b, c] = [event(`ffffffffffff${'0'.repeat(20)}`), event('1'.repeat(32)), event('2'.repeat(32), 'rejected')];
  const counts = { generation: 3, published: 2, rejected: 1, told: 0 };
  assert.deepEqual(contentsOf(3, [a, b, c]), { ...counts, digest: 0x333333333332 });
  assert.deepEqual(contentsOf(3, [c, b, a]), contentsOf(3, [a, b, c]));
  assert.equal(contentsOf(3, [a, event('3'.repeat(32), 'ledger')]).told, 1);
  assert.deepEqual(contentsOf(3, [a, event('3'.repeat(32), 'watermarks')]), contentsOf(3, [a]));
  for (const others of [[a, b], [a, b, b], [a, b, c, c]]) {
    assert.notEqual(contentsOf(3, others).digest, contentsOf(3, [a, b, c]).digest);
  }
});
