import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { createBudget } from '../../src/source/budget.ts';
import { createRateLimit } from '../../src/source/rate-limit.ts';
import { fakeClock, never } from './scripted-server.ts';

// Method: the second one asks at the very moment at which the budget has room again and the first still sleeps.
test('who asks first goes first, even if another is awake sooner', async () => {
  const clock = fakeClock();
  const budget = createBudget(createRateLimit(10), clock);
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
  const budget = createBudget(createRateLimit(10), clock);
  budget.pause(600_000);
  clock.advance(100_000);
  await assert.rejects(budget.takeTurn(never), { code: 'SOURCE_THROTTLED', retryAfterMs: 500_000 });
  clock.advance(200_000);
  assert.equal(await budget.takeTurn(never), 300_000);
});

test('after a pause less goes out than before it', async () => {
  const budget = createBudget(createRateLimit(10), fakeClock());
  assert.deepEqual([await budget.takeTurn(never), await budget.takeTurn(never)], [0, 6_000]);
  budget.pause(60_000);
  assert.deepEqual([await budget.takeTurn(never), await budget.takeTurn(never)], [60_000, 8_269]);
});

/** Somebody asks; and how many turns of the event loop pass until the next one does. */
const asker = fc.record({ background: fc.boolean(), turns: fc.integer({ min: 0, max: 3 }) });

// Goal: history never delays what is new. Method: all kinds ask at any time; whoever goes is compared with who waits.
test('no background request goes while a live one waits, and each kind goes in its order', async () => {
  await fc.assert(fc.asyncProperty(fc.array(asker, { maxLength: 30 }), fc.integer({ min: 1, max: 60 }),
    async (askers, perMinute) => {
      const budget = createBudget(createRateLimit(perMinute, 0.5), fakeClock());
      const waiting: { readonly live: number[]; readonly background: number[] } = { live: [], background: [] };
      const turns: Promise<void>[] = [];
      for (const [index, { background, turns: pause }] of askers.entries()) {
        const line = background ? waiting.background : waiting.live;
        line.push(index);
        turns.push(budget.takeTurn(never, background).then(() => {
          assert.equal(line.shift(), index, 'out of order');
          if (background) assert.deepEqual(waiting.live, [], 'they are live and wait');
        }));
        for (let turn = 0; turn < pause; turn += 1) await nextTurn();
      }
      await Promise.all(turns);
    }));
});

test('a background request that stops while a live one waits does not wait with it', async () => {
  const clock = fakeClock();
  const budget = createBudget(createRateLimit(1), clock);
  const live = [budget.takeTurn(never), budget.takeTurn(never)];
  const stop = new AbortController();
  const background = budget.takeTurn(stop.signal, true);
  const startMs = clock.nowMs();
  stop.abort(new Error('stopped'));
  await assert.rejects(background, { message: 'stopped' });
  assert.ok(clock.nowMs() - startMs < 2_000);
  assert.deepEqual(await Promise.all(live), [0, 60_000]);
});
