import type { FeedOffset, SeenEntry } from './offset.ts';

/** What deciding needs to know of an event. */
export interface Keyed {
  readonly key: string;
  readonly eventTimeMs: number;
  readonly contentHash: number;
  readonly marks: string;
}

/** The events of a page, sorted by whether the bus has them already. */
export interface Sifted<E> {
  /** Not published yet: new rows, and known ones that 8x8 has changed, in the order they came. */
  readonly fresh: readonly E[];
  /** The keys to remember: of the fresh ones, and of known ones that have moved to a later time. */
  readonly seen: readonly SeenEntry[];
  /** How many of the fresh ones are rows that were published before with another content. */
  readonly corrected: number;
  /** How many were read before, in an earlier poll or in this page, and are as they were. */
  readonly repeats: number;
  /** How many lie before all that is remembered: nobody asked for them, and nobody can tell if they are new. */
  readonly outside: number;
}

/**
 * Keeps what is new of a page, and what has changed: `revise` makes the event that follows on what was published.
 *
 * A known key whose time has moved on is remembered at its later time: else it would be forgotten with its
 * first one, while windows that still hold it are read again.
 */
export function takeFresh<E extends Keyed>(
  offset: FeedOffset,
  events: readonly E[],
  revise: (event: E, before: SeenEntry) => E,
): Sifted<E> {
  const fresh: E[] = [];
  const seen = new Map<string, SeenEntry>();
  let corrected = 0;
  let repeats = 0;
  let outside = 0;

  for (const event of events) {
    const { key, eventTimeMs: timeMs, contentHash: hash, marks } = event;
    const known = seen.get(key) ?? offset.seenEntry(key);
    if (known === undefined && timeMs < offset.seenFromMs) {
      outside += 1;
    } else if (known === undefined) {
      fresh.push(event);
      seen.set(key, { key, timeMs, hash, revision: 1, marks });
    } else if (known.hash !== hash) {
      corrected += 1;
      fresh.push(revise(event, known));
      seen.set(key, { key, timeMs: Math.max(timeMs, known.timeMs), hash, revision: known.revision + 1, marks });
    } else {
      repeats += 1;
      if (timeMs > known.timeMs) seen.set(key, { ...known, timeMs });
    }
  }
  return { fresh, seen: [...seen.values()], corrected, repeats, outside };
}
