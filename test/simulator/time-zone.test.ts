import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TimeZone } from '../../src/simulator/time-zone.ts';

const zone = (name: string): TimeZone => TimeZone.open(name)!;

const cases: { name: string; zone: string; text: string; utc: string; later?: string }[] = [
  { name: 'winter', zone: 'America/New_York', text: '2026-01-15 09:00:00', utc: '2026-01-15T14:00:00Z' },
  { name: 'summer', zone: 'America/New_York', text: '2026-07-15 09:00:00', utc: '2026-07-15T13:00:00Z' },
  { name: 'a spring gap, moved forward',
    zone: 'America/New_York', text: '2026-03-08 02:30:00', utc: '2026-03-08T07:30:00Z' },
  { name: 'an autumn fold', zone: 'America/New_York',
    text: '2026-11-01 01:30:00', utc: '2026-11-01T05:30:00Z', later: '2026-11-01T06:30:00Z' },
  { name: 'a fold of half an hour', zone: 'Australia/Lord_Howe',
    text: '2026-04-05 01:45:00', utc: '2026-04-04T14:45:00Z', later: '2026-04-04T15:15:00Z' },
  { name: 'quarters of an hour', zone: 'Asia/Kathmandu', text: '2026-05-01 00:00:00', utc: '2026-04-30T18:15:00Z' },
  { name: 'midnight in UTC', zone: 'UTC', text: '2026-05-01 00:00:00', utc: '2026-05-01T00:00:00Z' },
];

for (const { name, zone: zoneName, text, utc, later = utc } of cases) {
  test(`reads ${name}`, () => {
    assert.equal(zone(zoneName).parse(text, 'earlier'), Date.parse(utc));
    assert.equal(zone(zoneName).parse(text, 'later'), Date.parse(later));
  });
}

test('reads nothing but a date and time', () => {
  for (const text of ['2026-05-01', '2026-05-01T10:00:00', '2026-02-30 10:00:00', '2026-05-01 24:00:00',
    '2026-05-01 10:00:61', '']) {
    assert.equal(zone('UTC').parse(text, 'earlier'), undefined, text);
  }
  assert.equal(TimeZone.open('Mars/Olympus'), undefined);
});

test('writes as 8x8 does: milliseconds, offset without colon', () => {
  const { startTimeUTC, startTime } = { startTimeUTC: 1643898447499, startTime: '2022-02-03T09:27:27.499-0500' };
  assert.equal(zone('America/New_York').format(startTimeUTC), startTime);
  assert.equal(zone('UTC').format(startTimeUTC), '2022-02-03T14:27:27.499+0000');
});

test('what is written is the same instant, and reads back as it but for a fold', () => {
  const zones = ['America/New_York', 'Europe/Paris', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'Pacific/Apia', 'UTC']
    .map(zone);
  const instant = fc.integer({ min: Date.parse('2020-01-01'), max: Date.parse('2035-01-01') })
    .map((ms) => ms - (ms % 1_000));
  fc.assert(fc.property(fc.constantFrom(...zones), instant, (place, ms) => {
    const text = place.format(ms);
    assert.equal(Date.parse(text), ms);
    const wall = text.slice(0, 19).replace('T', ' ');
    assert.ok([place.parse(wall, 'earlier'), place.parse(wall, 'later')].includes(ms));
  }), { numRuns: 300 });
});
