import type { ShardSession } from '../sink/sink.ts';

/** A session for several that commit side by side: a shard has one transaction open at most, so they queue. */
export interface SharedSession extends ShardSession {
  /** Keeps all others waiting: what `act` finds in the offsets is still so when it commits, by the session it gets. */
  alone<T>(act: (session: ShardSession) => Promise<T>): Promise<T>;
}

export function oneAtATime(session: ShardSession): SharedSession {
  let last: Promise<unknown> = Promise.resolve();
  const alone: SharedSession['alone'] = (act) => {
    const next = last.then(() => act(session));
    last = next.catch(() => undefined);
    return next;
  };
  return { ...session, alone, commit: (commit) => alone((own) => own.commit(commit)) };
}
