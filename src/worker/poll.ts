import type { Clock } from '../clock.ts';
import { ConnectorError } from '../errors.ts';
import { paceOf, type AutoLimits } from '../feed/auto-pace.ts';
import { isDeep } from '../feed/deep-sweep.ts';
import { untold } from '../feed/drift.ts';
import { isSameFeed, type FeedId } from '../feed/feed.ts';
import { learn, NOTHING_LEARNT } from '../feed/learnt.ts';
import { LIVE } from '../feed/pass.ts';
import { takeFresh, type Sieve } from '../feed/seen.ts';
import { afterPage, afterWindow } from '../feed/step.ts';
import { isLive, isShort, type Pace, type Window } from '../feed/window.ts';
import type { ShardSession } from '../sink/sink.ts';
import type { Reading, Source } from '../source/source.ts';
import { auditEvents, driftEvents } from '../streams/audit.ts';
import type { LegCount } from '../streams/calls.ts';
import type { BusEvent, Stream } from '../streams/stream.ts';
import type { CallDesk } from './call-desk.ts';
import type { SharedSession } from './one-at-a-time.ts';
import { keepOf } from './passes.ts';
import { readAhead } from './read-ahead.ts';
import { countPage, NOTHING, type PollReport } from './report.ts';

/** A feed as configured. How far it has come is not here: only the session knows that. */
export interface Feed {
  readonly id: FeedId;
  readonly stream: Stream;
  readonly pace: Pace;
  /** Within which bounds it finds settle and lookback for itself; then `pace` is what it begins with. */
  readonly auto?: AutoLimits | undefined;
  /** Where it starts when it has no offset yet, epoch milliseconds. */
  readonly originMs: number;
  /** Up to where a pass over history reads; a live feed never ends. */
  readonly endMs?: number;
  /** What a record counts as legs, if whole calls are wanted. */
  readonly callLegCount?: LegCount | undefined;
  /** Whether dead letters carry the row itself, with the names and numbers in it. */
  readonly rejectedPayload: boolean;
}

/** The outside world of a poll. */
export interface Io {
  readonly source: Source;
  readonly session: SharedSession;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Where whole calls are put together, if they are wanted. */
  readonly calls?: CallDesk | undefined;
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
  const { id } = feed;
  const startedMs = clock.nowMs();
  const offset = () => session.offsetOf(id)!; // the shard loop has committed where the feed begins
  const fromWatermarkMs = offset().watermarkMs;
  const pace = paceOf(feed, offset().learnt.delays);
  const deep = isDeep(id.pass);
  const live = !deep && isLive(fromWatermarkMs, pace, startedMs - source.aheadMs());
  const context = () => ({ feed: id, commit: offset().commits + 1, observedAtMs: clock.nowMs() });
  const scan = { window, after: offset().commits };
  let count = NOTHING;
  let reading: Reading = { total: undefined, received: 0, attempts: 1 };
  const endsMs = new Map<string, number>(); // by row: a window that is read anew shows most of them twice

  for await (const page of readAhead((inner) => readEvents(feed, window, { ...io, signal: inner }), signal)) {
    await session.alone(async (own) => { // another pass may have read the same row
      const sifted = takeFresh(offset(), page.events, sieveOf(feed, own));
      const drift = untold(offset().drift, sifted.fresh);
      const events = [...sifted.fresh, ...driftEvents(context(), drift)];
      const step = afterPage(offset(), scan, sifted.seen, drift);

      if (step.seen.length > 0) await own.commit({ feed: id, events, step });
      io.calls?.take(page.events, sifted.fresh, own);
      count = countPage(count, page.events.length, sifted, { fromWatermarkMs, live, deep, pace, drift });
    });
    for (const { channel, key, eventTimeMs } of page.events) if (channel === 'accepted') endsMs.set(key, eventTimeMs);
    reading = page.reading;
  }

  refuseFuture(window, Math.min(startedMs, clock.nowMs()) - source.aheadMs());
  const step = afterWindow(offset(), scan, pace, keepOf(feed, session));
  const outcome = isShort(reading) ? 'short' : 'whole';
  const [{ watermarkMs }, durationMs] = [step, clock.nowMs() - startedMs];
  const recovered = offset().unfinished - count.published - count.rejected;
  const { lateDelaysMs: lateMs, ...counted } = count;
  const nowMs = clock.nowMs();
  const arrivals = live ? { delaysMs: counted.delaysMs, lateMs, nowMs } : undefined;
  const lesson = { span: { from: fromWatermarkMs, to: watermarkMs }, timesMs: [...endsMs.values()], arrivals, nowMs };
  const { learnt, silence, adapted } = id.pass === LIVE ? learn(feed, offset().learnt, lesson) : HISTORY;
  const done = {
    outcome, window, fromWatermarkMs, watermarkMs, ...counted, ...reading, recovered, silence, adapted, durationMs,
  } as const;
  await session.commit({ feed: id, events: auditEvents(context(), done), step: { ...step, learnt } });
  return { ...done, seen: offset().seenCount };
}

/** A pass over history says nothing of how a PBX is now. */
const HISTORY = { learnt: NOTHING_LEARNT, silence: undefined, adapted: undefined };

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

/** What of a row is known, by which pass so ever: only a replay publishes again what another one has published. */
function sieveOf({ id, stream: { revise } }: Feed, session: ShardSession): Sieve<BusEvent> {
  const plan = session.offsetOf(id)!.pass;
  const others = plan?.replay === true ? [] : [...session.offsets()]
    .filter(({ feed, pass }) => feed.pass !== id.pass && isSameFeed(feed, id) && pass?.replay !== true);
  if (!isDeep(id.pass)) return { revise, endMs: plan?.endMs, others };
  const live = session.offsetOf({ ...id, pass: LIVE })!; // a deep sweep never reads what that has not read
  const isSealed = (key: string): boolean => live.isSealed(key) && live.seenEntry(key) === undefined;
  return { revise, fromMs: live.rememberedFromMs, isSealed, others };
}

interface EventPage {
  readonly events: readonly BusEvent[];
  readonly reading: Reading;
}

/** Every row of the window as an event, page by page. Runs a page ahead, while the last one is committed. */
async function* readEvents(feed: Feed, window: Window, io: Io): AsyncIterable<EventPage> {
  const { source, session, clock, signal } = io;
  const { id: { pbxId, pass }, stream, rejectedPayload } = feed;
  const background = pass !== LIVE;
  for await (const { rows, reading } of source.readPages({ stream, pbxId, window, background }, signal)) {
    const context = { pbxId, pass, window, observedAtMs: clock.nowMs(), rejectedPayload };
    const events = rows.map((row) => stream.toEvent(row, context));
    const offset = session.offsetOf(feed.id)!;
    session.stage(events.filter(({ key }) => offset.seenEntry(key) === undefined));
    yield { events, reading };
  }
}
