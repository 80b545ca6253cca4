import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newsOf } from '../../src/observe/live-status.ts';
import { createObserver } from '../../src/observe/observer.ts';
import { at, feedOf } from '../worker/parts.ts';
import { opened, owned, polled } from './events.ts';

// Goal: who has heard all news knows what the status says. Method: a reader that keeps feeds by their names.

const clock = { nowMs: at('10:05:00') };
const build = { version: '1.2.3', node: '24.0.0', commit: '' };
const observer = createObserver({ name: '8x8', guarantee: 'exactly-once', build }, () => clock.nowMs);
const other = feedOf('globex');
const told = new Map<string, string>();
const names = (): unknown => {
  const { feeds, gone } = newsOf(observer.overview.status(), told);
  return { feeds: feeds.map(({ pbx }) => pbx), gone };
};

test('the first news are all feeds, the next ones what has changed, and who is gone', () => {
  const shards = owned(0);
  observer.onEvent({ ...shards, feeds: [...('feeds' in shards ? shards.feeds : []), other] } as typeof shards);
  observer.onEvent(opened(0));
  assert.deepEqual(names(), { feeds: ['acme', 'globex'], gone: [] });
  clock.nowMs += 1_000; // its lag has grown, which is no news
  assert.deepEqual(names(), { feeds: [], gone: [] });
  observer.onEvent(polled({}, other));
  assert.deepEqual(names(), { feeds: ['globex'], gone: [] });
  observer.onEvent(owned(0));
  assert.deepEqual(names(), { feeds: [], gone: ['globex call-legs'] });
  assert.deepEqual(names(), { feeds: [], gone: [] });
});
