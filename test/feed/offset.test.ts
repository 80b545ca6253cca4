import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { contentsOf } from '../../src/feed/manifest.ts';
import { nextGeneration, OffsetState, recordKey, restoreOffsets, type OffsetStep } from '../../src/feed/offset.ts';
import { entry } from './entry.ts';
import {
  anyDeeds, compact, feed, Life, live, LONGER_MS, LOOKBACK_MS, name, nothing, PAGE_SPAN_MS, type Deed,
} from './life.ts';

function assertAgree(restored: OffsetState, state: OffsetState, keys: Iterable<string>): void {
  assert.equal(restored.watermarkMs, state.watermarkMs);
  assert.equal(restored.seenFromMs, state.seenFromMs);
  for (const key of keys) {
    const [one, other] = [restored.seenEntry(key), state.seenEntry(key)];
    if (Math.max(one?.timeMs ?? -1, other?.timeMs ?? -1) < state.seenFromMs) continue;
    assert.deepEqual(one, other, key);
  }
}

// Goal: a restart, before or after compaction, knows what the running feed knew. Method: any life of a feed;
// fold all records, fold the compacted ones with and without tombstones, compare with the live state each time.
test('an offset restored from all its records, or from the compacted ones, is the offset that was running', () => {
  fc.assert(fc.property(anyDeeds, (deeds) => {
    live(deeds, ({ state, log, published }) => {
      for (const records of [log, compact(log, true), compact(log, false)]) {
        const restored = restoreOffsets(records).get(name);
        if (restored === undefined) assert.equal(log.length, 0);
        else {
          assertAgree(restored, state, published.keys());
          assert.equal(restored.contradiction(), undefined);
        }
      }
    });
  }), { numRuns: 300 });
});

test('an offset restored in the middle goes on as the one that never stopped', () => {
  fc.assert(fc.property(anyDeeds, anyDeeds, fc.boolean(), (before, after, keepTombstones) => {
    const unbroken = live(before, () => undefined);
    const kept = compact(unbroken.log, keepTombstones);
    const restored = new Life();
    for (const record of kept) {
      restored.log.push(record);
      restored.state.apply(record);
    }
    for (const deed of after) {
      for (const life of [unbroken, restored]) {
        if (deed.kind === 'window') life.endWindow(life.state.watermarkMs + deed.byMs);
        else life.readRows(deed.rows);
      }
      assertAgree(restored.state, unbroken.state, unbroken.published.keys());
    }
  }), { numRuns: 300 });
});

test('no key with a time within the memory is ever forgotten', () => {
  fc.assert(fc.property(anyDeeds, (deeds) => {
    live(deeds, ({ state, published }) => {
      for (const { key, timeMs } of published.values()) {
        if (timeMs >= state.seenFromMs - LONGER_MS) assert.equal(state.seenEntry(key)?.timeMs, timeMs, key);
      }
    });
  }), { numRuns: 300 });
});

/** A key that moved to a later page, which left the lookback before the earlier one: the property below found it. */
const movedKey: Deed[] = [
  { kind: 'page', rows: [{ key: 0, shiftMs: 2 }, { key: 15, shiftMs: 0 }] },
  { kind: 'page', rows: [{ key: 15, shiftMs: 1 }] },
  { kind: 'window', byMs: 47 },
  { kind: 'window', byMs: 65 },
];

// A page is forgotten as a whole, so an entry lives at most until the newest of its page is out of the lookback.
test('memory is bounded: what is older than the memory and the span of a page vanishes', () => {
  fc.assert(fc.property(anyDeeds, (deeds) => {
    live(deeds, (life) => {
      const { state, log } = life;
      life.endWindow(state.watermarkMs); // pages are forgotten when a window ends
      const oldestMs = state.seenFromMs - LOOKBACK_MS - LONGER_MS - PAGE_SPAN_MS;
      const kept = restoreOffsets(compact(log, false)).get(name)!;
      for (const offset of [state, kept]) {
        for (let key = 0; key <= 30; key += 1) {
          const entry = offset.seenEntry(`key-${key}`);
          assert.ok(entry === undefined || entry.timeMs >= oldestMs);
        }
      }
      assert.equal(kept.seenCount, state.seenCount);
    });
  }), { examples: [[movedKey]] });
});

test('neither watermark nor seenFrom ever goes back', () => {
  fc.assert(fc.property(anyDeeds, (deeds) => {
    let [watermarkMs, seenFromMs] = [0, 0];
    live(deeds, ({ state }) => {
      assert.ok(state.watermarkMs >= watermarkMs && state.seenFromMs >= seenFromMs);
      assert.ok(state.seenFromMs <= state.watermarkMs);
      [watermarkMs, seenFromMs] = [state.watermarkMs, state.seenFromMs];
    });
  }));
});

