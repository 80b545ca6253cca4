import assert from 'node:assert/strict';
import { registerHooks } from 'node:module';
import { ownPatches, type Patch } from './patch.ts';

/**
 * `node --import test/patches/register.ts …` with PATCHES set runs the product with its source changed as it is
 * loaded: planted bugs and failpoints need no branch in the product. Threads of the process are patched, too.
 */
const project = new URL('../../', import.meta.url).href;
const patches = ownPatches();

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const ours = patches.filter(({ file }) => url === project + file);
    if (ours.length === 0) return loaded;
    return { ...loaded, source: ours.reduce(apply, String(loaded.source)) };
  },
});

/** A patch whose place is gone would plant nothing, and a check that then stays green would prove nothing. */
function apply(source: string, { file, find, replace }: Patch): string {
  assert.equal(source.split(find).length, 2, `${file} has exactly one place for the patch: ${find}`);
  return source.replace(find, () => replace);
}
