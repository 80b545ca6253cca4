import type { Problem } from './ask.ts';
import type { SavedOffset } from './saved.ts';
import { CONTENT_UNKNOWN } from './seen.ts';

/** A PBX that 8x8 calls by another name from now on; both in lower case. */
export interface Rename {
  readonly from: string;
  readonly to: string;
}

/** The PBX that two names of a feed tell apart, for a feed may read several with commas; or why there is none. */
export function renameOf(oldName: string, newName: string): Rename | Problem {
  const [before, after] = [oldName, newName].map((name) => new Set(name.toLowerCase().split(',')));
  const [gone, come] = [[...before!.difference(after!)], [...after!.difference(before!)]];
  if (gone.length + come.length === 0) return { problem: 'both names are the same feed, for their case means nothing' };
  if (before!.has('allpbxes') || after!.has('allpbxes')) return { problem: 'allpbxes is the name of no PBX' };
  const [from, to] = [gone[0], come[0]];
  if (gone.length !== 1 || from === undefined || to === undefined || come.length !== 1) {
    return { problem: 'one PBX must have another name, and all others of the feed the one they had' };
  }
  return { from, to };
}

/**
 * What a feed knows, as the feed of the new name. A row has another key then, and another content, for both hold the
 * name of its PBX: so the contents that were published are not known any more, until the rows are read again.
 */
export function renamed(saved: SavedOffset, pbxId: string, { from, to }: Rename): SavedOffset {
  const seen = saved.seen.map((entry) => {
    const [pbx, ...ids] = entry.key.split('/');
    return pbx === from ? { ...entry, key: [to, ...ids].join('/'), hash: CONTENT_UNKNOWN, marks: '' } : entry;
  });
  return { ...saved, feed: { ...saved.feed, pbxId }, seen };
}
