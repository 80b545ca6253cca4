import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { contentsOf } from '../../src/feed/manifest.ts';
import { OffsetState, type OffsetStep, type SeenEntry } from '../../src/feed/offset.ts';
import { CONTENT_UNKNOWN, takeFresh, type Keyed, type Sifted } from '../../src/feed/seen.ts';
import { entry } from './entry.ts';

const feed = { stream: 'call-legs', pbxId: 'acme', pass: 'live' } as const;

interface Revised extends Keyed {
  readonly revision: number;
}

const event = (key: string, eventTimeMs: number, contentHash = 1): Revised =>
  ({ channel: 'accepted', key, eventTimeMs, contentHash, marks: `marks of ${contentHash}`, revision: 1 });

const sift = (offset: OffsetState, page: readonly Revised[]): Sifted<Revised> =>
  takeFresh(offset, page, { revise: (changed, before) => ({ ...changed, revision: before.revision + 1 }) });

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
  name: string; known: SeenEntry[]; page: Revised[];
  fresh: string[]; seen: SeenEntry[]; corrected?: number; repeats?: number; outside?: number;
}[] = [
  { name: 'keeps what is new, in its order', known: [], page: [event('b', 200), event('a', 300)],
    fresh: ['b 1', 'a 1'], seen: [entry('b', 200), entry('a', 300)] },
  { name: 'drops what an earlier page has published', known: [entry('a', 200)],
    page: [event('a', 200), event('b', 200)], fresh: ['b 1'], seen: [entry('b', 200)], repeats: 1 },
  { name: 'drops a repeat inside the page', known: [], page: [event('a', 200), event('a', 200), event('a', 200)],
    fresh: ['a 1'], seen: [entry('a', 200)], repeats: 2 },
  { name: 'keeps a changed content of a known key as its next revision', known: [entry('a', 200, 1, 4)],
    page: [event('a', 200, 2)], fresh: ['a 5'], seen: [entry('a', 200, 2, 5)], corrected: 1 },
  { name: 'follows a row that changes inside the page', known: [], page: [event('a', 200, 1), event('a', 200, 2)],
    fresh: ['a 1', 'a 2'], seen: [entry('a', 200, 2, 2)], corrected: 1 },
  { name: 'takes a change that is taken back for a third revision', known: [entry('a', 200, 1, 1)],
    page: [event('a', 200, 2), event('a', 200, 1)], fresh: ['a 2', 'a 3'], seen: [entry('a', 200, 1, 3)],
    corrected: 2 },
  { name: 'remembers a changed row at the later of its times', known: [entry('a', 200, 1)],
    page: [event('a', 150, 2)], fresh: ['a 2'], seen: [entry('a', 200, 2, 2)], corrected: 1 },
  { name: 'keeps the change of a known row, also where its time now lies outside', known: [entry('a', 200, 1)],
    page: [event('a', 99, 2)], fresh: ['a 2'], seen: [entry('a', 200, 2, 2)], corrected: 1 },
  { name: 'remembers an unchanged key at its later time', known: [entry('a', 200, 1, 3)],
    page: [event('a', 250, 1)], fresh: [], seen: [entry('a', 250, 1, 3)], repeats: 1 },
  { name: 'does not move a known key to an earlier time', known: [entry('a', 200)], page: [event('a', 150)],
    fresh: [], seen: [], repeats: 1 },
  { name: 'moves a key on within its first page', known: [], page: [event('a', 200), event('a', 250), event('a', 220)],
    fresh: ['a 1'], seen: [entry('a', 250)], repeats: 2 },
  { name: 'takes what is read of a row of which only the key is known for what was published',
    page: [event('a', 250, 7)], known: [entry('a', 200, CONTENT_UNKNOWN, 3)],
    fresh: [], seen: [entry('a', 250, 7, 3)], repeats: 1 },
  { name: 'knows the next content of such a row for a correction',
    page: [event('a', 200, 7), event('a', 200, 8)], known: [entry('a', 200, CONTENT_UNKNOWN, 3)],
    fresh: ['a 4'], seen: [entry('a', 200, 8, 4)], repeats: 1, corrected: 1 },
  { name: 'drops rows before all that is remembered', known: [], page: [event('a', 99), event('b', 100)],
    fresh: ['b 1'], seen: [entry('b', 100)], outside: 1 },
  { name: 'counts a known key as a repeat, also where its time now lies outside', known: [entry('a', 200)],
    page: [event('a', 99)], fresh: [], seen: [], repeats: 1 },
  { name: 'takes rows behind the window: they are known when their own window comes', known: [],
    page: [event('a', 9_999)], fresh: ['a 1'], seen: [entry('a', 9_999)] },
  { name: 'finds nothing in an empty page', known: [entry('a', 200)], page: [], fresh: [], seen: [] },
];

