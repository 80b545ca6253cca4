import type { Window } from '../feed/window.ts';
import type { Feed, Io } from './poll.ts';

/**
 * Reads once more what was read before, and publishes nothing: it is for whole calls whose parts were in the memory of
 * an earlier owner of the shard. The commits of a feed have nothing to do with it, for its keys may be forgotten.
 *
 * @throws ConnectorError those of the source.
 */
export async function recall({ id: { pbxId }, stream }: Feed, window: Window, io: Io): Promise<void> {
  const { source, session, clock, signal, calls } = io;
  for await (const { rows } of source.readPages({ stream, pbxId, window, background: true }, signal)) {
    const context = { pbxId, window, observedAtMs: clock.nowMs() };
    calls!.recall(rows.map((row) => stream.toEvent(row, context)), session);
  }
}
