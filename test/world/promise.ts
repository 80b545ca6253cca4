import { isDeepStrictEqual } from 'node:util';
import { feedName } from '../../src/feed/feed.ts';
import type { BusEvent, RawRow } from '../../src/streams/stream.ts';
import type { VisibleCommit } from './trace.ts';
import type { Outcome } from './world.ts';

/** What must hold of every world: each returns what breaks it, a line each. */
export type Promised = (outcome: Outcome) => readonly string[];

/** Judges each commit beside the one before it of its feed. */
export function eachStep(
  commits: readonly VisibleCommit[],
  judge: (commit: VisibleCommit, before: VisibleCommit | undefined) => string | undefined,
): readonly string[] {
  const latest = new Map<string, VisibleCommit>();
  return commits.flatMap((commit) => {
    const name = feedName(commit.feed);
    const verdict = judge(commit, latest.get(name));
    latest.set(name, commit);
    return verdict === undefined ? [] : [verdict];
  });
}

/** The rows that a commit publishes, good and bad. */
export function rowEvents({ events }: Pick<VisibleCommit, 'events'>): readonly BusEvent[] {
  return events.filter(({ channel }) => channel === 'accepted' || channel === 'rejected');
}

/** Compares what both have, without the connector's own reading of rows. */
export function isSameContent({ value }: BusEvent, row: RawRow): boolean {
  return Object.entries(value).every(([name, published]) => {
    const shown = row[name];
    if (shown === undefined) return true; // the connector's own fields
    if (published === null) return shown === null || shown === 0;
    if (typeof published === 'boolean') return published === (shown !== '-');
    if (typeof published === 'object') return isDeepStrictEqual(published, shown);
    return String(published) === String(shown);
  });
}

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}
