import { feedName, type FeedId } from '../feed/feed.ts';
import type { HeadRecord } from '../feed/offset.ts';
import { progressOf } from '../feed/pass.ts';

/** How the feeds of a pass go on together. */
export interface Progress {
  /** A commit of one of them, old or new. */
  learn(head: HeadRecord, nowMs: number): void;
  /** All have come to their end, or were cancelled. */
  ended(): boolean;
  /** A bar, how much is done, how fast it goes, and how long it will take at that speed. */
  line(nowMs: number): string;
}

const BAR_WIDTH = 24;

/** Speed is that of the last minute: the budget, and what live feeds leave of it, change. */
const SPEED_OVER_MS = 60_000;

export function createProgress(feeds: readonly FeedId[], startedMs: number): Progress {
  const names = new Set(feeds.map(feedName));
  const heads = new Map<string, HeadRecord>();
  let rows = 0;
  let samples = [{ atMs: startedMs, part: 0, rows: 0 }];

  const partOf = (name: string): number => {
    const head = heads.get(name);
    if (head?.pass === undefined) return 0;
    return head.state === 'CANCELLED' ? 1 : progressOf(head.watermarkMs, head.pass);
  };
  const part = (): number => [...names].reduce((sum, name) => sum + partOf(name), 0) / names.size;

  return {
    learn(head, nowMs) {
      const name = feedName(head.feed);
      if (!names.has(name)) return;
      heads.set(name, head);
      rows += head.manifest.published;
      samples = [...samples.filter(({ atMs }) => nowMs - atMs <= SPEED_OVER_MS), { atMs: nowMs, part: part(), rows }];
    },
    ended: () => part() === 1,
    line(nowMs) {
      const first = samples[0]!;
      const seconds = Math.max((nowMs - first.atMs) / 1_000, 1);
      const speed = (part() - first.part) / seconds;
      const perSecond = Math.round((rows - first.rows) / seconds);
      const filled = Math.round(part() * BAR_WIDTH);
      const paused = [...heads.values()].filter(({ state }) => state === 'PAUSED').length;
      return [
        `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ${(part() * 100).toFixed(1)} %`,
        `${rows} events, ${perSecond} a second`,
        ...(part() === 1 ? ['done'] : [speed > 0 ? `${span((1 - part()) / speed)} left` : 'waiting for a worker']),
        ...(paused > 0 ? [`${paused} of ${names.size} feeds paused`] : []),
      ].join(', ');
    },
  };
}

function span(seconds: number): string {
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor((seconds % 3_600) / 60)];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min` : `${Math.ceil(seconds)} s`;
}
