import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TROUBLES, type Trouble } from './trace.ts';
import { fingerprint, World } from './world.ts';
import { addTroubles, explainLife, liveAll, WORLDS_FOR_ALL_TROUBLES, type Life } from './worlds.ts';

/**
 * `SEED=208` repeats one world; `WORLDS=5000` lives through more of them, `FIRST=1000` from another one on, and
 * `UNTIL_BROKEN=1` only until one breaks a promise.
 */
const one = process.env['SEED'];
const first = Number(one ?? process.env['FIRST'] ?? 1);
const worlds = one === undefined ? Number(process.env['WORLDS'] ?? 300) : 1;

const BLOCK = 100;
const happened = new Map<Trouble, number>();
const lives = Array.from({ length: worlds }, () => Promise.withResolvers<Life | undefined>());
let isBroken = false;
const living = liveAll(seeds(), (life) => {
  isBroken ||= life.violations.length > 0;
  lives[life.seed - first]!.resolve(life);
});
void living.then(() => lives.forEach(({ resolve }) => resolve(undefined))); // those that were not lived

function* seeds(): Generator<number, undefined> {
  const untilBroken = process.env['UNTIL_BROKEN'] !== undefined;
  for (let seed = first; seed < first + worlds && !(untilBroken && isBroken); seed += 1) yield seed;
}

// Goal: whatever goes wrong, each row shown within the covered lateness is published exactly once.
// Method: live through hours of calls in virtual time, with all that a seed can think of going wrong.
for (let from = 0; from < worlds; from += BLOCK) {
  const block = lives.slice(from, from + BLOCK);
  const last = first + from + block.length - 1;
  test(`world${block.length === 1 ? '' : `s ${first + from} to`} ${last}: every promise is kept`, async () => {
    const ended = (await Promise.all(block.map(({ promise }) => promise))).filter((life) => life !== undefined);
    for (const life of ended) addTroubles(happened, life);
    const broken = ended.flatMap(explainLife);
    assert.equal(broken.length, 0, `\n${broken.join('\n')}\n`);
  });
}

/** A bug, or a promise that nobody can give, was found in each. */
const BROKEN_ONCE = [117, 276, 720, 112_259, 139_592, 143_043, 178_071, 188_208];
test('worlds that were broken once keep every promise', async () => {
  const broken: string[] = [];
  await liveAll(BROKEN_ONCE, (life) => broken.push(...explainLife(life)));
  assert.deepEqual(broken, []);
});

// Goal: no fault that the world is said to have has silently stopped happening.
const tooFew = worlds < WORLDS_FOR_ALL_TROUBLES && 'too few worlds';
test('every kind of trouble has happened', { skip: tooFew }, async (t) => {
  await living;
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

test('a world that fails is told with the command that repeats it', () => {
  const violations = ['lost: a', 'lost: b', 'lost: c', 'lost: d', 'lost: e', 'lost: f', 'lost: g'];
  assert.deepEqual(explainLife({ seed: 208, violations, troubles: new Map() }), [
    'SEED=208 node --test test/world/world.test.ts',
    '  lost: a', '  lost: b', '  lost: c', '  lost: d', '  lost: e', '  and 2 more',
  ]);
});
