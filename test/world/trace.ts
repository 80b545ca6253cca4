import type { FeedId, Shard } from '../../src/feed/feed.ts';
import type { OffsetStep } from '../../src/feed/offset.ts';
import type { Window } from '../../src/feed/window.ts';
import type { BusEvent } from '../../src/streams/stream.ts';
import type { ShownRow } from './truth.ts';

/** A commit as a reader of the bus sees it. */
export interface VisibleCommit {
  readonly atMs: number;
  readonly shard: Shard;
  /** Counts the owners of the shard. */
  readonly epoch: number;
  readonly feed: FeedId;
  readonly events: readonly BusEvent[];
  readonly step: OffsetStep;
}

/** One reading of a window. */
export interface Scan {
  readonly stream: FeedId['stream'];
  readonly pbxId: string;
  readonly window: Window;
  readonly startedMs: number;
  /** When it came to its end; `undefined` if it never did. */
  endedMs: number | undefined;
  readonly served: Set<ShownRow>;
}

/** All that happened in a world, as an outsider sees it. */
export interface Trace {
  readonly commits: VisibleCommit[];
  readonly scans: Scan[];
  /** True keys of good rows of which a damaged copy was shown, by report. */
  readonly damaged: Set<string>;
  /** How often each kind of trouble has happened. */
  readonly troubles: Map<Trouble, number>;
}

/** Every kind of trouble a world knows. A kind that never happens over all seeds fails the test. */
export const TROUBLES = [
  'source-unavailable', 'source-throttled', 'source-malformed', 'source-refused', 'source-outage',
  'repeated-page', 'duplicate-rows', 'outside-rows', 'damaged-row', 'foreign-row', 'poison-row', 'late-row',
  'moved-row', 'revised-row', 'row-behind-cursor', 'row-in-a-seam',
  'commit-lost-before', 'commit-lost-after', 'commit-held', 'held-commit-applied', 'held-commit-fenced',
  'commit-fenced', 'open-failed', 'bus-outage',
  'worker-killed', 'worker-stopped', 'worker-frozen', 'zombie-returned', 'shards-moved', 'all-workers-down',
  'clock-ahead', 'clock-behind', 'catch-up-of-hours', 'lookback-raised',
] as const;

export type Trouble = (typeof TROUBLES)[number];

export function createTrace(): Trace {
  return { commits: [], scans: [], damaged: new Set(), troubles: new Map() };
}

export function count(trace: Trace, trouble: Trouble): void {
  trace.troubles.set(trouble, (trace.troubles.get(trouble) ?? 0) + 1);
}
