import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FeedId } from '../../src/feed/feed.ts';
import { contentsOf } from '../../src/feed/manifest.ts';
import { OffsetState, restoreOffsets, type OffsetRecord, type SeenEntry } from '../../src/feed/offset.ts';
import { readSaved, restoring, saveOffset, writeSaved, type SavedOffset } from '../../src/feed/saved.ts';
import { RETENTION_MS } from '../../src/feed/window.ts';

const NOW = Date.parse('2026-11-20T12:00:00Z');
const [CANARY, HOUR] = ['canary-7f3a', 3_600_000];
const feed: FeedId = { stream: 'call-legs', pbxId: 'Acme', pass: 'live' };
const pass = { fromMs: NOW - 9 * HOUR, endMs: NOW - 5 * HOUR, replay: false };

const anyEntry: fc.Arbitrary<SeenEntry> = fc.record({
  key: fc.string({ minLength: 1 }), timeMs: fc.maxSafeInteger(), hash: fc.maxSafeNat().map((n) => n % 2 ** 48),
  revision: fc.integer({ min: 1, max: 2 ** 31 - 1 }), marks: fc.string(),
}, { noNullPrototype: true });
const anyOffset: fc.Arbitrary<SavedOffset> = fc.record({
  isLive: fc.boolean(),
  times: fc.array(fc.integer({ min: NOW - 8 * HOUR, max: NOW }), { minLength: 3, maxLength: 3 }),
  isPaused: fc.boolean(),
  drift: fc.uniqueArray(fc.string(), { maxLength: 3 }),
  seen: fc.uniqueArray(anyEntry, { selector: ({ key }) => key, maxLength: 30 }),
}).map(({ isLive, times, isPaused, drift, seen }) => {
  const [originMs, seenFromMs, watermarkMs] = times.toSorted((a, b) => a - b) as [number, number, number];
  const state = isPaused ? 'PAUSED' : 'RUNNING';
  const plan = isPaused ? { ...pass, replay: true, topic: 'my.topic' } : pass;
  const of = isLive ? { feed, pass: undefined } : { feed: { ...feed, pass: 'old' }, pass: plan };
  return { ...of, originMs, seenFromMs, watermarkMs, state, drift, seen };
});

const read = (text: string): readonly SavedOffset[] => {
  const saved = readSaved(text, NOW);
  return 'problem' in saved ? assert.fail(saved.problem) : saved.offsets;
};
const contentOf = ({ seen, ...rest }: SavedOffset) =>
  ({ ...rest, seen: seen.toSorted((a, b) => (a.key < b.key ? -1 : 1)) });

/** The records that an offset is left with by changes one after the other, as a compacted topic has them. */
function lifeOf(of: FeedId, changes: readonly SavedOffset[]): { state: OffsetState; log: readonly OffsetRecord[] } {
  const state = new OffsetState(of, 0);
  const log: OffsetRecord[] = [];
  for (const [index, saved] of changes.entries()) {
    for (const record of state.changeTo(restoring(saved), contentsOf(1, []), index + 1)) {
      state.apply(record);
      log.push(record);
    }
  }
  return { state, log };
}

// Goal: a file is a whole backup. Method: any offset, written, read, and put in the place of any other.
test('an offset that is exported and imported over another is what it was, after a restart, too', () => {
  fc.assert(fc.property(anyOffset, anyOffset, (saved, other) => {
    const before = lifeOf(saved.feed, [saved]).state;
    const text = writeSaved({ connector: 'c', offsets: [saveOffset(before)] }, NOW);
    const [found] = read(text);
    assert.deepEqual(contentOf(found!), contentOf(saved));
    const { log } = lifeOf(saved.feed, [{ ...other, feed: saved.feed, pass: saved.pass }, found!]);
    const [after] = [...restoreOffsets(log).values()];
    assert.equal(after!.contradiction(), undefined);
    assert.deepEqual(contentOf(saveOffset(after!)), contentOf(saved));
  }));
});