/** A page that is written when an earlier one has gone and a later one lives: the property below found it. */
const pageBehindGone: Deed[] = [
  { kind: 'page', rows: [{ key: 0, shiftMs: 0 }] },
  { kind: 'page', rows: [{ key: 0, shiftMs: 1 }] },
  { kind: 'window', byMs: 36 },
  { kind: 'window', byMs: 75 },
  { kind: 'page', rows: [{ key: 0, shiftMs: 0 }] },
];

test('a page without entries is a tombstone, and no living page is written over', () => {
  fc.assert(fc.property(anyDeeds, (deeds) => {
    const alive = new Set<number>();
    for (const record of live(deeds, () => undefined).log) {
      if (record.kind === 'head') continue;
      if (record.entries.length === 0) assert.ok(alive.delete(record.page), 'only a living page is forgotten');
      else {
        assert.ok(!alive.has(record.page), 'a new page has a number of its own');
        alive.add(record.page);
      }
    }
  }), { examples: [[pageBehindGone]] });
});

const stepTo = (watermarkMs: number, seenFromMs: number): OffsetStep => ({ watermarkMs, seenFromMs, seen: [] });

test('recordKey names one head per feed and one page of it', () => {
  const step = { watermarkMs: 1, seenFromMs: 0, seen: [entry('a', 1)] };
  assert.deepEqual(new OffsetState(feed, 0).recordsFor(step, nothing).map(recordKey), [name, `${name}/seen/0`]);
});

test('restoreOffsets keeps the feeds of a shard apart', () => {
  const other = { ...feed, pbxId: 'globex' };
  const step = (watermarkMs: number, key: string) =>
    ({ watermarkMs, seenFromMs: 0, seen: [entry(key, 5)] });
  const offsets = restoreOffsets([
    ...new OffsetState(feed, 0).recordsFor(step(10, 'a'), nothing),
    ...new OffsetState(other, 0).recordsFor(step(20, 'b'), nothing),
  ]);
  assert.deepEqual([...offsets].map(([of, offset]) => [of, offset.watermarkMs, offset.seenCount]),
    [[name, 10, 1], ['live/call-legs/globex', 20, 1]]);
  assert.equal(offsets.get(name)!.seenEntry('b'), undefined);
});

test('recordsFor changes nothing: the records may fail to be written', () => {
  const state = new OffsetState(feed, 0);
  const step = { watermarkMs: 9, seenFromMs: 0, seen: [entry('a', 1)] };
  assert.deepEqual(state.recordsFor(step, nothing), state.recordsFor(step, nothing));
  assert.deepEqual([state.watermarkMs, state.seenCount], [0, 0]);
});

// Goal: an offset of which a record is lost is known for it. Method: any life of a feed; leave out one living page.
test('a page of keys that is missing, or that is back, contradicts the last head', () => {
  fc.assert(fc.property(anyDeeds, fc.nat(), (deeds, chosen) => {
    const { log } = live(deeds, () => undefined);
    const kept = compact(log, false);
    const pages = kept.filter(({ kind }) => kind === 'seen');
    fc.pre(pages.length > 0);
    const missing = pages[chosen % pages.length]!;
    const torn = restoreOffsets(kept.filter((record) => record !== missing)).get(name)!;
    assert.match(torn.contradiction() ?? '', /left \d+ seen keys, but the topic has (\d+|others): records are missing/);

    const forgotten = log.find((record) =>
      record.kind === 'seen' && record.entries.length > 0 && !kept.includes(record));
    if (forgotten !== undefined) assert.ok(restoreOffsets([...kept, forgotten]).get(name)!.contradiction());
  }));
});

test('each commit of a feed has the next number, and each owner a generation above all that have committed', () => {
  const state = new OffsetState(feed, 0);
  assert.equal(nextGeneration(new Map([[name, state]])), 1);
  for (const [generation, commit] of [[1, 1], [1, 2], [5, 3]] as const) {
    const [head] = state.recordsFor(stepTo(10, 0), contentsOf(generation, []));
    assert.ok(head?.kind === 'head');
    assert.deepEqual([head.manifest.generation, head.manifest.commit], [generation, commit]);
    state.apply(head);
  }
  assert.equal(nextGeneration(new Map([[name, state], ['live/call-legs/other', new OffsetState(feed, 0)]])), 6);
});
