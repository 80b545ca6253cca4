import { isDeepStrictEqual } from 'node:util';
import { feedName, type FeedId } from '../../src/feed/feed.ts';
import type { BusEvent, RawRow } from '../../src/streams/stream.ts';
import type { Scan, VisibleCommit } from './trace.ts';
import type { ShownRow, TrueRow } from './truth.ts';
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

/** What is on the bus: keys of good rows with their report, and of dead letters. */
export function publishedKeys(
  commits: readonly VisibleCommit[],
): Record<'accepted' | 'rejected', ReadonlySet<string>> {
  const events = commits.flatMap(rowEvents);
  const keysOf = (of: string): ReadonlySet<string> =>
    new Set(events.filter(({ channel }) => channel === of).map(({ stream, key }) =>
      of === 'accepted' ? `${stream} ${key}` : key));
  return { accepted: keysOf('accepted'), rejected: keysOf('rejected') };
}

/** Whether a reading was for the feed, alone or together with others. */
export function isReadingOf({ stream, pbxId }: Pick<Scan, 'stream' | 'pbxId'>, feed: FeedId): boolean {
  const asked = pbxId.split(',');
  return stream === feed.stream && feed.pbxId.split(',').every((name) => asked.includes(name));
}

/** What it has shown of the feed's PBXs. */
export function servedTo({ served }: Scan, feed: FeedId): readonly ShownRow[] {
  return [...served].filter(({ trueKey: key }) => isAskedFor(feed, { key }));
}

export function isAskedFor({ pbxId }: FeedId, { key }: Pick<TrueRow, 'key'>): boolean {
  return pbxId === 'allpbxes' || pbxId.toLowerCase().split(',').includes(key.split('/')[0]!);
}