for (const { name, known, page, fresh, seen, corrected = 0, repeats = 0, outside = 0 } of cases) {
  test(`takeFresh ${name}`, () => {
    const sifted = sift(knowing(...known), page);
    assert.deepEqual(sifted.fresh.map(({ key, revision }) => `${key} ${revision}`), fresh);
    assert.deepEqual({ ...sifted, fresh: [] }, { fresh: [], seen, corrected, repeats, outside });
  });
}

const anyEvent = fc.record({
  key: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
  eventTimeMs: fc.integer({ min: 80, max: 400 }),
  contentHash: fc.integer({ min: 1, max: 2 }),
}).map(({ key, eventTimeMs, contentHash }) => event(key, eventTimeMs, contentHash));
const anyPages = fc.array(fc.array(anyEvent, { maxLength: 8 }), { maxLength: 8 });

// Goal: nothing is published twice, nothing new is dropped, no change is missed. Method: pages of few keys and two
// contents, so that all repeat; of each key the contents that were published are those shown, without repeats in a row.
test('takeFresh publishes each content of a key once in a row, and sorts each row into one heap', () => {
  fc.assert(fc.property(anyPages, (pages) => {
    const offset = knowing();
    const published: Revised[] = [];
    for (const page of pages) {
      const { fresh, seen, repeats, outside } = sift(offset, page);
      assert.equal(fresh.length + repeats + outside, page.length);
      published.push(...fresh);
      const { watermarkMs, seenFromMs } = offset;
      take(offset, { watermarkMs, seenFromMs, seen });
    }
    for (const key of ['a', 'b', 'c', 'd', 'e']) {
      const shown = pages.flat().filter((row) => row.key === key);
      const known = shown.slice(shown.findIndex(({ eventTimeMs }) => eventTimeMs >= 100));
      const all = known.some(({ eventTimeMs }) => eventTimeMs >= 100) ? known : [];
      const changes = all.filter(({ contentHash }, at) => contentHash !== all[at - 1]?.contentHash);
      const found = published.filter((row) => row.key === key);
      assert.deepEqual(found.map(({ contentHash, revision }) => [contentHash, revision]),
        changes.map(({ contentHash }, at) => [contentHash, at + 1]));
    }
  }));
});

test('takeFresh changes nothing of the offset, and its answer depends on nothing else', () => {
  fc.assert(fc.property(anyPages, fc.array(anyEvent, { maxLength: 8 }), (pages, page) => {
    const known = new Map(pages.flat().map(({ key, eventTimeMs }) => [key, entry(key, eventTimeMs)]));
    const offset = knowing(...known.values());
    const first = sift(offset, page);
    assert.deepEqual(sift(offset, page), first);
    assert.equal(offset.seenCount, known.size);
  }));
});

test('takeFresh leaves to the next pass what ended when that begins, but for what nobody can tell the time of', () => {
  const page = [event('ours', 299), event('theirs', 300), { ...event('bad', 300), channel: 'rejected' }];
  const { fresh, outside } = takeFresh(knowing(), page, { revise: (changed) => changed, endMs: 300 });
  assert.deepEqual([fresh.map(({ key }) => key), outside], [['ours', 'bad'], 1]);
});

test('takeFresh goes on from what another pass has published last', () => {
  const other = knowing({ ...entry('same', 150), hash: 1 }, { ...entry('changed', 150), hash: 2, revision: 3 });
  const sieve = {
    revise: (changed: Revised, before: SeenEntry) => ({ ...changed, revision: before.revision + 1 }), others: [other],
  };
  const own = knowing({ ...entry('changed', 150), hash: 5, revision: 2 });
  const { fresh, repeats } = takeFresh(own, [event('same', 150), event('changed', 150), event('new', 150)], sieve);
  assert.deepEqual(fresh.map(({ key, revision }) => [key, revision]), [['changed', 4], ['new', 1]]);
  assert.equal(repeats, 1);
});

test('takeFresh leaves out what was published and is sealed, whatever of it has changed', () => {
  const other = knowing(entry('sealed', 150, 1));
  const sieve = { revise: (changed: Revised) => changed, isSealed: (key: string) => key === 'sealed', others: [other] };
  const page = [event('sealed', 150, 2), event('new', 150)];
  const { fresh, seen, repeats, corrected } = takeFresh(knowing(), page, sieve);
  assert.deepEqual([fresh.map(({ key }) => key), seen.map(({ key }) => key)], [['new'], ['new']]);
  assert.deepEqual([repeats, corrected], [1, 0]);
});

test('takeFresh takes nothing for new that ended before all keys are known, but knows it if it was published', () => {
  const page = [event('known', 150), event('before', 299), event('since', 300)];
  const sifted = takeFresh(knowing(entry('known', 150)), page, { revise: (changed) => changed, fromMs: 300 });
  assert.deepEqual(sifted.fresh.map(({ key }) => key), ['since']);
  assert.deepEqual([sifted.repeats, sifted.outside], [1, 1]);
});
