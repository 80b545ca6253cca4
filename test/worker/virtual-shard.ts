import { MemorySink } from '../../src/sink/memory.ts';
import type { Commit } from '../../src/sink/sink.ts';
import type { ReadRequest, Source } from '../../src/source/source.ts';
import type { RawRow } from '../../src/streams/stream.ts';
import { oneAtATime } from '../../src/worker/one-at-a-time.ts';
import type { Feed } from '../../src/worker/poll.ts';
import { runShard, type Outcome } from '../../src/worker/shard-loop.ts';
import { VirtualClock, VirtualTime } from '../world/virtual-time.ts';
import { at, pageOf } from './parts.ts';

interface Poll {
  readonly at: string;
  readonly pbxId: string;
  readonly outcome: string;
}

export interface Answer {
  /** Thrown before the first page. */
  readonly fail?: Error;
  readonly rows?: readonly RawRow[];
  readonly tookMs?: number;
}

/** What 8x8 answers, at a moment of the clock that the shard has, and of the true time. */
type Answering = (request: ReadRequest, nowMs: number, trueMs: number) => Answer;

/** A shard that runs in virtual time from 10:05 on, with what it did. */
export async function startShard(feeds: readonly Feed[], answer: Answering) {
  const time = new VirtualTime(at('10:05:00'));
  const clock = new VirtualClock(time);
  const stop = new AbortController();
  /** What the last answer said of the clock. */
  const told = { aheadMs: 0, atMs: -Infinity };
  const polls: Poll[] = [];
  const windows: { readonly pbxId: string; readonly from: string; readonly to: string }[] = [];
  const source: Source = {
    async check() {},
    aheadMs: () => (clock.nowMs() < told.atMs ? 0 : told.aheadMs),
    async *readPages(request, signal) {
      const { pbxId, window } = request;
      windows.push({ pbxId, from: clockText(window.from), to: clockText(window.to) });
      const { fail, rows = [], tookMs = 0 } = answer(request, clock.nowMs(), time.nowMs());
      await time.sleep(tookMs, signal);
      signal.throwIfAborted();
      Object.assign(told, { aheadMs: Math.max(clock.offsetMs, 0), atMs: clock.nowMs() });
      if (fail !== undefined) throw fail;
      if (rows.length > 0) yield pageOf(rows);
    },
  };
  const commits: (Commit & { readonly trueMs: number })[] = [];
  const report = (feed: Feed, outcome: Outcome): void => {
    if ('calls' in outcome) return;
    const reached = (watermarkMs: number): string => `to ${clockText(watermarkMs)}`;
    const text = outcome instanceof Error ? outcome.code
      : 'gap' in outcome ? `gap ${reached(outcome.gap.to)}` : reached(outcome.watermarkMs);
    polls.push({ at: clockText(clock.nowMs()), pbxId: feed.id.pbxId, outcome: text });
  };
  const onCommit = (commit: Commit): void => void commits.push({ ...commit, trueMs: time.nowMs() });
  const session = oneAtATime(await new MemorySink({ onCommit }).openShard(0));
  const running = runShard(feeds, { source, session, clock, signal: stop.signal }, report);
  running.catch(() => undefined);
  return {
    time, clock, stop, polls, windows, commits, running,
    pollsOf: (pbxId: string) => polls.filter((poll) => poll.pbxId === pbxId).map((poll) => poll.at),
  };
}

export function clockText(ms: number): string {
  return new Date(ms).toISOString().slice(11, 19);
}
