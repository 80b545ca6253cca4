import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decideFault, FAULT_KINDS, NO_FAULTS, STANDARD_FAULTS } from '../../src/simulator/faults.ts';
import type { FaultKind, FaultOptions } from '../../src/simulator/faults.ts';

const request = (number: number) => ({ number, endpoint: 'report', scrolling: true }) as const;

function countKinds(options: FaultOptions, requests: number): ReadonlyMap<FaultKind, number> {
  const counts = new Map<FaultKind, number>();
  for (let number = 1; number <= requests; number += 1) {
    const kind = decideFault(options, request(number))?.kind;
    if (kind !== undefined) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

test('faults are decided by seed and number alone', () => {
  fc.assert(fc.property(fc.nat(), fc.integer({ min: 1, max: 1e6 }), (seed, number) => {
    const options = { ...STANDARD_FAULTS, seed };
    assert.deepEqual(decideFault(options, request(number)), decideFault(options, request(number)));
  }));
  const [one, two] = [1, 2].map((seed) => countKinds({ ...STANDARD_FAULTS, seed }, 500));
  assert.notDeepEqual(one, two);
});

test('every kind of the standard faults happens, about as often as it says', () => {
  const counts = countKinds(STANDARD_FAULTS, 50_000);
  for (const kind of FAULT_KINDS) {
    const expected = (STANDARD_FAULTS.probabilities[kind] ?? 0) * 50_000;
    const count = counts.get(kind) ?? 0;
    // Bursts make up to three of one, and a burst may swallow another fault.
    assert.ok(count >= expected * 0.7 && count <= expected * 2.6, `${kind}: ${count} of ${expected}`);
  }
});

test('429 and 5xx come in bursts', () => {
  const options = { ...NO_FAULTS, burstMax: 4, probabilities: { throttled: 0.02 } };
  const hit = Array.from({ length: 2_000 }, (_, index) => decideFault(options, request(index + 1)) !== undefined);
  const runs = hit.map(Number).join('').match(/1+/g)!.map((run) => run.length);
  assert.ok(runs.some((length) => length === 1) && runs.some((length) => length >= 3));
});

test('nothing happens without faults, and only what fits the request', () => {
  assert.equal(countKinds(NO_FAULTS, 1_000).size, 0);
  const first = { ...NO_FAULTS, probabilities: { 'scroll-expired': 1 } };
  assert.equal(decideFault(first, { number: 1, endpoint: 'report', scrolling: false }), undefined);
  const token = { ...NO_FAULTS, probabilities: { 'damaged-row': 1 } };
  assert.equal(decideFault(token, { number: 1, endpoint: 'token', scrolling: false }), undefined);
});
