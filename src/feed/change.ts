import { isDeep } from './deep-sweep.ts';
import { feedName, isSameFeed, type FeedId } from './feed.ts';
import type { OffsetChange, OffsetState } from './offset.ts';
import { LIVE, readToMs, type PassPlan } from './pass.ts';
import { restoring, type SavedOffset } from './saved.ts';
import { floorToSecond } from './window.ts';

/** What a person asks of the offset of a feed. */
export type ChangeRequest =
  /** Read again from a time, or from so many milliseconds back from where the feed stands. */
  | { readonly kind: 'reset'; readonly to: { readonly timeMs: number } | { readonly backMs: number } }
  /** Begin a pass over history. */
  | { readonly kind: 'begin'; readonly plan: PassPlan }
  | { readonly kind: 'pause' | 'resume' | 'cancel' }
  /** Stand where the feeds of a file stood, and know what they knew. By the name of the feed. */
  | {
    readonly kind: 'import';
    readonly offsets: ReadonlyMap<string, SavedOffset>;
    /** Only where nothing has been read yet. */
    readonly onlyNew?: boolean;
  };

/** What becomes of it: a change, or the reason why there is none. */
export type Decision =
  | { readonly change: OffsetChange }
  | { readonly unchanged: string };

/**
 * Whether a feed has obeyed a signal before, or a later one: they are obeyed in their order, and the last is known.
 * Each is `topic-partition@offset`; of another partition nothing is known.
 */
export function hasObeyed(last: string | undefined, signal: string | undefined): boolean {
  if (last === undefined || signal === undefined) return false;
  const [from, offset] = last.split('@');
  const [of, number] = signal.split('@');
  return from === of && Number(number) <= Number(offset);
}

const DEEP_HAS_NO_END = 'a deep sweep has no end; pause it, or leave its age out of PACE_DEEP_SWEEPS';

/** Decides a change by where the feed and its live pass stand. */
export function decideChange(
  states: ReadonlyMap<string, OffsetState>,
  feed: FeedId,
  request: ChangeRequest,
): Decision {
  const state = states.get(feedName(feed));
  if (request.kind === 'reset') return decideReset(state, request.to);
  if (request.kind === 'begin') return decideBegin(states, feed, request.plan);
  if (request.kind === 'import') return decideImport(states, feed, request);
  if (state === undefined) return { unchanged: 'it has no offset' };
  const ended = state.pass !== undefined && state.watermarkMs >= readToMs(state.pass);
  if (ended || state.state === 'CANCELLED') return { unchanged: 'it has come to its end' };
  if (request.kind === 'cancel' && isDeep(feed.pass)) return { unchanged: DEEP_HAS_NO_END };
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
    const same = isSamePlan(known, { ...plan, endMs: known.endMs });
    return { unchanged: same ? 'it has begun before, and goes on' : 'another pass has that name; take a new one' };
  }
  const live = states.get(feedName({ ...feed, pass: LIVE }));
  if (live === undefined) {
    return { unchanged: 'its live pass has not begun, and this one ends where that begins; start the connector first' };
  }
  const endMs = Math.min(plan.endMs, plan.replay ? live.watermarkMs : live.originMs);
  if (endMs <= plan.fromMs) return { unchanged: 'the live pass has published all of it; a replay would do so again' };
  const rival = plan.replay ? undefined : rivalOf(states, feed, { ...plan, endMs });
  if (rival !== undefined) {
    return { unchanged: `the pass ${rival.feed.pass} reads a part of it; take another span, or a replay` };
  }
  return { change: { watermarkMs: plan.fromMs, state: 'RUNNING', pass: { ...plan, endMs } } };
}

/**
 * The keys of the file take the place of all that are known: who has published something since must know that it is
 * published again. A name of another plan, or a part of another backfill, is refused as for a pass that begins.
 */
function decideImport(
  states: ReadonlyMap<string, OffsetState>,
  feed: FeedId,
  { offsets, onlyNew = false }: ChangeRequest & { readonly kind: 'import' },
): Decision {
  const saved = offsets.get(feedName(feed));
  if (saved === undefined) return { unchanged: 'the file does not have it' };
  const known = states.get(feedName(feed));
  if (onlyNew && known !== undefined && hasRead(known)) return { unchanged: 'it has read something already' };
  if (known !== undefined && !isSamePlan(known.pass, saved.pass)) {
    return { unchanged: 'another pass has that name; end that one, or leave this one out' };
  }
  const reads = saved.pass !== undefined && !saved.pass.replay && saved.state !== 'CANCELLED';
  const rival = reads ? rivalOf(states, feed, saved.pass) : undefined;
  if (rival !== undefined) return { unchanged: `the pass ${rival.feed.pass} reads a part of it; leave this one out` };
  return { change: restoring(saved) };
}

function hasRead({ watermarkMs, originMs, seenCount }: OffsetState): boolean {
  return watermarkMs > originMs || seenCount > 0;
}

/** How many keys a change makes a feed forget. */
export function forgottenBy(state: OffsetState, { seen }: OffsetChange): number {
  if (seen === undefined) return 0;
  const kept = new Set(seen.map(({ key }) => key));
  return [...state.entries()].filter(({ key }) => !kept.has(key)).length;
}

function isSamePlan(a: PassPlan | undefined, b: PassPlan | undefined): boolean {
  return a?.fromMs === b?.fromMs && a?.endMs === b?.endMs && a?.replay === b?.replay && a?.topic === b?.topic;
}

/** Another backfill of the same that publishes a part of it. */
function rivalOf(
  states: ReadonlyMap<string, OffsetState>,
  feed: FeedId,
  { fromMs, endMs }: PassPlan,
): OffsetState | undefined {
  return [...states.values()].find((other) => {
    const [from, end] = [other.pass?.fromMs ?? Infinity, publishedToMs(other)];
    const isOther = isSameFeed(other.feed, feed) && feedName(other.feed) !== feedName(feed);
    return isOther && other.pass?.replay === false && from < endMs && fromMs < end;
  });
}

/** Up to where a pass publishes, or has published when it was ended. */
function publishedToMs({ pass, state, watermarkMs }: OffsetState): number {
  return state === 'CANCELLED' ? Math.min(watermarkMs, pass!.endMs) : pass?.endMs ?? Infinity;
}
