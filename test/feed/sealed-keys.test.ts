import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { KeyMemory } from '../../src/feed/key-memory.ts';
import { isTombstone, OffsetState, restoreOffsets, type OffsetRecord } from '../../src/feed/offset.ts';
import { countOld, fingerprintOf, SealedKeys, sealPage, SEALED_KEYS_MAX } from '../../src/feed/sealed-keys.ts';
import { afterGap } from '../../src/feed/step.ts';
import { entry } from './entry.ts';
import { anyDeeds, compact, feed, Life, live, name, nothing } from './life.ts';

/** Longer than anything is read again, and short enough that much of a life is behind it. */
const SEALED_MS = 200;

test('fingerprintOf is the first 48 bits of the SHA-256 of the key', () => {
  const hex = createHash('sha256').update('acme/1/1').digest('hex');
  assert.equal(fingerprintOf('acme/1/1').toString(16).padStart(12, '0'), hex.slice(0, 12));
});

test('a sealed page has the fingerprints of its keys, and they are found among those of others', () => {
  const keys = new SealedKeys();
  const pages = [['a', 'b', 'c'], ['d'], []].map((names) =>
    sealPage({ newestMs: 5, entries: names.map((key) => entry(key, 1)) }));
  pages.forEach((page, number) => keys.set(number, page));
  assert.deepEqual(['a', 'b', 'c', 'd', 'e'].map((key) => keys.has(key)), [true, true, true, true, false]);
  keys.delete(0);
  assert.deepEqual(['a', 'b', 'c', 'd', 'e'].map((key) => keys.has(key)), [false, false, false, true, false]);
  keys.set(1, pages[0]!);
  assert.deepEqual(['a', 'd'].map((key) => keys.has(key)), [true, false]);
});

const sized = (newestMs: number, keys: number) => ({ newestMs, fingerprints: new Float64Array(keys) });
const counts: { name: string; pages: ReturnType<typeof sized>[]; fromMs: number; max?: number; old: number }[] = [
  { name: 'none of no pages', pages: [], fromMs: 9, old: 0 },
  { name: 'those before the time', pages: [sized(1, 1), sized(2, 1), sized(9, 1)], fromMs: 9, old: 2 },
  { name: 'all, if none is kept', pages: [sized(1, 1), sized(2, 1)], fromMs: Infinity, old: 2 },
  { name: 'none behind a page that is kept', pages: [sized(9, 1), sized(1, 1)], fromMs: 5, old: 0 },
  { name: 'the oldest of too many', pages: [sized(9, 2), sized(9, 2), sized(9, 2)], fromMs: 0, max: 4, old: 1 },
  { name: 'none of just as many', pages: [sized(9, 2), sized(9, 2)], fromMs: 0, max: 4, old: 0 },
];
for (const { name: what, pages, fromMs, max, old } of counts) {
  test(`countOld counts ${what}`, () => assert.equal(countOld(pages, fromMs, max), old));
}

// Goal: whoever asks for a key of a time that is remembered is told that it was published, also after a restart.
// Method: any life of a feed that seals; ask after each deed, those that were running and those that are restored.
test('no key that was published at or after rememberedFrom is unknown, be it as a fingerprint', () => {
  let sealed = 0;
  fc.assert(fc.property(anyDeeds, (deeds) => {
    live(deeds, ({ state, log, published }) => {
      const restored = restoreOffsets(compact(log, false)).get(name);
      if (restored === undefined) return;
      for (const offset of [state, restored]) {
        for (const { key, timeMs } of published.values()) {
          if (timeMs < offset.rememberedFromMs) continue;
          assert.ok(offset.seenEntry(key) !== undefined || offset.isSealed(key), key);
          if (offset.seenEntry(key) === undefined) sealed += 1;
        }
      }
      assert.equal(restored.rememberedFromMs, state.rememberedFromMs);
      assert.equal(restored.contradiction(), undefined);
    }, new Life(SEALED_MS));
  }), { numRuns: 1_000 });
  assert.ok(sealed > 100, `${sealed} fingerprints were asked for`);
});

test('a feed that seals remembers the same keys whole as one that does not', () => {
  fc.assert(fc.property(anyDeeds, (deeds) => {
    const [one, other] = [live(deeds, () => undefined, new Life(SEALED_MS)), live(deeds, () => undefined)];
    assert.deepEqual([...one.state.entries()], [...other.state.entries()]);
    assert.equal(other.state.rememberedFromMs, other.state.seenFromMs);
  }));
});

