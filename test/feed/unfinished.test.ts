import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentsOf } from '../../src/feed/manifest.ts';
import { OffsetState, restoreOffsets, type OffsetRecord, type OffsetStep } from '../../src/feed/offset.ts';
import { afterPage, afterWindow } from '../../src/feed/step.ts';
import { entry } from './entry.ts';

const feed = { stream: 'call-legs', pbxId: 'acme', pass: 'live' } as const;
const pace = { settleMs: 0, stepMinMs: 3, stepMaxMs: 9, overlapMs: 2, lookbackMs: 100, sweepEveryMs: 7 };
const nothing = contentsOf(1, []);

test('what was published since the last window was done is counted, through restarts and resets', () => {
  const state = new OffsetState(feed, 0);
  const rows = { ...nothing, published: 3, rejected: 1 };
  const scan = { window: { from: 0, to: 9_000 }, after: 0 };
  const apply = (records: readonly OffsetRecord[]): number => {
    for (const record of records) state.apply(record);
    return state.unfinished;
  };
  const page = (): OffsetStep => afterPage(state, scan, [entry('a', 1)], []);
  assert.equal(apply(state.recordsFor(page(), rows)), 4);
  assert.equal(apply(state.recordsFor(page(), rows)), 8);
  assert.equal(apply([state.changeTo({ watermarkMs: 0 }, nothing, 40)]), 8);
  assert.equal(restoreOffsets(state.recordsFor(page(), nothing)).get('live/call-legs/acme')!.unfinished, 8);
  assert.equal(apply(state.recordsFor(afterWindow(state, scan, pace), nothing)), 0);
});
