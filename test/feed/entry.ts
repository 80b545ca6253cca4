import type { SeenEntry } from '../../src/feed/offset.ts';

/** A key that is remembered, of a content that `hash` stands for. */
export function entry(key: string, timeMs: number, hash = 1, revision = 1): SeenEntry {
  return { key, timeMs, hash, revision, marks: `marks of ${hash}` };
}
