import type { Named } from './drift.ts';
import { withGap } from './learnt.ts';
import type { Scan } from './manifest.ts';
import type { FeedOffset, OffsetStep, SeenEntry } from './offset.ts';
import { memoryMs, type Pace, type Window } from './window.ts';

/** The first step of a feed: it has read nothing yet, and will read nothing before `originMs`. */
export function beginAt(originMs: number): OffsetStep {
  return { watermarkMs: originMs, seenFromMs: originMs, seen: [] };
}

/** The step after a page: the watermark stays, for the window is not read to its end. */
export function afterPage(
  { watermarkMs, seenFromMs }: FeedOffset,
  scan: Scan,
  seen: readonly SeenEntry[],
  drift: readonly Named[],
): OffsetStep {
  return { watermarkMs, seenFromMs, seen, drift: drift.map(({ name }) => name), scan };
}

/** A step that goes nowhere: who has lost the shard learns it by trying. */
export function stay({ watermarkMs, seenFromMs }: FeedOffset): OffsetStep {
  return { watermarkMs, seenFromMs, seen: [] };
}

/** What a feed remembers of its keys beyond what it reads again. */
export type Keep = Pick<OffsetStep, 'forgetBeforeMs' | 'sealFromMs'>;

/** The step after the last page of a window. Neither of the two times ever goes back. */
export function afterWindow(offset: FeedOffset, scan: Scan, pace: Pace, keep: Keep = {}): OffsetStep {
  const watermarkMs = Math.max(offset.watermarkMs, scan.window.to);
  const seenFromMs = Math.max(offset.seenFromMs, watermarkMs - pace.lookbackMs);
  const forgetBeforeMs = Math.min(watermarkMs - memoryMs(pace), keep.forgetBeforeMs ?? Infinity);
  return { watermarkMs, seenFromMs, ...keep, forgetBeforeMs, seen: [], scan, done: true };
}

/** The step over a span that nobody can read any more: nothing of it will be read again. */
export function afterGap(offset: FeedOffset, gap: Window): OffsetStep {
  const { to } = gap;
  const scan = { window: gap, after: offset.commits };
  const learnt = withGap(offset.learnt, gap);
  return { watermarkMs: to, seenFromMs: to, forgetBeforeMs: to, seen: [], learnt, scan, done: true };
}

/** The step of the calls of a PBX: some are told, and all that ended before `toMs` are decided. */
export function afterCalls(
  offset: FeedOffset,
  toMs: number,
  seen: readonly SeenEntry[],
  memoryMs: number,
): OffsetStep {
  const watermarkMs = Math.max(offset.watermarkMs, toMs);
  return { watermarkMs, seenFromMs: offset.seenFromMs, forgetBeforeMs: watermarkMs - memoryMs, seen };
}
