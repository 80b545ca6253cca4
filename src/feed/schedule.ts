import type { Plan, Window } from './window.ts';

/** A feed of a shard, with all that decides whether it is its turn. */
export interface Candidate<F> {
  readonly feed: F;
  readonly plan: Plan;
  /** A feed rests until then, epoch milliseconds, after an error; 0 when it does not rest. */
  readonly notBeforeMs: number;
  /** Number of the last turn this feed had; 0 before its first. */
  readonly lastTurn: number;
}

/** A feed is to read a window, or to skip one. */
export type FeedTurn<F> = ReadTurn<F> | { readonly kind: 'gap'; readonly feed: F; readonly window: Window };

export interface ReadTurn<F> {
  readonly kind: 'read';
  readonly feed: F;
  readonly window: Window;
  readonly sweep: boolean;
}

/** What a shard does next: let a feed read a window, pass it, or skip to a time; sleep; or end, for all are done. */
export type Turn<F> =
  | FeedTurn<F>
  | { readonly kind: 'skip'; readonly feed: F; readonly toMs: number }
  | { readonly kind: 'sleep'; readonly untilMs: number }
  | { readonly kind: 'done' };

/**
 * Decides whose turn it is: of the feeds that are due, the one that has waited longest.
 *
 * Not the one furthest behind: a feed that catches up on two years would keep all others from the live edge.
 */
export function nextTurn<F>(candidates: readonly Candidate<F>[], nowMs: number): Turn<F> {
  let turn: Turn<F> | undefined;
  let turnLast = Infinity;
  let untilMs = Infinity;

  for (const { feed, plan, notBeforeMs, lastTurn } of candidates) {
    if (plan.kind === 'done') continue;
    const dueMs = Math.max(notBeforeMs, plan.kind === 'wait' ? plan.untilMs : 0);
    if (plan.kind === 'wait' || dueMs > nowMs) {
      untilMs = Math.min(untilMs, dueMs);
    } else if (lastTurn < turnLast) {
      turn = { ...plan, feed };
      turnLast = lastTurn;
    }
  }

  if (turn !== undefined) return turn;
  return untilMs === Infinity ? { kind: 'done' } : { kind: 'sleep', untilMs };
}