test('fingerprints are forgotten in time, and a sealed page that is missing contradicts the last head', () => {
  fc.assert(fc.property(anyDeeds, fc.nat(), (deeds, chosen) => {
    const life = live(deeds, () => undefined, new Life(SEALED_MS));
    const isSealed = (record: OffsetRecord): boolean => record.kind === 'seen' && record.sealed !== undefined;
    const kept = compact(life.log, false);
    const sealed = kept.filter(isSealed);
    if (sealed.length > 0) {
      const missing = sealed[chosen % sealed.length]!;
      const torn = restoreOffsets(kept.filter((record) => record !== missing)).get(name)!;
      assert.match(torn.contradiction() ?? '', /records are missing/);
    }
    life.endWindow(life.state.watermarkMs + 10 * SEALED_MS);
    life.endWindow(life.state.watermarkMs);
    assert.deepEqual(compact(life.log, false).filter(({ kind }) => kind === 'seen'), []);
  }));
});

test('a gap forgets fingerprints, too: what lies before it is not remembered', () => {
  const life = new Life(SEALED_MS);
  life.readRows([{ key: 1, shiftMs: 10 }]);
  life.endWindow(150);
  assert.ok(life.state.isSealed('key-1') && life.state.rememberedFromMs === 0);
  life.take(afterGap(life.state, { from: 150, to: 9_000 }));
  assert.deepEqual([life.state.isSealed('key-1'), life.state.rememberedFromMs], [false, 9_000]);
});

test('of too many keys the oldest go, and what lies before the rest is not remembered any more', () => {
  const memory = new KeyMemory(feed);
  const pages = SEALED_KEYS_MAX / 1_000 + 2;
  const seen = Array.from({ length: pages * 1_000 }, (_, index) => entry(`key-${index}`, index));
  for (const page of memory.recordsFor({ seenFromMs: 0, seen }).pages) memory.apply(page);
  const end = pages * 1_000;
  const { pages: turned, goneToMs, tally } =
    memory.recordsFor({ seenFromMs: end, forgetBeforeMs: end, sealFromMs: 0, seen: [] });
  for (const page of turned) memory.apply(page);
  assert.deepEqual([turned.filter(isTombstone).length, goneToMs, tally.count], [2, 2_000, SEALED_KEYS_MAX]);
  assert.deepEqual([memory.tally, memory.size], [tally, 0]);
  assert.deepEqual(['key-1999', 'key-2000', `key-${end - 1}`].map((key) => memory.isSealed(key)), [false, true, true]);
});

/** A feed whose one key is sealed: it stands at 1,000, and remembers all from 800 on. */
function sealedFeed(): OffsetState {
  const state = new OffsetState(feed, 800);
  const steps = [
    { watermarkMs: 800, seenFromMs: 800, seen: [entry('a', 850)] },
    { watermarkMs: 1_000, seenFromMs: 900, forgetBeforeMs: 900, sealFromMs: 700, seen: [] },
  ];
  for (const step of steps) for (const record of state.recordsFor(step, nothing)) state.apply(record);
  return state;
}

const changes = [
  { name: 'moved on, past what is not remembered', change: { watermarkMs: 2_000 }, remembered: 2_000, sealed: true },
  { name: 'set back within what it remembers', change: { watermarkMs: 900 }, remembered: 800, sealed: true },
  { name: 'set back behind it, to read all of that', change: { watermarkMs: 500 }, remembered: 500, sealed: true },
  { name: 'paused', change: { state: 'PAUSED' as const }, remembered: 800, sealed: true },
  { name: 'replaced by a file', change: { watermarkMs: 1_000, seen: [] }, remembered: 1_000, sealed: false },
];
for (const { name: what, change, remembered, sealed } of changes) {
  test(`what is remembered of a feed that is ${what}`, () => {
    const state = sealedFeed();
    for (const record of state.changeTo(change, nothing, 7)) state.apply(record);
    assert.deepEqual([state.rememberedFromMs, state.isSealed('a')], [remembered, sealed]);
    assert.equal(state.contradiction(), undefined);
  });
}

test('of a feed that has lost fingerprints, nothing before its reset is remembered', () => {
  const state = restoreOffsets(sealedFeed().changeTo({}, nothing, 7).slice(0, 1)).get(name)!;
  assert.match(state.contradiction()!, /records are missing/);
  for (const record of state.changeTo({ watermarkMs: 900 }, nothing, 8)) state.apply(record);
  assert.equal(state.rememberedFromMs, 900);
});
