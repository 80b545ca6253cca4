import type { Clock } from '../clock.ts';
import { ConnectorError } from '../errors.ts';
import type { FeedId } from '../feed/feed.ts';
import { afterPage, afterWindow } from '../feed/offset.ts';
import { takeFresh } from '../feed/seen.ts';
import type { Pace, Window } from '../feed/window.ts';
import type { ShardSession } from '../sink/sink.ts';
import type { Source } from '../source/source.ts';
import type { BusEvent, Stream } from '../streams/stream.ts';
import { readAhead } from './read-ahead.ts';

/** A feed as configured. How far it has come is not here: only the session knows that. */
export interface Feed {
  readonly id: FeedId;
  readonly stream: Stream;
  readonly pace: Pace;
  /** Where it starts when it has no offset yet, epoch milliseconds. */
  readonly originMs: number;
  /** A backfill ends here; a live feed never ends. */
  readonly endMs?: number;
  /** Whether dead letters carry the row itself, with the names and numbers in it. */
  readonly rejectedPayload: boolean;
}

/** The outside world of a poll. */
export interface Io {
  readonly source: Source;
  readonly session: ShardSession;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** What one poll did. Metrics, logs and the demo screen are made from this and nothing else. */
export interface PollReport {
  readonly window: Window;
  readonly watermarkMs: number;
  readonly pages: number;
  readonly rows: number;
  readonly published: number;
  /** Of those published: rows that were published before, and that 8x8 has changed since. */
  readonly corrected: number;
  readonly rejected: number;
  /** Rows read before and dropped as known. */
  readonly repeats: number;
  /** Rows before all that is remembered, dropped: nobody asked for them. */
  readonly outside: number;
  /** Keys remembered after the poll. */
  readonly seen: number;
  readonly durationMs: number;
}

/**
 * Moves one feed through one window: read, map, keep what is new, commit.
 *
 * Each page is a commit of its own, so memory stays bounded by a page. The
 * watermark moves only after the last page: a crash in between reads the window
 * again, and the keys committed with each page keep the repeats off the bus.
 */
export async function pollOnce(feed: Feed, window: Window, io: Io): Promise<PollReport> {
  const { source, session, clock, signal } = io;
  const { id, stream, pace } = feed;
  const startedMs = clock.nowMs();
  const count = { pages: 0, rows: 0, published: 0, corrected: 0, rejected: 0, repeats: 0, outside: 0 };
  const offset = () => session.offsetOf(id)!; // the shard loop has committed where the feed begins
  const scan = { window, after: offset().commits };

  for await (const events of readAhead((inner) => readEvents(feed, window, { ...io, signal: inner }), signal)) {
    const { fresh, seen, corrected, repeats, outside } = takeFresh(offset(), events, stream.revise);

    if (seen.length > 0) await session.commit({ feed: id, events: fresh, step: afterPage(offset(), scan, seen) });

    count.pages += 1;
    count.rows += events.length;
    count.published += fresh.filter((event) => event.channel === 'accepted').length;
    count.corrected += corrected;
    count.rejected += fresh.filter((event) => event.channel === 'rejected').length;
    count.repeats += repeats;
    count.outside += outside;
  }

  refuseFuture(window, Math.min(startedMs, clock.nowMs()) - source.aheadMs());
  await session.commit({ feed: id, events: [], step: afterWindow(offset(), scan, pace) });
  const { watermarkMs, seenCount: seen } = offset();
  return { window, watermarkMs, seen, durationMs: clock.nowMs() - startedMs, ...count };
}

/**
 * A clock that was set ahead since the last answer of the source makes a window that ends in the future, also if it
 * is set right meanwhile. Its rows are published, but the watermark must not pass calls that are still to come.
 */
function refuseFuture(window: Window, sourceNowMs: number): void {
  if (window.to <= sourceNowMs) return;
  const seconds = Math.ceil((window.to - sourceNowMs) / 1_000);
  const problem = `the clock of this machine is ahead: a window ended ${seconds} s in the future; set it right`;
  throw new ConnectorError('CLOCK_AHEAD', problem);
}

/** Every row of the window as an event, page by page. Runs a page ahead, while the last one is committed. */
async function* readEvents(feed: Feed, window: Window, io: Io): AsyncIterable<readonly BusEvent[]> {
  const { source, session, clock, signal } = io;
  const { id, stream, rejectedPayload } = feed;
  const { pbxId } = id;
  for await (const rows of source.readPages({ stream, pbxId, window }, signal)) {
    const context = { pbxId, window, observedAtMs: clock.nowMs(), rejectedPayload };
    const events = rows.map((row) => stream.toEvent(row, context));
    const offset = session.offsetOf(id)!;
    session.stage(events.filter(({ key }) => offset.seenEntry(key) === undefined));
    yield events;
  }
}
