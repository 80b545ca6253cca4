import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parsePage, type Page } from '../../src/source/page.ts';
import { readFixture } from '../fixtures/read-fixture.ts';
import { fuzz, valueOrCode } from './fuzz.ts';
import { hostileText, hugeTexts } from './hostile.ts';

const pages = ['call-legs', 'call-records'].map((name) => readFixture<{ body: unknown }>(name).body);
const answers = [...pages, ...readFixture<{ bodies: readonly unknown[] }>('pagination').bodies];

// Goal: a page is read with all its rows, or refused as a whole. Method: documented pages under blows.
fuzz('parsePage gives every row or refuses the page', {
  inputs: fc.tuple(hostileText(answers), fc.nat({ max: 100 })),
  outcomes: ['a page', 'the end', 'SOURCE_MALFORMED'],
  check: ([text, received]) => outcomeOf(text, received),
});

test('parsePage comes to an end with huge pages', async () => {
  for (const [what, text] of hugeTexts(pages[0])) assert.ok(await outcomeOf(text, 0), what);
});

async function outcomeOf(text: string, received: number): Promise<string> {
  const json = JSON.parse(text) as Answer;
  const read = await valueOrCode(() => parsePage(json, received), ['SOURCE_MALFORMED']);
  return 'code' in read ? read.code : assertWhole(read.value, json);
}

/** An answer that was taken for a page, as it came. */
interface Answer {
  readonly meta: { readonly scrollId: unknown };
  readonly data: readonly unknown[];
}

function assertWhole({ rows, nextScrollId }: Page, { meta, data }: Answer): string {
  assert.ok(rows.length === data.length && rows.every((row, index) => row === data[index]), 'a row is lost or changed');
  assert.ok(rows.every((row) => typeof row === 'object' && row !== null && !Array.isArray(row)), 'a row is no object');
  if (nextScrollId === undefined) {
    assert.ok(rows.length === 0 || meta.scrollId === 'No Data', 'rows that are not marked as the last end the window');
    return 'the end';
  }
  assert.ok(rows.length > 0 && nextScrollId === meta.scrollId && nextScrollId.length <= 4_096);
  return 'a page';
}
