import type { ShardSession } from '../sink/sink.ts';

/** The session for several that commit side by side: a shard has one transaction open at most, so they queue. */
export function oneAtATime(session: ShardSession): ShardSession {
  let last: Promise<unknown> = Promise.resolve();
  return {
    ...session,
    commit(commit) {
      const next = last.then(() => session.commit(commit));
      last = next.catch(() => undefined);
      return next;
    },
  };
}
