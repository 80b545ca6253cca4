import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertWhole } from '../road/verdict.ts';
import { attackFrames, COMBINATIONS } from './frames.ts';

// Goal: whatever the network does to a request of a transaction, nothing is lost or doubled. Method: the whole road on
// real parts, through a proxy that knows Kafka's frames; everything that can happen to each kind of request, once.
test('requests and answers of transactions that are dropped, delayed or cut lose and double nothing', async () => {
  const { done, verdict } = await attackFrames({ seed: 1, faults: COMBINATIONS.length });
  assert.deepEqual(Object.fromEntries(done), Object.fromEntries(COMBINATIONS.map((combination) => [combination, 1])));
  assertWhole(verdict);
});
