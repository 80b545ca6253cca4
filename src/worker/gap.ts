import { ConnectorError } from '../errors.ts';
import { LIVE } from '../feed/pass.ts';
import { afterGap } from '../feed/step.ts';
import { retentionGap, type Window } from '../feed/window.ts';
import { auditEvents } from '../streams/audit.ts';
import { gapEvent } from '../streams/rejected.ts';
import type { Feed, Io } from './poll.ts';
import { NOTHING } from './report.ts';

/** A span of a feed that was never read to its end, and never will be. */
export interface Gap {
  readonly gap: Window;
}

/**
 * Moves a feed over what 8x8 no longer keeps, and says so on the bus, in one commit: read as any window it would be
 * empty, and be passed in silence.
 *
 * @throws ConnectorError CLOCK_AHEAD when only our clock believes that so much time has passed; those of the source.
 */
export async function skipGap(feed: Feed, gap: Window, io: Io): Promise<Gap> {
  const { source, session, clock, signal } = io;
  const { id, stream, endMs } = feed;
  // Any answer tells the time: what is skipped is lost for ever, and our clock may have been set ahead just now.
  const next = { from: gap.to, to: gap.to + 1_000 };
  const background = id.pass !== LIVE;
  const pages = source.readPages({ stream, pbxId: id.pbxId, window: next, background }, signal)[Symbol.asyncIterator]();
  await pages.next();
  await pages.return?.();

  const nowMs = clock.nowMs();
  const offset = session.offsetOf(id)!;
  const confirmed = retentionGap({ watermarkMs: offset.watermarkMs, endMs }, nowMs - source.aheadMs());
  if (confirmed === undefined) {
    throw new ConnectorError('CLOCK_AHEAD', 'the clock of this machine is years ahead of that of 8x8; set it right');
  }
  const events = [
    gapEvent(stream.name, { pbxId: id.pbxId, window: confirmed, observedAtMs: nowMs }),
    ...auditEvents({ feed: id, commit: offset.commits + 1, observedAtMs: nowMs }, {
      ...NOTHING, outcome: 'gap', window: confirmed, fromWatermarkMs: confirmed.from, watermarkMs: confirmed.to,
      total: undefined, received: 0, attempts: 0, recovered: offset.unfinished,
      silence: undefined, durationMs: 0,
    }),
  ];
  await session.commit({ feed: id, events, step: afterGap(offset, confirmed) });
  return { gap: confirmed };
}
