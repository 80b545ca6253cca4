import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBudget } from '../../src/source/budget.ts';
import { fakeClock, never } from './scripted-server.ts';

// Method: the second one asks at the very moment at which the budget has room again and the first still sleeps.
test('who asks first goes first, even if another is awake sooner', async () => {
  const clock = fakeClock();
  const budget = createBudget(10, clock);
  await budget.takeTurn(never);
  const order: string[] = [];
  const first = budget.takeTurn(never).then(() => order.push('first'));
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  clock.advance(6_000);
  const second = budget.takeTurn(never).then(() => order.push('second'));
  await Promise.all([first, second]);
  assert.deepEqual(order, ['first', 'second']);
});

test('a pause that the caller should sit out is thrown, with what is left of it', async () => {
  const clock = fakeClock();
  const budget = createBudget(10, clock);
  budget.pause(600_000);
  clock.advance(100_000);
  await assert.rejects(budget.takeTurn(never), { code: 'SOURCE_THROTTLED', retryAfterMs: 500_000 });
  clock.advance(200_000);
  assert.equal(await budget.takeTurn(never), 300_000);
});

test('after a pause less goes out than before it', async () => {
  const budget = createBudget(10, fakeClock());
  assert.deepEqual([await budget.takeTurn(never), await budget.takeTurn(never)], [0, 6_000]);
  budget.pause(60_000);
  assert.deepEqual([await budget.takeTurn(never), await budget.takeTurn(never)], [60_000, 8_269]);
});
