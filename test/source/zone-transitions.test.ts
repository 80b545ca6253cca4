import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { reportTime } from '../../src/source/work-analytics.ts';

// Goal: no hour is skipped or read under another name when clocks change, wherever the machine stands. Method: every
// transition of every zone from 2020 to 2035, with the process in that zone; the same check on local time must fail.

const FROM = Date.UTC(2020, 0, 1);
const TO = Date.UTC(2036, 0, 1);
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const AROUND = 4 * 60 * MINUTE;

const zone = process.env['TZ'];
after(() => {
  if (zone === undefined) delete process.env['TZ'];
  else process.env['TZ'] = zone;
});

/** Every moment at which the offset of the process's zone changes, to the minute. */
function transitions(): readonly number[] {
  const offsetAt = (ms: number): number => new Date(ms).getTimezoneOffset();
  const found: number[] = [];
  for (let low = FROM; low < TO; low += 7 * DAY) {
    let high = low + 7 * DAY;
    if (offsetAt(low) === offsetAt(high)) continue;
    let before = low;
    while (high - before > MINUTE) {
      const middle = before + Math.floor((high - before) / 2 / MINUTE) * MINUTE;
      if (offsetAt(middle) === offsetAt(low)) before = middle;
      else high = middle;
    }
    found.push(high);
  }
  return found;
}

/** Whether texts of moments ten minutes apart, around a moment, name each of them and leave nothing out. */
function isSound(textOf: (ms: number) => string, aroundMs: number): boolean {
  for (let ms = aroundMs - AROUND; ms < aroundMs + AROUND; ms += 10 * MINUTE) {
    const [text, next] = [textOf(ms), textOf(ms + 10 * MINUTE)].map((one) => Date.parse(`${one.replace(' ', 'T')}Z`));
    if (next! - text! !== 10 * MINUTE) return false;
  }
  return true;
}

function localTime(ms: number): string {
  const date = new Date(ms);
  return new Date(ms - date.getTimezoneOffset() * MINUTE).toISOString().slice(0, 19).replace('T', ' ');
}

test('windows are asked for without a hole over every change of every zone from 2020 to 2035', (t) => {
  let [changes, zones] = [0, 0];
  for (const name of Intl.supportedValuesOf('timeZone')) {
    process.env['TZ'] = name;
    zones += 1;
    for (const ms of transitions()) {
      changes += 1;
      assert.ok(isSound(reportTime, ms), `${name} at ${new Date(ms).toISOString()}`);
      assert.equal(Date.parse(`${reportTime(ms).replace(' ', 'T')}Z`), ms, 'and it is UTC');
      assert.ok(!isSound(localTime, ms), `local time has no hole in ${name} at ${new Date(ms).toISOString()}`);
    }
  }
  t.diagnostic(`${changes} changes in ${zones} zones`);
  assert.ok(zones > 400 && changes > 3_000);
});
