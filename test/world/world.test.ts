import assert from 'node:assert/strict';
import { test } from 'node:test';
import { troublesOf } from './coverage.ts';
import { violations } from './promises.ts';
import { TROUBLES, type Trouble } from './trace.ts';
import { fingerprint, World } from './world.ts';

/** `SEED=208` repeats one world; `WORLDS=5000` lives through more of them, `FIRST=1000` from another one on. */
const one = process.env['SEED'];
const first = Number(one ?? process.env['FIRST'] ?? 1);
const worlds = one === undefined ? Number(process.env['WORLDS'] ?? 300) : 1;

const BLOCK = 50;
const SHOWN_MAX = 5;
const happened = new Map<Trouble, number>();

// Goal: whatever goes wrong, each row shown within the covered lateness is published exactly once.
// Method: live through hours of calls in virtual time, with all that a seed can think of going wrong.
for (let from = first; from < first + worlds; from += BLOCK) {
  const last = Math.min(from + BLOCK, first + worlds) - 1;
  test(`world${from === last ? '' : `s ${from} to`} ${last}: every promise is kept`, async () => {
    const broken: string[] = [];
    for (let seed = from; seed <= last; seed += 1) broken.push(...await liveThrough(seed));
    assert.equal(broken.length, 0, `\n${broken.join('\n')}\n`);
  });
}

async function liveThrough(seed: number): Promise<readonly string[]> {
  const outcome = await new World(seed).live();
  for (const [trouble, times] of troublesOf(outcome)) happened.set(trouble, (happened.get(trouble) ?? 0) + times);
  const found = violations(outcome);
  if (found.length === 0) return [];
  const more = found.length > SHOWN_MAX ? [`  and ${found.length - SHOWN_MAX} more`] : [];
  return [
    `SEED=${seed} node --test test/world/world.test.ts`,
    ...found.slice(0, SHOWN_MAX).map((line) => `  ${line}`),
    ...more,
  ];
}

// Goal: no fault that the world is said to have has silently stopped happening.
test('every kind of trouble has happened', { skip: worlds < 300 && 'too few worlds' }, (t) => {
  for (const trouble of TROUBLES) t.diagnostic(`${trouble}: ${happened.get(trouble) ?? 0}`);
  assert.deepEqual(TROUBLES.filter((trouble) => (happened.get(trouble) ?? 0) === 0), []);
});

test('a world can be repeated: the same seed gives the same commits at the same moments', async () => {
  for (const seed of [first, first + 1, first + 2]) {
    const [once, again] = [fingerprint(await new World(seed).live()), fingerprint(await new World(seed).live())];
    assert.notEqual(once, '');
    assert.equal(again, once);
  }
});
