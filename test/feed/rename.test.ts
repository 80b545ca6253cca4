import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renamed, renameOf, type Rename } from '../../src/feed/rename.ts';
import { CONTENT_UNKNOWN } from '../../src/feed/seen.ts';
import type { SavedOffset } from '../../src/feed/saved.ts';

const names: readonly (readonly [from: string, to: string, rename: Rename | RegExp])[] = [
  ['acme', 'umbrella', { from: 'acme', to: 'umbrella' }],
  ['Acme', 'Umbrella', { from: 'acme', to: 'umbrella' }],
  ['acme,globex', 'acme,umbrella', { from: 'globex', to: 'umbrella' }],
  ['acme,globex', 'ACE,acme', { from: 'globex', to: 'ace' }],
  ['acme', 'ACME', /same feed, for their case means nothing/],
  ['acme,globex', 'Globex,acme', /same feed/],
  ['acme', 'allpbxes', /allpbxes is the name of no PBX/],
  ['allpbxes', 'acme', /allpbxes is the name of no PBX/],
  ['acme,globex', 'ace,umbrella', /one PBX must have another name/],
  ['acme', 'acme,globex', /one PBX must have another name/],
  ['acme,globex', 'acme', /one PBX must have another name/],
];
for (const [from, to, rename] of names) {
  test(`renameOf tells what has become of ${from}, now ${to}`, () => {
    const found = renameOf(from, to);
    if (rename instanceof RegExp) assert.match('problem' in found ? found.problem : 'a rename', rename);
    else assert.deepEqual(found, rename);
  });
}

test('a feed of another name knows the rows of before by their new keys, and no content of them', () => {
  const entry = (key: string) => ({ key, timeMs: 5_000, hash: 7, revision: 3, marks: 'AA' });
  const saved: SavedOffset = {
    feed: { stream: 'call-legs', pbxId: 'acme,Globex', pass: 'live' },
    watermarkMs: 9_000, seenFromMs: 8_000, originMs: 1_000, state: 'PAUSED', pass: undefined, drift: ['misfit missed'],
    seen: [entry('globex/1/2'), entry('acme/globex/1'), entry('globex2/1/1'), entry('rejected/0a')],
  };
  const unknown = (key: string) => ({ ...entry(key), hash: CONTENT_UNKNOWN, marks: '' });
  assert.deepEqual(renamed(saved, 'acme,Umbrella', { from: 'globex', to: 'umbrella' }), {
    ...saved,
    feed: { ...saved.feed, pbxId: 'acme,Umbrella' },
    seen: [unknown('umbrella/1/2'), entry('acme/globex/1'), entry('globex2/1/1'), entry('rejected/0a')],
  });
});
