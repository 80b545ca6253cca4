import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePage } from '../../src/source/page.ts';

const rows = [{ callId: '1' }, { callId: '2' }];

/** `undefined`: the end. */
const ends: { name: string; meta: object; data: unknown[]; received?: number; next: string | undefined }[] = [
  { name: 'rows and a scrollId', meta: { scrollId: 'abc' }, data: rows, next: 'abc' },
  { name: 'the documented end', meta: { totalRecordCount: 0, scrollId: 'No Data' }, data: [], next: undefined },
  { name: 'the marker on a page with rows', meta: { scrollId: 'No Data' }, data: rows, next: undefined },
  { name: 'the marker beside a count', meta: { totalRecordCount: 9, scrollId: 'No Data' }, data: [], next: undefined },
  { name: 'no rows, scrollId null', meta: { scrollId: null }, data: [], next: undefined },
  { name: 'no rows, no scrollId', meta: {}, data: [], next: undefined },
  { name: 'no rows, a new scrollId', meta: { scrollId: 'abc' }, data: [], next: undefined },
  { name: 'no rows, and as many counted as received', meta: { totalRecordCount: 81, scrollId: 'abc' }, data: [],
    received: 81, next: undefined },
];

for (const { name, meta, data, received = 0, next } of ends) {
  test(`parsePage takes ${name} for ${next === undefined ? 'the end' : 'a page'}`, () => {
    const total = (meta as { readonly totalRecordCount?: number }).totalRecordCount;
    assert.deepEqual(parsePage({ meta, data }, received), { rows: data, nextScrollId: next, total });
  });
}

const malformed: { name: string; json: unknown; received?: number }[] = [
  { name: 'rows without a scrollId', json: { meta: {}, data: rows } },
  { name: 'rows with scrollId null', json: { meta: { scrollId: null }, data: rows } },
  { name: 'rows with an empty scrollId', json: { meta: { scrollId: '' }, data: rows } },
  { name: 'rows with a scrollId that is a number', json: { meta: { scrollId: 7 }, data: rows } },
  { name: 'rows with an endless scrollId', json: { meta: { scrollId: 'x'.repeat(5_000) }, data: rows } },
  { name: 'no rows though more are counted', received: 80,
    json: { meta: { totalRecordCount: 81, scrollId: 'abc' }, data: [] } },
  { name: 'a missing meta', json: { data: [] } },
  { name: 'a missing data', json: { meta: { scrollId: 'No Data' } } },
  { name: 'a data object', json: { meta: {}, data: {} } },
  { name: 'a row that is null', json: { meta: { scrollId: 'a' }, data: [null] } },
  { name: 'a row that is a list', json: { meta: { scrollId: 'a' }, data: [[]] } },
  { name: 'an error body', json: { error: 'invalid_token' } },
  { name: 'null', json: null },
  { name: 'a list', json: [] },
  { name: 'text', json: 'No Data' },
  { name: 'a meta hidden in __proto__', json: JSON.parse('{"__proto__":{"meta":{"scrollId":"No Data"},"data":[]}}') },
];

for (const { name, json, received = 0 } of malformed) {
  test(`parsePage refuses ${name}`, () => {
    assert.throws(() => parsePage(json, received), { name: 'ConnectorError', code: 'SOURCE_MALFORMED' });
  });
}
