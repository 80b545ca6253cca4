import type { Clock } from '../clock.ts';
import type { FeedStatus, Status } from './status.ts';

/** What the page is told: the status, but of the feeds only those that are not as it was told before. */
export interface LiveStatus extends Status {
  /** `PBX stream` of feeds that are ours no longer. */
  readonly gone: readonly string[];
}

const EVERY_MS = 2_000;

/**
 * The status as server-sent events, again and again: the first one is whole. The stream ends with its reader.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export async function* statusEvents(status: () => Status, clock: Clock): AsyncGenerator<string> {
  const told = new Map<string, string>();
  const { signal } = new AbortController();
  for (;;) {
    yield `data: ${JSON.stringify(newsOf(status(), told))}\n\n`;
    await clock.sleepUntil(clock.nowMs() + EVERY_MS, signal);
  }
}

/** @param told what of each feed was told last; it is brought up to date */
export function newsOf(status: Status, told: Map<string, string>): LiveStatus {
  const names = new Set(status.feeds.map(nameOf));
  const gone = [...told.keys()].filter((name) => !names.has(name));
  for (const name of gone) told.delete(name);
  const feeds = status.feeds.filter((feed) => {
    // The lag grows by itself: whoever knows the watermark knows it.
    const text = JSON.stringify({ ...feed, lagSeconds: null });
    if (told.get(nameOf(feed)) === text) return false;
    told.set(nameOf(feed), text);
    return true;
  });
  return { ...status, feeds, gone };
}

function nameOf({ pbx, stream }: FeedStatus): string {
  return `${pbx} ${stream}`;
}
