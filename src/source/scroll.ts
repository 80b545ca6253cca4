import { ConnectorError } from '../errors.ts';
import type { Stream } from '../streams/stream.ts';
import type { Page } from './page.ts';

/** How far one going over a window has come. A window that starts over gets a new one. */
export interface Scroll {
  readonly pageSize: number;
  /** What asks for the next page; `undefined` asks for the first. */
  readonly scrollId: string | undefined;
  /** Rows received so far, repeats included. */
  readonly rowCount: number;
  /** Rows received so far, each once. */
  readonly received: number;
  /** How many rows the window has: what its first page has said. */
  readonly total: number | undefined;

  /**
   * Moves behind a page.
   *
   * @throws ConnectorError SOURCE_MALFORMED if the scroll does not get on: the page brings nothing new, its
   *   scrollId was there before, or it never ends. What such a scroll left out we cannot know.
   */
  advance(page: Page): void;
}

const PAGES_MAX = 10_000;

/** Bounds the memory of a large window. It spans several pages of any size that 8x8 grants. */
const KEYS_MAX = 50_000;

export function createScroll(stream: Stream, pageSize: number): Scroll {
  const scrollIds = new Set<string>();
  const keys = new Set<string>();
  let scrollId: string | undefined;
  let rowCount = 0;
  let received = 0;
  let total: number | undefined;
  let pageCount = 0;

  return {
    pageSize,
    get scrollId() {
      return scrollId;
    },
    get rowCount() {
      return rowCount;
    },
    get received() {
      return received;
    },
    get total() {
      return total;
    },
    advance({ rows, nextScrollId, ...page }) {
      const added = rememberKeys(keys, rows.map((row) => stream.identify(row)));
      if (rows.length > 0 && added === 0) throw stuck('a page repeats rows and brings no new one');
      // The last page counts nothing, and those between may count what has come to light meanwhile.
      if (pageCount === 0) total = page.total;
      rowCount += rows.length;
      received += added;
      pageCount += 1;
      if (nextScrollId === undefined) return;
      if (scrollIds.has(nextScrollId)) throw stuck('a scrollId comes a second time');
      if (pageCount === PAGES_MAX) throw stuck(`there is no end after ${PAGES_MAX} pages`);
      scrollIds.add(nextScrollId);
      scrollId = nextScrollId;
    },
  };
}

/** Adds to the keys, oldest out, and says how many were new. */
function rememberKeys(keys: Set<string>, added: readonly string[]): number {
  let newKeys = 0;
  for (const key of added) {
    if (keys.has(key)) continue;
    keys.add(key);
    newKeys += 1;
  }
  for (const oldest of keys) {
    if (keys.size <= KEYS_MAX) break;
    keys.delete(oldest);
  }
  return newKeys;
}

function stuck(why: string): ConnectorError {
  return new ConnectorError('SOURCE_MALFORMED', `8x8's scroll does not get on: ${why}`);
}
