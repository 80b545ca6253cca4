import { ConnectorError, reactionTo } from '../errors.ts';
import { paceOf } from '../feed/auto-pace.ts';
import { isDeep, planDeepSweep } from '../feed/deep-sweep.ts';
import { feedName } from '../feed/feed.ts';
import { LIVE } from '../feed/pass.ts';
import { nextTurn, type FeedTurn } from '../feed/schedule.ts';
import { beginAt, stay } from '../feed/step.ts';
import { planWindow, type Plan } from '../feed/window.ts';
import { inSpan } from '../span.ts';
import { skipGap, type Gap } from './gap.ts';
import type { ShardSession } from '../sink/sink.ts';
import type { Source } from '../source/source.ts';
import type { CallDesk, CallsReport } from './call-desk.ts';
import { Groups, type GroupCandidate } from './group.ts';
import { pollOnce, type Feed, type Io } from './poll.ts';
import { recall } from './recall.ts';
import type { PollReport } from './report.ts';

/**
 * What the loop remembers of each feed of a shard, from one session to the next: else the first feed had the first
 * turn of each, and one whose commits always fail would keep all others from theirs.
 */
export type ShardMemory = Map<string, Memory>;

/** What a shard's loop knows besides its offsets. */
export interface ShardState {
  readonly memories?: ShardMemory;
  /** By PBX, as feeds name it; of those of which whole calls are wanted. Of one session. */
  readonly desks?: ReadonlyMap<string, CallDesk> | undefined;
  /** Reads several feeds by one request when requests are short; absent: each is read alone. */
  readonly groups?: Groups | undefined;
}

/** Not committed: a new owner of the shard sweeps at once and rests nobody. */
interface Memory {
  sweptAtMs: number;
  /** It rests from one to the other. A clock set back before the first ends the rest. */
  restFromMs: number;
  notBeforeMs: number;
  lastTurn: number;
}

/**
 * A sleep goes on when the clock is set; one that was planned by a wrong clock must not outlast it by much. And who has
 * committed nothing for so long asks whether the shard is still ours: a person may have changed an offset of it.
 */
const SLEEP_MAX_MS = 60_000;

/** A feed rests for a step after an error, but no longer than that, unless the source asks for it. */
const REST_MAX_MS = 600_000;

/** What a turn came to. */
export type Outcome = PollReport | Gap | ConnectorError | { readonly calls: CallsReport };

/**
 * Polls the feeds of one shard, one at a time, until `signal` aborts or all are done.
 *
 * One at a time, because a shard has one transaction open at most. Work runs in
 * parallel across shards.
 *
 * @throws ConnectorError `reopen` or `stop`, for the worker to answer. A `retry`
 *   is answered here: the feed rests, then the same window is planned again.
 */
export async function runShard(
  feeds: readonly Feed[],
  io: Io,
  report: (feed: Feed, outcome: Outcome) => void,
  { memories = new Map(), desks = new Map(), groups = new Groups(1) }: ShardState = {},
): Promise<void> {
  const { source, session, clock, signal } = io;
  for (const { id } of feeds) {
    if (memories.has(feedName(id))) continue;
    memories.set(feedName(id), { sweptAtMs: -Infinity, restFromMs: -Infinity, notBeforeMs: 0, lastTurn: 0 });
  }
  const loop: Loop = { io, report, desks, groups, memoryOf: ({ id }) => memories.get(feedName(id))! };

  for (const feed of feeds) {
    if (session.offsetOf(feed.id) !== undefined || isDeep(feed.id.pass)) continue;
    // Before the first poll: a start of "24h ago" must still mean the same day when the first polls fail.
    await session.commit({ feed: feed.id, events: [], step: beginAt(feed.originMs) });
  }

  for (const desk of desks.values()) await desk.begin(session);

  const turnsBefore = Math.max(...feeds.map((feed) => loop.memoryOf(feed).lastTurn));
  for (let number = turnsBefore + 1; !signal.aborted; number += 1) {
    // By the slower of two clocks: a window that ends in the source's future would pass calls that are to come.
    const aheadMs = source.aheadMs();
    const nowMs = clock.nowMs() - aheadMs;
    const candidates = feeds.map((feed) => candidateOf(feed, loop, nowMs));
    const turn = nextTurn(candidates, nowMs);

    if (turn.kind === 'done') return;
    if (turn.kind === 'sleep') {
      await clock.sleepUntil(Math.min(turn.untilMs, nowMs + SLEEP_MAX_MS) + aheadMs, signal);
      if (turn.untilMs > nowMs + SLEEP_MAX_MS && !signal.aborted) await ask(feeds[0]!, session);
      continue;
    }
    if (turn.kind === 'skip') {
      await session.commit({ feed: turn.feed.id, events: [], step: beginAt(turn.toMs) });
      continue;
    }
    const others = turn.kind === 'read' ? groups.besides(turn, candidates, nowMs) : [];
    await takeTurns([turn, ...others], loop, { number, nowMs });
  }
}

