import type { FeedOffset, SeenEntry } from './offset.ts';

/** What deciding needs to know of an event. */
export interface Keyed {
  readonly key: string;
  readonly eventTimeMs: number;
  readonly contentHash: number;
}

/** The events of a page, sorted by whether the bus has them already. */
export interface Sifted<E> {
  /** Not published yet, in the order they came. */
  readonly fresh: readonly E[];
  /** The keys to remember: of the fresh ones, and of known ones that 8x8 has moved to a later time. */
  readonly seen: readonly SeenEntry[];
  /** How many were read before, in an earlier poll or in this page. */
  readonly repeats: number;
  /** How many lie before all that is remembered: nobody asked for them, and nobody can tell if they are new. */
  readonly outside: number;
}

/**
 * Keeps what is new of a page.
 *
 * A known key whose time has moved on is remembered at its later time: else it would be forgotten with its
 * first one, while windows that still hold it are read again.
 */
export function takeFresh<E extends Keyed>(offset: FeedOffset, events: readonly E[]): Sifted<E> {
  const fresh: E[] = [];
  const seen = new Map<string, SeenEntry>();
  let repeats = 0;
  let outside = 0;

  for (const event of events) {
    const { key, eventTimeMs: timeMs, contentHash: hash } = event;
    const known = seen.get(key) ?? offset.seenEntry(key);
    if (known !== undefined) {
      repeats += 1;
      if (timeMs > known.timeMs) seen.set(key, { ...known, timeMs });
    } else if (timeMs < offset.seenFromMs) {
      outside += 1;
    } else {
      fresh.push(event);
      seen.set(key, { key, timeMs, hash });
    }
  }
  return { fresh, seen: [...seen.values()], repeats, outside };
}
