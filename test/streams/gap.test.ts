import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callLegs } from '../../src/streams/call-legs.ts';
import { gapEvent } from '../../src/streams/rejected.ts';
import { assertSurvivesAvro } from './schemas.ts';

const window = { from: Date.parse('2024-03-01T00:00:00Z'), to: Date.parse('2024-03-02T00:00:00Z') };

test('a gap says which feed and which span, with an id for ever', () => {
  const event = gapEvent('call-legs', { pbxId: 'Acme', window, observedAtMs: 5 });
  assertSurvivesAvro(callLegs, event);
  const { eventId, code, pbxId, callId, windowFrom, windowTo, payload } = event.value;
  assert.deepEqual([code, pbxId, callId, windowFrom, windowTo, payload],
    ['RETENTION_GAP', 'Acme', null, window.from, window.to, null]);
  assert.match(String(eventId), /^[0-9a-f]{32}$/);
  const again = gapEvent('call-legs', { pbxId: 'ACME', window, observedAtMs: 9 });
  assert.equal(again.value['eventId'], eventId, 'however the PBX is spelt, and whenever it is found');
  const others = [
    gapEvent('call-records', { pbxId: 'Acme', window, observedAtMs: 5 }),
    gapEvent('call-legs', { pbxId: 'Globex', window, observedAtMs: 5 }),
    gapEvent('call-legs', { pbxId: 'Acme', window: { ...window, to: window.to + 1_000 }, observedAtMs: 5 }),
  ];
  for (const other of others) assert.notEqual(other.value['eventId'], eventId);
});
