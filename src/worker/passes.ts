import { feedName } from '../feed/feed.ts';
import { LIVE, passPace, readToMs } from '../feed/pass.ts';
import type { ShardSession } from '../sink/sink.ts';
import type { Feed } from './poll.ts';

/**
 * The feeds of passes over history that the offsets of a shard tell of. Who begins a pass, pauses it or lets it go on
 * writes its offset, and fences us by it: so whoever opens a shard knows of it, and a pass needs no worker of its own.
 *
 * A pass of a PBX or a stream that is no longer configured waits until it is again.
 */
export function passFeeds(live: readonly Feed[], session: ShardSession): readonly Feed[] {
  const liveOf = new Map(live.map((feed) => [feedName(feed.id), feed]));
  return [...session.offsets()].flatMap(({ feed: id, pass, state }) => {
    const feed = liveOf.get(feedName({ ...id, pass: LIVE }));
    if (feed === undefined || pass === undefined || state !== 'RUNNING') return [];
    return [{ ...feed, id, pace: passPace(feed.pace), auto: undefined, originMs: pass.fromMs, endMs: readToMs(pass) }];
  });
}
