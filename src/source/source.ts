import type { Window } from '../feed/window.ts';
import type { RawRow, Stream } from '../streams/stream.ts';

/** One window of one report. */
export interface ReadRequest {
  readonly stream: Stream;
  /** A PBX name, several joined by commas, or `allpbxes`. */
  readonly pbxId: string;
  readonly window: Window;
  /** A pass over history: it gets only what live requests leave, and never more than its share. */
  readonly background?: boolean;
}

/** What has come of reading a window so far. */
export interface Reading {
  /** How many rows the source says the window has; undefined if it does not say. */
  readonly total: number | undefined;
  /** Rows received, each once. */
  readonly received: number;
  /** How often the window was begun: it is read anew if the source shows fewer rows than it counts. */
  readonly attempts: number;
}

/** A page of a window. */
export interface RowPage {
  readonly rows: readonly RawRow[];
  readonly reading: Reading;
}

/** Where rows come from. `work-analytics.ts` asks 8x8 itself. */
export interface Source {
  /**
   * Proves that the source can be reached and accepts our credentials. Called once, before the first poll.
   *
   * @throws ConnectorError SOURCE_REFUSED, SOURCE_UNAVAILABLE, SOURCE_THROTTLED or SOURCE_MALFORMED.
   */
  check(signal: AbortSignal): Promise<void>;

  /**
   * How far our clock is ahead of the source's, in milliseconds, as far as its last answer tells; 0 if it is not,
   * or if the source cannot tell. Windows end by the slower of the two clocks.
   */
  aheadMs(): number;

  /**
   * Reads every row of a window, page by page, in the order the source chooses. The iteration ends
   * normally only when the window was read to its end: a window is never cut short in silence. The last page may be
   * empty; it tells what the reading came to.
   *
   * A row may come twice, and rows near the edges may come too: the caller
   * dedupes by key. Leaving the loop early is allowed and costs nothing.
   *
   * @throws ConnectorError with reaction `retry`: the source is down, throttles us, answers nonsense, or
   *   refuses us (then with a long `retryAfterMs`); CONFIG_INVALID for a PBX name that no request can carry.
   *   An abort of `signal` throws the signal's reason.
   */
  readPages(request: ReadRequest, signal: AbortSignal): AsyncIterable<RowPage>;
}