test('more keys than a record holds are split, the oldest first, and all known', () => {
  const seen = Array.from({ length: 2_500 }, (_, index) =>
    ({ key: `acme/${index}`, timeMs: NOW - index, hash: index, revision: 1, marks: '' }));
  const saved = { ...sound(), seen };
  const { state, log } = lifeOf(feed, [saved, { ...saved, seen: seen.slice(500) }]);
  const pages = log.slice(log.length - 5).flatMap((record) => (record.kind === 'seen' ? [record] : []));
  assert.deepEqual(pages.map(({ page, entries }) => [page, entries.length]),
    [[0, 0], [1, 0], [2, 0], [3, 1_000], [4, 1_000]]);
  assert.equal(pages[3]!.entries[0]!.timeMs, NOW - 2_499);
  assert.deepEqual([state.seenCount, state.contradiction()], [2_000, undefined]);
});

function sound(): SavedOffset {
  const seen = [{ key: 'Acme/1/1', timeMs: NOW - HOUR, hash: 5, revision: 2, marks: 'AA' }];
  const [watermarkMs, seenFromMs, originMs] = [NOW - HOUR, NOW - 2 * HOUR, NOW - 3 * HOUR];
  return { feed, watermarkMs, seenFromMs, originMs, state: 'RUNNING', pass: undefined, drift: [], seen };
}

type Raw = Record<string, unknown>;
const raw = (): { feeds: (Raw & { seen: Raw[] })[] } & Raw =>
  JSON.parse(writeSaved({ connector: 'c', offsets: [sound()] }, NOW));
const head = (change: Raw) => (file: ReturnType<typeof raw>): void => void Object.assign(file.feeds[0]!, change);
const key = (change: Raw) => (file: ReturnType<typeof raw>): void =>
  void Object.assign(file.feeds[0]!.seen[0]!, change);
const OLD = new Date(NOW - RETENTION_MS - HOUR).toISOString();
const plan = { from: '2026-01-01T00:00:00Z', end: '2026-02-01T00:00:00Z', replay: false };

