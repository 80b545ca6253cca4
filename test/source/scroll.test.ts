import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createScroll } from '../../src/source/scroll.ts';
import { callLegs, row, rowsFrom } from './scripted-server.ts';

test('a scroll asks for what the last page named, and counts its rows', () => {
  const scroll = createScroll(callLegs, 50);
  assert.equal(scroll.scrollId, undefined);
  scroll.advance({ rows: rowsFrom(1, 50), nextScrollId: 'a', total: 50 });
  assert.deepEqual([scroll.pageSize, scroll.scrollId, scroll.rowCount], [50, 'a', 50]);
  scroll.advance({ rows: rowsFrom(49, 4), nextScrollId: 'b', total: 53 });
  assert.deepEqual([scroll.rowCount, scroll.received, scroll.total], [54, 52, 50]);
});

test('a scroll without an end is an error after ten thousand pages', () => {
  const scroll = createScroll(callLegs, 50);
  const turn = (page: number): void => scroll.advance({ rows: [row(page)], nextScrollId: `scroll-${page}`, total: 50 });
  for (let page = 1; page < 10_000; page += 1) turn(page);
  assert.throws(() => turn(10_000), { code: 'SOURCE_MALFORMED', message: /no end after 10000 pages/ });
});

// Goal: a window of millions of rows fits in memory, and a repeat is found all the same. Method: large pages, then
// the same page again at once.
test('a repeated page is found in a large window', () => {
  const scroll = createScroll(callLegs, 7_000);
  for (let page = 0; page < 20; page += 1) {
    scroll.advance({ rows: rowsFrom(page * 7_000, 7_000), nextScrollId: `scroll-${page}`, total: 50 });
  }
  const repeated = { rows: rowsFrom(19 * 7_000, 7_000), nextScrollId: 'scroll-20', total: 50 };
  assert.throws(() => scroll.advance(repeated), { code: 'SOURCE_MALFORMED', message: /no new one/ });
});
