import type { FeedOffset, SeenEntry } from './offset.ts';

/** What deciding needs to know of an event. */
export interface Keyed {
  /** Of a row that is `rejected` nobody knows when it ended. */
  readonly channel: string;
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
  /** How many are not the feed's: they lie before all that is remembered, so that nobody can tell if they are new. */
  readonly outside: number;
}

/** How a feed sifts its rows. */
export interface Sieve<E> {
  /** Makes the event that follows on what was published. */
  readonly revise: (event: E, before: SeenEntry) => E;
  /** Rows that ended then or later are another pass's; a live feed has none. */
  readonly endMs?: number | undefined;
  /** Of rows that ended before nobody can tell whether they are new, also if the feed has come to read them. */
  readonly fromMs?: number | undefined;
  /** Whether a row was published long ago, and nothing else is known of it any more. */
  readonly isSealed?: (key: string) => boolean;
  /** Passes that may have published rows of the feed, too: 8x8 may move one from their time into ours. */
  readonly others?: readonly Pick<FeedOffset, 'seenEntry'>[];
}

/** Hash of a content that is published, but under a key of another name. One of 2^48 contents has it by chance. */
export const CONTENT_UNKNOWN = 0;

/**
 * Keeps what is new of a page, and what has changed.
 *
 * A known key whose time has moved on is remembered at its later time: else it would be forgotten with its
 * first one, while windows that still hold it are read again.
 */
export function takeFresh<E extends Keyed>(
  offset: FeedOffset,
  events: readonly E[],
  { revise, endMs = Infinity, fromMs = -Infinity, isSealed = () => false, others = [] }: Sieve<E>,
): Sifted<E> {
  const fresh: E[] = [];
  const seen = new Map<string, SeenEntry>();
  let corrected = 0;
  let repeats = 0;
  let outside = 0;

  for (const event of events) {
    const { key, eventTimeMs: timeMs, contentHash: hash, marks } = event;
    const known = seen.get(key) ?? latest(offset.seenEntry(key), key, others);
    if (event.channel === 'accepted' && timeMs >= endMs) {
      outside += 1;
    } else if (isSealed(key)) {
      repeats += 1;
    } else if (known === undefined && timeMs < Math.max(offset.seenFromMs, fromMs)) {
      outside += 1;
    } else if (known === undefined) {
      fresh.push(event);
      seen.set(key, { key, timeMs, hash, revision: 1, marks });
    } else if (known.hash === CONTENT_UNKNOWN) {
      repeats += 1;
      seen.set(key, { ...known, hash, marks, timeMs: Math.max(timeMs, known.timeMs) });
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

/** What was published last under the key, by this pass or another. */
function latest(
  own: SeenEntry | undefined,
  key: string,
  others: readonly Pick<FeedOffset, 'seenEntry'>[],
): SeenEntry | undefined {
  let last = own;
  for (const other of others) {
    const entry = other.seenEntry(key);
    if ((entry?.revision ?? 0) > (last?.revision ?? 0)) last = entry;
  }
  return last;
}
