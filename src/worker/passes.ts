import { deepPace, deepPass, isDeep, keepForDeepSweeps } from '../feed/deep-sweep.ts';
import { feedName, type FeedId } from '../feed/feed.ts';
import { LIVE, passPace, readToMs } from '../feed/pass.ts';
import type { Keep } from '../feed/step.ts';
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

/** The deep sweeps of live feeds: for each age a pass that goes over all that they have read, once more. */
export function deepFeeds(live: readonly Feed[]): readonly Feed[] {
  return live.flatMap((feed) => agesOf(feed).map((ageMs) =>
    ({ ...feed, id: deepId(feed.id, ageMs), pace: deepPace(feed.pace, ageMs), auto: undefined })));
}

/** What a feed keeps of its keys because of deep sweeps: all of these know what any of them may still come to read. */
export function keepOf(feed: Feed, session: ShardSession): Keep {
  const { id } = feed;
  const live = session.offsetOf({ ...id, pass: LIVE });
  if (live === undefined) return {};
  if (isDeep(id.pass)) return { forgetBeforeMs: live.rememberedFromMs };
  if (id.pass !== LIVE) return {};
  return keepForDeepSweeps(live, agesOf(feed).map((ageMs) => ({ ageMs, own: session.offsetOf(deepId(id, ageMs)) })));
}

function agesOf({ pace: { deepSweepsMs = [] } }: Feed): readonly number[] {
  return deepSweepsMs;
}

function deepId(id: FeedId, ageMs: number): FeedId {
  return { ...id, pass: deepPass(ageMs) };
}
