import { beginSilence, judgeSilence, passWindow, type Silence, type SilenceState } from './silence.ts';
import type { Window } from './window.ts';

/** What a feed has found out about its PBX. It is committed with the window that it was found in. */
export interface Learnt {
  /** Undefined before the first window, and on a pass over history. */
  readonly silence: SilenceState | undefined;
}

export const NOTHING_LEARNT: Learnt = { silence: undefined };

/** How long a feed is quiet, and what to think of it. */
export interface SilenceReport extends Silence {
  /** It was not suspicious before this window. */
  readonly begins: boolean;
}

/** What a window that was read to its end can teach. */
export interface Lesson {
  /** From the watermark before it to the one behind it. */
  readonly span: Window;
  /** When the rows received have ended, also those that were published before. */
  readonly timesMs: readonly number[];
}

/** What is known after a window, and what to tell of it. */
export function learn(
  known: Learnt,
  { span, timesMs }: Lesson,
): { readonly learnt: Learnt; readonly silence: SilenceReport } {
  const before = known.silence ?? beginSilence({ tenths: [], weeks: [] }, span.from);
  const silence = passWindow(before, span, timesMs);
  const judged = judgeSilence(silence, span.to);
  const begins = judged.suspicious && !judgeSilence(before, span.from).suspicious;
  return { learnt: { silence }, silence: { ...judged, begins } };
}

/** Behind a gap: nobody knows what calls there were in it. */
export function withGap({ silence, ...rest }: Learnt, { to }: Window): Learnt {
  return { ...rest, silence: silence && beginSilence(silence.profile, to) };
}

/** When somebody has moved the feed: hours that are read a second time are not learnt a second time. */
export function withChange(learnt: Learnt, fromMs: number, toMs: number): Learnt {
  return fromMs === toMs ? learnt : withGap(learnt, { from: fromMs, to: Math.max(fromMs, toMs) });
}
