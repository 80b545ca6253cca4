import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { contentsOf } from '../../src/feed/manifest.ts';
import { OffsetState, type OffsetStep, type SeenEntry } from '../../src/feed/offset.ts';
import { takeFresh, type Keyed } from '../../src/feed/seen.ts';

const feed = { stream: 'call-legs', pbxId: 'acme', pass: 'live' } as const;
const event = (key: string, eventTimeMs: number, contentHash = 1): Keyed => ({ key, eventTimeMs, contentHash });
const entry = (key: string, timeMs: number, hash = 1): SeenEntry => ({ key, timeMs, hash });

/** An offset that remembers from 100 on, and these keys. */
function knowing(...entries: readonly SeenEntry[]): OffsetState {
  const offset = new OffsetState(feed, 100);
  take(offset, { watermarkMs: 500, seenFromMs: 100, seen: entries });
  return offset;
}

function take(offset: OffsetState, step: OffsetStep): void {
  for (const record of offset.recordsFor(step, contentsOf(1, []))) offset.apply(record);
}

const cases: {
  name: string; known: SeenEntry[]; page: Keyed[];
  fresh: string[]; seen: SeenEntry[]; repeats?: number; outside?: number;
}[] = [
  { name: 'keeps what is new, in its order', known: [], page: [event('b', 200), event('a', 300)],
    fresh: ['b', 'a'], seen: [entry('b', 200), entry('a', 300)] },
  { name: 'drops what an earlier page has published', known: [entry('a', 200)],
    page: [event('a', 200), event('b', 200)], fresh: ['b'], seen: [entry('b', 200)], repeats: 1 },
  { name: 'drops a repeat inside the page', known: [], page: [event('a', 200), event('a', 200), event('a', 200)],
    fresh: ['a'], seen: [entry('a', 200)], repeats: 2 },
  { name: 'drops a changed content of a known key, and remembers the published one', known: [],
    page: [event('a', 200, 1), event('a', 200, 2)], fresh: ['a'], seen: [entry('a', 200, 1)], repeats: 1 },
  { name: 'remembers a known key at its later time, with the content that was published', known: [entry('a', 200, 1)],
    page: [event('a', 250, 2)], fresh: [], seen: [entry('a', 250, 1)], repeats: 1 },
  { name: 'does not move a known key to an earlier time', known: [entry('a', 200)], page: [event('a', 150)],
    fresh: [], seen: [], repeats: 1 },
  { name: 'moves a key on within its first page', known: [], page: [event('a', 200), event('a', 250), event('a', 220)],
    fresh: ['a'], seen: [entry('a', 250)], repeats: 2 },
  { name: 'drops rows before all that is remembered', known: [], page: [event('a', 99), event('b', 100)],
    fresh: ['b'], seen: [entry('b', 100)], outside: 1 },
  { name: 'counts a known key as a repeat, also where its time now lies outside', known: [entry('a', 200)],
    page: [event('a', 99)], fresh: [], seen: [], repeats: 1 },
  { name: 'takes rows behind the window: they are known when their own window comes', known: [],
    page: [event('a', 9_999)], fresh: ['a'], seen: [entry('a', 9_999)] },
  { name: 'finds nothing in an empty page', known: [entry('a', 200)], page: [], fresh: [], seen: [] },
];

for (const { name, known, page, fresh, seen, repeats = 0, outside = 0 } of cases) {
  test(`takeFresh ${name}`, () => {
    const sifted = takeFresh(knowing(...known), page);
    assert.deepEqual(sifted.fresh.map(({ key }) => key), fresh);
    assert.deepEqual({ ...sifted, fresh: [] }, { fresh: [], seen, repeats, outside });
  });
}

const anyEvent = fc.record({
  key: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
  eventTimeMs: fc.integer({ min: 80, max: 400 }),
  contentHash: fc.integer({ min: 1, max: 2 }),
});
const anyPages = fc.array(fc.array(anyEvent, { maxLength: 8 }), { maxLength: 8 });

// Goal: nothing is published twice, nothing new is dropped. Method: pages of few keys, so that all repeat.
test('takeFresh publishes each key once over any pages, and sorts each row into one heap', () => {
  fc.assert(fc.property(anyPages, (pages) => {
    const offset = knowing();
    const published: string[] = [];
    for (const page of pages) {
      const { fresh, seen, repeats, outside } = takeFresh(offset, page);
      assert.equal(fresh.length + repeats + outside, page.length);
      published.push(...fresh.map(({ key }) => key));
      const { watermarkMs, seenFromMs } = offset;
      take(offset, { watermarkMs, seenFromMs, seen });
    }
    const inside = pages.flat().filter(({ eventTimeMs }) => eventTimeMs >= 100).map(({ key }) => key);
    assert.deepEqual(published.toSorted(), [...new Set(inside)].sort());
  }));
});

test('takeFresh changes nothing of the offset, and its answer depends on nothing else', () => {
  fc.assert(fc.property(anyPages, fc.array(anyEvent, { maxLength: 8 }), (pages, page) => {
    const known = new Map(pages.flat().map(({ key, eventTimeMs }) => [key, entry(key, eventTimeMs)]));
    const offset = knowing(...known.values());
    const first = takeFresh(offset, page);
    assert.deepEqual(takeFresh(offset, page), first);
    assert.equal(offset.seenCount, known.size);
  }));
});
