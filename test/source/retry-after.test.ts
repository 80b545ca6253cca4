import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { askedWaitMs, backoffMs, REST_MAX_MS } from '../../src/source/retry-after.ts';

const HOUR_MS = 3_600_000;
const nowMs = Date.parse('Wed, 01 May 2024 12:00:00 GMT');
const nowS = nowMs / 1_000;

const cases: { name: string; headers: Record<string, string>; waitMs: number | undefined }[] = [
  { name: 'seconds', headers: { 'retry-after': '7' }, waitMs: 7_000 },
  { name: 'parts of a second', headers: { 'retry-after': '0.5' }, waitMs: 500 },
  { name: 'an HTTP date', headers: { 'retry-after': 'Wed, 01 May 2024 12:01:30 GMT' }, waitMs: 90_000 },
  { name: 'a whole hour', headers: { 'retry-after': '3600' }, waitMs: HOUR_MS },
  { name: 'nothing', headers: {}, waitMs: undefined },
  { name: 'zero', headers: { 'retry-after': '0' }, waitMs: undefined },
  { name: 'negative seconds', headers: { 'retry-after': '-5' }, waitMs: undefined },
  { name: 'more than an hour', headers: { 'retry-after': '3601' }, waitMs: undefined },
  { name: 'a year', headers: { 'retry-after': '31536000' }, waitMs: undefined },
  { name: 'a date in the past', headers: { 'retry-after': 'Wed, 01 May 2024 11:59:59 GMT' }, waitMs: undefined },
  { name: 'a date next year', headers: { 'retry-after': 'Thu, 01 May 2025 12:00:00 GMT' }, waitMs: undefined },
  { name: 'a date that is none', headers: { 'retry-after': 'Wed, 99 May 2024 12:00:00 GMT' }, waitMs: undefined },
  { name: 'text', headers: { 'retry-after': 'soon' }, waitMs: undefined },
  { name: 'text that Date.parse likes', headers: { 'retry-after': 'later 1' }, waitMs: undefined },
  { name: 'a huge number', headers: { 'retry-after': '9'.repeat(400) }, waitMs: undefined },
  { name: 'a reset in seconds', headers: { 'x-ratelimit-reset': '20' }, waitMs: 20_000 },
  { name: 'a reset as an epoch', headers: { 'x-ratelimit-reset': `${nowS + 20}` }, waitMs: 20_000 },
  { name: 'a reset as an epoch in ms', headers: { 'x-ratelimit-reset': `${nowMs + 20_000}` }, waitMs: 20_000 },
  { name: 'a reset in the past', headers: { 'x-ratelimit-reset': `${nowS - 20}` }, waitMs: undefined },
  { name: 'both, Retry-After first', headers: { 'retry-after': '3', 'x-ratelimit-reset': '20' }, waitMs: 3_000 },
  { name: 'nonsense beside a reset', headers: { 'retry-after': 'soon', 'x-ratelimit-reset': '20' }, waitMs: 20_000 },
];

for (const { name, headers, waitMs } of cases) {
  test(`askedWaitMs reads ${name} as ${waitMs}`, () => {
    assert.equal(askedWaitMs(new Headers(headers), nowMs), waitMs);
  });
}

test('askedWaitMs takes any whole second within an hour, in each of the four forms', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 3_600 }), (seconds) => {
    const forms: Record<string, string>[] = [
      { 'retry-after': `${seconds}` },
      { 'retry-after': new Date(nowMs + seconds * 1_000).toUTCString() },
      { 'x-ratelimit-reset': `${nowS + seconds}` },
      { 'x-ratelimit-reset': `${nowMs + seconds * 1_000}` },
    ];
    for (const form of forms) assert.equal(askedWaitMs(new Headers(form), nowMs), seconds * 1_000);
  }));
});

test('backoffMs doubles its upper bound from one second to five minutes', () => {
  const bounds = [1, 2, 3, 4, 9, 10, 1_000].map((attempt) => backoffMs(attempt, () => 1));
  assert.deepEqual(bounds, [1_000, 2_000, 4_000, 8_000, 256_000, REST_MAX_MS, REST_MAX_MS]);
  assert.equal(backoffMs(5, () => 0), 0, 'full jitter goes down to nothing');
});
