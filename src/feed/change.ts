import { feedName, isSameFeed, type FeedId } from './feed.ts';
import type { OffsetChange, OffsetState } from './offset.ts';
import { LIVE, readToMs, type PassPlan } from './pass.ts';
import { floorToSecond } from './window.ts';

/** What a person asks of the offset of a feed. */
export type ChangeRequest =
  /** Read again from a time, or from so many milliseconds back from where the feed stands. */
  | { readonly kind: 'reset'; readonly to: { readonly timeMs: number } | { readonly backMs: number } }
  /** Begin a pass over history. */
  | { readonly kind: 'begin'; readonly plan: PassPlan }
  | { readonly kind: 'pause' | 'resume' | 'cancel' };

/** What becomes of it: a change, or the reason why there is none. */
export type Decision =
  | { readonly change: OffsetChange }
  | { readonly unchanged: string };

/** Decides a change by where the feed and its live pass stand. */
export function decideChange(
  states: ReadonlyMap<string, OffsetState>,
  feed: FeedId,
  request: ChangeRequest,
): Decision {
  const state = states.get(feedName(feed));
  if (request.kind === 'reset') return decideReset(state, request.to);
  if (request.kind === 'begin') return decideBegin(states, feed, request.plan);
  if (state === undefined) return { unchanged: 'it has no offset' };
  const ended = state.pass !== undefined && state.watermarkMs >= readToMs(state.pass);
  if (ended || state.state === 'CANCELLED') return { unchanged: 'it has come to its end' };
  if (request.kind === 'cancel' && state.pass === undefined) return { unchanged: 'the live pass has no end; pause it' };
  const wanted = ({ pause: 'PAUSED', resume: 'RUNNING', cancel: 'CANCELLED' } as const)[request.kind];
  return state.state === wanted ? { unchanged: 'it is so already' } : { change: { state: wanted } };
}

function decideReset(state: OffsetState | undefined, to: (ChangeRequest & { kind: 'reset' })['to']): Decision {
  if ('timeMs' in to) return { change: { watermarkMs: to.timeMs } };
  if (state === undefined || state.commits === 0) return { unchanged: 'it has no offset to go back from' };
  return { change: { watermarkMs: floorToSecond(state.watermarkMs - to.backMs) } };
}

/**
 * A backfill ends where the live pass has begun, and reads nothing that another backfill reads, so that no row is
 * published twice; a replay ends where the live pass stands. What is begun a second time goes on as it was.
 */
function decideBegin(states: ReadonlyMap<string, OffsetState>, feed: FeedId, plan: PassPlan): Decision {
  const known = states.get(feedName(feed))?.pass;
  if (known !== undefined) {
    const same = known.fromMs === plan.fromMs && known.replay === plan.replay;
    return { unchanged: same ? 'it has begun before, and goes on' : 'another pass has that name; take a new one' };
  }
  const live = states.get(feedName({ ...feed, pass: LIVE }));
  if (live === undefined) {
    return { unchanged: 'its live pass has not begun, and this one ends where that begins; start the connector first' };
  }
  const endMs = Math.min(plan.endMs, plan.replay ? live.watermarkMs : live.originMs);
  if (endMs <= plan.fromMs) return { unchanged: 'the live pass has published all of it; a replay would do so again' };
  const rival = plan.replay ? undefined : [...states.values()].find((other) => {
    const [from, end] = [other.pass?.fromMs ?? Infinity, publishedToMs(other)];
    return isSameFeed(other.feed, feed) && other.pass?.replay === false && from < endMs && plan.fromMs < end;
  });
  if (rival !== undefined) {
    return { unchanged: `the pass ${rival.feed.pass} reads a part of it; take another span, or a replay` };
  }
  return { change: { watermarkMs: plan.fromMs, state: 'RUNNING', pass: { ...plan, endMs } } };
}

/** Up to where a pass publishes, or has published when it was ended. */
function publishedToMs({ pass, state, watermarkMs }: OffsetState): number {
  return state === 'CANCELLED' ? Math.min(watermarkMs, pass!.endMs) : pass?.endMs ?? Infinity;
}
