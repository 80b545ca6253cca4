import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertWhole } from '../road/verdict.ts';
import { BLOW_KINDS, planBlows } from './blows.ts';
import { attackRoad } from './journeys.ts';

// Goal: blows at random moments lose and double nothing, and no invariant is broken. Method: the short form of
// `npm run attack`: the whole road on real parts with two workers, and one blow of each kind.

/** Its blows follow each other closely. */
const SEED = 1263;

test('two workers and their broker, killed, stopped and paused at random, hold every invariant', async () => {
  const blows = BLOW_KINDS.length;
  assert.deepEqual(new Set(planBlows(SEED, blows).map(({ kind }) => kind)), new Set(BLOW_KINDS));
  const { verdict } = await attackRoad({ seed: SEED, blows });
  assertWhole(verdict);
});
