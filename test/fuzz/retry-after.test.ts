import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { askedWaitMs } from '../../src/source/retry-after.ts';
import { fuzz } from './fuzz.ts';
import { damaged } from './hostile.ts';

const HOUR_MS = 3_600_000;
const nowMs = Date.parse('Wed, 01 May 2024 12:00:00 GMT');

const soon = fc.integer({ min: -5, max: 4_000 });
const time = soon.map((seconds) => nowMs + seconds * 1_000);
const good = fc.oneof(
  soon.map(String),
  fc.double({ noNaN: true }).map(String),
  fc.bigInt({ min: 0n, max: 2n ** 70n }).map(String),
  time.map((ms) => new Date(ms).toUTCString()),
  time.map((ms) => new Date(ms).toISOString()),
  time.map(String),
  time.map((ms) => String(ms / 1_000)),
  fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
);
/** A header takes any byte but a line break and NUL, each as a character of its own. */
const anyHeader = damaged(good.map((text) => Buffer.from(text))).map((bytes) =>
  bytes.toString('latin1').replace(/[\r\n\0]/g, ''));
const maybe = fc.option(anyHeader, { nil: undefined });

// Goal: no header makes us hammer 8x8 or sleep for ever. Method: every form of a time, its bytes damaged.
fuzz('askedWaitMs answers nothing, or a wait of up to an hour', {
  inputs: fc.tuple(maybe, maybe),
  outcomes: ['nothing', 'a wait'],
  check: ([retryAfter, reset]) => outcomeOf(retryAfter, reset),
});

test('askedWaitMs comes to an end with huge headers', () => {
  for (const part of ['7', ' ', '-', '1.', 'Wed, ', '0:']) {
    const text = part.repeat(1_000_000 / part.length);
    assert.equal(outcomeOf(text, text), 'nothing');
  }
});

function outcomeOf(retryAfter: string | undefined, reset: string | undefined): string {
  const headers = new Headers();
  if (retryAfter !== undefined) headers.set('retry-after', retryAfter);
  if (reset !== undefined) headers.set('x-ratelimit-reset', reset);
  const waitMs = askedWaitMs(headers, nowMs);
  assert.ok(waitMs === undefined || (waitMs > 0 && waitMs <= HOUR_MS), `${waitMs}`);
  return waitMs === undefined ? 'nothing' : 'a wait';
}
