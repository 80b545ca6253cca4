import { learnPace, paceOf, type Arrivals, type AutoLimits, type DelayState } from './auto-pace.ts';
import { beginSilence, judgeSilence, passWindow, type Silence, type SilenceState } from './silence.ts';
import type { Pace, Window } from './window.ts';

/** What a feed has found out about its PBX. It is committed with the window that it was found in. */
export interface Learnt {
  /** Undefined before the first window, and on a pass over history. */
  readonly silence: SilenceState | undefined;
  /** Undefined unless the feed finds its pace for itself. */
  readonly delays: DelayState | undefined;
}

export const NOTHING_LEARNT: Learnt = { silence: undefined, delays: undefined };

/** How long a feed is quiet, and what to think of it. */
export interface SilenceReport extends Silence {
  /** It was not suspicious before this window. */
  readonly begins: boolean;
}

/** When the rows of a window have ended, as they are received, also those that were published before. */
export interface Heard {
  /** Of the last reading of it. */
  readonly timesMs: readonly number[];
  /** Of the last row in any reading of it; 0 if there is none. */
  readonly newestMs: number;
}

export const NOTHING_HEARD: Heard = { timesMs: [], newestMs: 0 };

/** With one more page; `anew` if it begins another reading of the window, in which all rows come again. */
export function hear(heard: Heard, timesMs: readonly number[], anew: boolean): Heard {
  const newestMs = timesMs.reduce((newest, timeMs) => Math.max(newest, timeMs), heard.newestMs);
  return { timesMs: anew ? timesMs : [...heard.timesMs, ...timesMs], newestMs };
}

/** What a window that was read to its end can teach. */
export interface Lesson extends Heard {
  /** From the watermark before it to the one behind it. */
  readonly span: Window;
  /** What was seen for the first time; undefined unless the poll was at the live edge. */
  readonly arrivals: Arrivals | undefined;
  readonly nowMs: number;
}

/** What is known after a window, and what to tell of it. */
export interface Learning {
  readonly learnt: Learnt;
  readonly silence: SilenceReport;
  /** The pace from now on, if it is another. */
  readonly adapted: Pick<Pace, 'settleMs' | 'lookbackMs'> | undefined;
}

/** How a feed is read. */
export interface Taught {
  readonly pace: Pace;
  readonly auto?: AutoLimits | undefined;
}

export function learn(feed: Taught, known: Learnt, lesson: Lesson): Learning {
  const { span, timesMs, newestMs, arrivals, nowMs } = lesson;
  const before = known.silence ?? beginSilence({ tenths: [], weeks: [] }, span.from);
  const read = passWindow(before, span, timesMs);
  // A row that was published is a row, though the reading that showed it came to no end.
  const silence = { ...read, quietSinceMs: Math.max(read.quietSinceMs, newestMs < span.to ? newestMs : 0) };
  const judged = judgeSilence(silence, span.to);
  const begins = judged.suspicious && !judgeSilence(before, span.from).suspicious;

  const delays = feed.auto && learnPace(known.delays, arrivals, feed.auto, nowMs);
  const [old, { settleMs, lookbackMs }] = [paceOf(feed, known.delays), paceOf(feed, delays)];
  const same = old.settleMs === settleMs && old.lookbackMs === lookbackMs;
  const adapted = same ? undefined : { settleMs, lookbackMs };
  return { learnt: { silence, delays }, silence: { ...judged, begins }, adapted };
}

/** Behind a gap: nobody knows what calls there were in it. */
export function withGap({ silence, ...rest }: Learnt, { to }: Window): Learnt {
  return { ...rest, silence: silence && beginSilence(silence.profile, to) };
}

/** When somebody has moved the feed: hours that are read a second time are not learnt a second time. */
export function withChange(learnt: Learnt, fromMs: number, toMs: number): Learnt {
  return fromMs === toMs ? learnt : withGap(learnt, { from: fromMs, to: Math.max(fromMs, toMs) });
}
