import { ConnectorError } from '../../src/errors.ts';
import { beginAt } from '../../src/feed/step.ts';
import type { Window } from '../../src/feed/window.ts';
import type { Commit, Sink } from '../../src/sink/sink.ts';
import type { RowPage, Source } from '../../src/source/source.ts';
import { callLegs } from '../../src/streams/call-legs.ts';
import type { BusEvent, RawRow } from '../../src/streams/stream.ts';
import { oneAtATime, type SharedSession } from '../../src/worker/one-at-a-time.ts';
import type { Feed } from '../../src/worker/poll.ts';

export const at = (clock: string) => Date.parse(`2026-03-01T${clock}Z`);
export const minutes = (count: number) => count * 60_000;

export const pace = {
  settleMs: minutes(2),
  stepMinMs: minutes(1),
  stepMaxMs: minutes(60),
  overlapMs: minutes(1),
  lookbackMs: minutes(30),
  sweepEveryMs: minutes(10),
};

export function feedOf(pbxId: string, change: Partial<Feed> = {}): Feed {
  const id = { stream: 'call-legs', pbxId, pass: 'live' } as const;
  return { id, stream: callLegs, pace, originMs: at('10:00:00'), rejectedPayload: false, ...change };
}

/** A leg of the documented shape: what `callLegs` needs of it, and no more. */
export function leg(pbxId: string, callId: string, disconnected: string): RawRow {
  const disconnectedTimeUTC = at(disconnected);
  return { pbxId, callId, legId: '1', startTimeUTC: disconnectedTimeUTC - 5_000, disconnectedTimeUTC };
}

export const badRow: RawRow = { pbxId: 'acme', callId: 'bad', legId: '1' };

export const pages: readonly (readonly RawRow[])[] = [
  [leg('acme', 'a', '10:00:10'), leg('acme', 'b', '10:00:20')],
  [leg('acme', 'b', '10:00:20'), badRow, leg('acme', 'c', '10:00:30')],
  [leg('acme', 'd', '10:00:40')],
];

export const unavailable = (retryAfterMs?: number) =>
  new ConnectorError('SOURCE_UNAVAILABLE', 'connection reset', retryAfterMs === undefined ? {} : { retryAfterMs });

/** A page as a source yields it that does not count its rows. */
export function pageOf(rows: readonly RawRow[]): RowPage {
  return { rows, reading: { total: undefined, received: rows.length, attempts: 1 } };
}

/** The rows that a commit publishes, without what it says of their reading. */
export function rowEvents({ events }: Pick<Commit, 'events'>): readonly BusEvent[] {
  return events.filter(({ channel }) => channel === 'accepted' || channel === 'rejected');
}

/** A source of these pages, whatever is asked for, that calls `before` ahead of each page. */
export function sourceOf(
  ofPages: readonly (readonly RawRow[])[],
  before: (page: number, window: Window) => void | Promise<void> = () => undefined,
): Source {
  return {
    async check() {},
    aheadMs: () => 0,
    async *readPages({ window }, signal) {
      for (const [index, rows] of ofPages.entries()) {
        signal.throwIfAborted();
        await before(index, window);
        yield pageOf(rows);
      }
      await before(ofPages.length, window);
    },
  };
}

/** Opens the first shard as the shard loop does: a new feed has a beginning before it is polled. */
export async function openFor(feed: Feed, sink: Sink): Promise<SharedSession> {
  const session = oneAtATime(await sink.openShard(0));
  if (session.offsetOf(feed.id) === undefined) {
    await session.commit({ feed: feed.id, events: [], step: beginAt(feed.originMs) });
  }
  return session;
}
