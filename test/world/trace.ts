import type { FeedId, Shard, StreamName } from '../../src/feed/feed.ts';
import type { OffsetStep } from '../../src/feed/offset.ts';
import type { PassPlan } from '../../src/feed/pass.ts';
import type { Window } from '../../src/feed/window.ts';
import type { BusEvent } from '../../src/streams/stream.ts';
import { OUTAGES, PAGE_FAULTS, REQUEST_FAULTS } from './faults.ts';
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

/** A request as it leaves a host. */
export interface SentRequest {
  readonly host: number;
  readonly atMs: number;
  /** Where its window ends; a login has none. */
  readonly windowToMs: number | undefined;
}

/** 8x8 has told a host not to ask from one moment to the other, or has refused its login. */
export interface Silence {
  readonly host: number;
  /** Only logins are unwelcome: 8x8 may lock the user. */
  readonly logins: boolean;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** A backfill that a person has begun. */
export interface BegunPass {
  readonly feed: FeedId & { readonly stream: StreamName };
  readonly plan: PassPlan;
  readonly beganMs: number;
}

/** All that happened in a world, as an outsider sees it. */
export interface Trace {
  readonly commits: VisibleCommit[];
  readonly scans: Scan[];
  readonly requests: SentRequest[];
  readonly silences: Silence[];
  /** True keys of good rows of which a damaged copy was shown, by report. */
  readonly damaged: Set<string>;
  readonly passes: BegunPass[];
  /** Names of feeds that a person has ended. */
  readonly cancelled: Set<string>;
  /** How often each kind of trouble has happened. */
  readonly troubles: Map<Trouble, number>;
}

/** Every kind of trouble a world knows. A kind that never happens over all seeds fails the test. */
export const TROUBLES = [
  ...REQUEST_FAULTS, ...PAGE_FAULTS, ...OUTAGES,
  'request-timed-out', 'token-died-in-scroll', 'scroll-outlived', 'page-size-refused', 'answer-too-large',
  'poll-unavailable', 'poll-throttled', 'poll-malformed', 'poll-refused', 'poll-pbx-refused', 'poll-clock-ahead',
  'poison-row', 'late-row', 'moved-row', 'revised-row', 'vanished-row', 'returned-row', 'row-behind-cursor',
  'row-in-a-seam', 'odd-row',
  'commit-lost-before', 'commit-lost-after', 'commit-held', 'held-commit-applied', 'held-commit-fenced',
  'commit-fenced', 'open-failed', 'bus-outage',
  'worker-killed', 'worker-stopped', 'worker-frozen', 'zombie-returned', 'shards-moved', 'all-workers-down',
  'clock-ahead', 'clock-behind', 'clock-set-right', 'catch-up-of-hours', 'read-together', 'lookback-raised',
  'pace-adapted',
  'pass-begun', 'pass-paused', 'pass-cancelled', 'row-found-by-deep-sweep',
] as const;

export type Trouble = (typeof TROUBLES)[number];

export function createTrace(): Trace {
  return {
    commits: [], scans: [], requests: [], silences: [], passes: [],
    damaged: new Set(), cancelled: new Set(), troubles: new Map(),
  };
}

export function count(trace: Trace, trouble: Trouble): void {
  trace.troubles.set(trouble, (trace.troubles.get(trouble) ?? 0) + 1);
}