/** What the turns of a shard share. */
interface Loop {
  readonly io: Io;
  readonly report: (feed: Feed, outcome: Outcome) => void;
  readonly desks: ReadonlyMap<string, CallDesk>;
  readonly groups: Groups;
  readonly memoryOf: (feed: Feed) => Memory;
}

function candidateOf(feed: Feed, { io: { session }, desks, memoryOf }: Loop, nowMs: number): GroupCandidate {
  const { restFromMs, notBeforeMs, lastTurn, ...memory } = memoryOf(feed);
  // Whole calls are made of what this session has read.
  const sweptAtMs = desks.get(feed.id.pbxId)?.needs(feed.id) === true ? -Infinity : memory.sweptAtMs;
  const plan = planOf(feed, session, sweptAtMs, nowMs);
  const { watermarkMs = -Infinity } = session.offsetOf(feed.id) ?? {};
  return { feed, plan, watermarkMs, notBeforeMs: nowMs < restFromMs ? 0 : notBeforeMs, lastTurn };
}

/** Feeds that could be read by one request, the one whose turn it is first. */
type Turns = readonly [FeedTurn<Feed>, ...FeedTurn<Feed>[]];

/** When a turn is taken. */
interface TurnTime {
  readonly number: number;
  readonly nowMs: number;
}

/** The turn of the first feed, and of the others, too, if one request can read them all. */
async function takeTurns(turns: Turns, loop: Loop, time: TurnTime): Promise<void> {
  const { io, groups } = loop;
  let together: Source | undefined;
  try {
    if (turns.length > 1) together = await groups.read(turns, io);
  } catch (error) {
    loop.memoryOf(turns[0].feed).lastTurn = time.number;
    return rest(turns[0].feed, loop, error);
  }
  for (const turn of together === undefined ? turns.slice(0, 1) : turns) {
    if (!io.signal.aborted) await takeTurn(turn, together ?? io.source, loop, time);
  }
}

/** @param source what has the rows of the window; what else is needed is asked of 8x8 */
async function takeTurn(turn: FeedTurn<Feed>, source: Source, loop: Loop, { number, nowMs }: TurnTime): Promise<void> {
  const { io, report, desks } = loop;
  const { feed, window } = turn;
  const memory = loop.memoryOf(feed);
  memory.lastTurn = number;
  const [from, to] = [window.from, window.to].map((ms) => new Date(ms).toISOString());
  const attributes = { 'connector.feed': feedName(feed.id), 'connector.from': from, 'connector.to': to };
  try {
    await inSpan({ name: 'poll', kind: 'INTERNAL', attributes }, async () => {
      const take = turn.kind === 'gap' ? skipGap : pollOnce;
      const calls = desks.get(feed.id.pbxId);
      const lacking = calls?.lacking(feed.id, window, io.session);
      if (lacking !== undefined) await recall(feed, lacking, { ...io, calls });
      report(feed, await take(feed, window, { ...io, source, calls }));
      const swept = turn.kind === 'read' && turn.sweep;
      if (swept) memory.sweptAtMs = nowMs;
      const pace = paceOf(feed, io.session.offsetOf(feed.id)!.learnt.delays);
      const told = await calls?.settle({ id: feed.id, pace, swept }, io);
      if (told !== undefined) report(feed, { calls: told });
    });
  } catch (error) {
    rest(feed, loop, error);
  }
}

/** Answers an error of a feed, if that is to try again later. */
function rest(feed: Feed, { io: { source, clock, signal }, report, memoryOf }: Loop, error: unknown): void {
  if (signal.aborted) return;
  if (!(error instanceof ConnectorError) || reactionTo(error) !== 'retry') throw error;
  report(feed, error);
  const memory = memoryOf(feed);
  memory.restFromMs = clock.nowMs() - source.aheadMs();
  memory.notBeforeMs = memory.restFromMs + restMs(feed, error);
}

function restMs({ pace }: Feed, { retryAfterMs = 0 }: ConnectorError): number {
  return Math.max(Math.min(pace.stepMinMs, REST_MAX_MS), retryAfterMs);
}

/** What a feed does next, by where it stands and, if it is a deep sweep, by where its live feed does. */
function planOf(feed: Feed, session: ShardSession, sweptAtMs: number, nowMs: number): Plan {
  const { id, pace, endMs } = feed;
  const offset = session.offsetOf(id);
  if (isDeep(id.pass)) return planDeepSweep(offset, session.offsetOf({ ...id, pass: LIVE }), pace, nowMs);
  const { watermarkMs, seenFromMs, state, learnt } = offset!;
  const progress = { watermarkMs, seenFromMs, sweptAtMs, endMs, paused: state === 'PAUSED' };
  return planWindow(progress, paceOf(feed, learnt.delays), nowMs);
}

/**
 * The live feeds ask for all of the shard: a deep sweep may have nothing to commit for hours.
 *
 * @throws ConnectorError SINK_FENCED if the shard is ours no more.
 */
async function ask({ id }: Feed, session: ShardSession): Promise<void> {
  if (isDeep(id.pass)) return;
  return session.commit({ feed: id, events: [], step: stay(session.offsetOf(id)!) });
}
