import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditEvents } from '../../src/streams/audit.ts';
import { audit } from './audit.ts';

const { context, done } = audit;
const [entry, watermark] = auditEvents(context, done);

test('a window that is done is an entry of the ledger and a watermark, with these ids, for ever', () => {
  assert.deepEqual(entry, {
    channel: 'ledger',
    stream: 'call-legs',
    key: 'ledger/live/call-legs/acme/7',
    orderingKey: 'live/call-legs/acme',
    eventTimeMs: done.window.to,
    contentHash: entry!.contentHash,
    marks: '',
    drift: [],
    value: {
      eventId: 'f19837fef594ca2ef899490ea707c2c6', pass: 'live', stream: 'call-legs', pbxId: 'Acme', commit: 7,
      windowFrom: done.window.from, windowTo: done.window.to, fromWatermark: done.fromWatermarkMs,
      watermark: done.watermarkMs, outcome: 'short', total: 50, received: 41, fetched: 82, new: 15, corrected: 5,
      late: 4, beyond: 1, rejected: 2, repeated: 57, outside: 3, recovered: 6, delayP50Ms: 3_000, delayMaxMs: 9_000,
      quietSince: 1_740_000_020_000, expected: 12, pages: 3, attempts: 2, durationMs: 900,
      observedAt: context.observedAtMs,
    },
  });
  assert.deepEqual([watermark!.channel, watermark!.orderingKey], ['watermarks', 'live/call-legs/acme']);
  assert.deepEqual(watermark!.value, {
    eventId: 'f7ea901be7c2cf373c1c99cc2043028a', pass: 'live', stream: 'call-legs', pbxId: 'Acme', commit: 7,
    completeUpTo: done.watermarkMs, observedAt: context.observedAtMs,
  });
});

test('an id depends on feed, commit and content', () => {
  const idOf = (more: object, change: object = {}): unknown =>
    auditEvents({ ...context, ...more }, { ...done, ...change })[0]!.value['eventId'];
  const again = { ...context.feed, pass: 'again' };
  const ids = [idOf({}), idOf({ commit: 8 }), idOf({ feed: again }), idOf({}, { pages: 4 })];
  assert.equal(new Set(ids).size, ids.length);
});

test('where 8x8 does not count, the total is null, and so are delays of no rows, and the silence of a gap', () => {
  const unknown = { ...done, total: undefined, delaysMs: [], silence: undefined };
  const { total, delayP50Ms, delayMaxMs, quietSince, expected } = auditEvents(context, unknown)[0]!.value;
  assert.deepEqual([total, delayP50Ms, delayMaxMs, quietSince, expected], [null, null, null, null, null]);
});