const refusals: readonly (readonly [name: string, spoil: (file: ReturnType<typeof raw>) => void, says: RegExp])[] = [
  ['another version', (file) => (file['version'] = 2), /^its content\.version must be 1, the version/],
  ['no connector', (file) => delete file['connector'], /^its content\.connector must be a text/],
  ['no list of feeds', (file) => (file['feeds'] = { } as never), /^its content\.feeds must be a list/],
  ['a feed that is none', (file) => (file.feeds[0] = CANARY as never), /^feeds\[0\] must be an object/],
  ['a feed of no report', head({ feed: `live/${CANARY}/acme` }), /^feeds\[0\]\.feed must be the name of a feed/],
  ['a feed twice', (file) => file.feeds.push({ ...file.feeds[0]!, feed: 'live/call-legs/ACME' }),
    /^feeds\[1\] is there/],
  ['a watermark without a zone', head({ watermark: '2026-01-01T00:00:00' }), /^feeds\[0\]\.watermark must be a time/],
  ['a watermark of no calendar', head({ watermark: '2026-13-01T00:00:00Z' }), /^feeds\[0\]\.watermark must be a time/],
  ['a watermark in the future', head({ watermark: '2026-11-20T12:00:01Z' }), /^feeds\[0\]\.watermark lies in the f/],
  ['a watermark that 8x8 keeps no more', head({ watermark: OLD, seenFrom: OLD, origin: OLD }),
    /^feeds\[0\]\.watermark lies more than two years back/],
  ['keys known from behind the watermark', head({ seenFrom: '2026-11-20T11:30:00Z' }), /seenFrom must not lie/],
  ['an origin behind the keys', head({ origin: '2026-11-20T10:30:00Z' }), /^feeds\[0\]\.origin must not lie behind/],
  ['a state of no feed', head({ state: CANARY }), /^feeds\[0\]\.state must be one of RUNNING, PAUSED, CANCELLED/],
  ['a live pass that has ended', head({ state: 'CANCELLED' }), /^feeds\[0\]\.state: the live pass and deep/],
  ['a plan of the live pass', head({ plan }), /^feeds\[0\]\.plan must be null for the live pass/],
  ['a pass without a plan', head({ feed: 'old/call-legs/acme' }), /^feeds\[0\]\.plan must be null for the live pass/],
  ['a plan of a deep sweep', head({ feed: 'deep-7d/call-legs/acme', plan }), /^feeds\[0\]\.plan must be null for the/],
  ['a plan that ends before it begins', head({ feed: 'old/call-legs/acme', plan: { ...plan, end: plan.from } }),
    /^feeds\[0\]\.plan\.from must lie before/],
  ['a plan that does not say what it is', head({ feed: 'old/call-legs/acme', plan: { ...plan, replay: CANARY } }),
    /^feeds\[0\]\.plan\.replay must be true or false/],
  ['a plan with a topic that is none', head({ feed: 'old/call-legs/acme', plan: { ...plan, topic: 'a b' } }),
    /^feeds\[0\]\.plan\.topic must be null, or the name of a topic/],
  ['a backfill to a topic', head({ feed: 'old/call-legs/acme', plan: { ...plan, topic: 't' } }),
    /^feeds\[0\]\.plan\.topic must be null, unless it is a replay/],
  ['drift that is no text', head({ drift: [5] }), /^feeds\[0\]\.drift must be a list of texts/],
  ['no list of keys', head({ seen: null }), /^feeds\[0\]\.seen must be a list/],
  ['an empty key', key({ key: '' }), /^feeds\[0\]\.seen\[0\]\.key must be a text/],
  ['a key twice', (file) => file.feeds[0]!.seen.push(file.feeds[0]!.seen[0]!), /^feeds\[0\]\.seen\[1\] has the key/],
  ['a time that is a text', key({ time: CANARY }), /^feeds\[0\]\.seen\[0\]\.time must be a whole number/],
  ['a hash of more bits', key({ hash: 2 ** 48 }), /^feeds\[0\]\.seen\[0\]\.hash must be a whole number from 0/],
  ['no revision', key({ revision: 0 }), /^feeds\[0\]\.seen\[0\]\.revision must be a whole number from 1/],
  ['marks that are none', key({ marks: null }), /^feeds\[0\]\.seen\[0\]\.marks must be a text/],
];
for (const [name, spoil, says] of refusals) {
  test(`readSaved refuses a file with ${name}, by its place`, () => {
    assert.equal(read(JSON.stringify(raw())).length, 1);
    const file = raw();
    spoil(file);
    const saved = readSaved(JSON.stringify(file), NOW);
    assert.match('problem' in saved ? saved.problem : 'taken', says);
    assert.doesNotMatch(JSON.stringify(saved), new RegExp(CANARY));
  });
}

test('what is not JSON is refused without being quoted', () => {
  for (const text of ['', CANARY, `{"version": 1, ${CANARY}`, 'null', '[]', '7']) {
    const saved = readSaved(text, NOW);
    assert.match('problem' in saved ? saved.problem : 'taken', /^(it is not JSON|its content must be an object)/);
    assert.doesNotMatch(JSON.stringify(saved), new RegExp(CANARY));
  }
});

test('a pass that has ended may stand where 8x8 keeps nothing any more', () => {
  const ended = { from: '2020-01-01T00:00:00Z', end: '2020-02-01T00:00:00Z', replay: false };
  const times = { watermark: '2020-02-01T00:00:02Z', seenFrom: '2020-02-01T00:00:00Z', origin: ended.from };
  const file = raw();
  head({ feed: 'old/call-legs/acme', plan: ended, ...times })(file);
  assert.equal(read(JSON.stringify(file))[0]!.feed.pass, 'old');
});
