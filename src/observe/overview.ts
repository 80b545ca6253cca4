import type { Shard } from '../feed/feed.ts';
import type { WorkerEvent } from '../worker/worker.ts';
import type { FeedStates } from './feed-states.ts';
import { judgeFreshness, type Freshness } from './freshness.ts';
import type { Answer, Health } from './health.ts';
import type { Build, RequestReport } from './metrics.ts';
import { createRecent } from './recent.ts';
import { feedStatuses, iso, problemOf, type Problem, type Status } from './status.ts';

/** What an operator asks besides the two probes: how fresh all is, and how it stands. */
export interface Overview {
  readonly onEvent: (event: WorkerEvent) => void;
  readonly onRequest: (report: RequestReport) => void;
  /** Every feed of ours is within its allowed lag. */
  readonly fresh: () => Answer & Freshness;
  readonly status: () => Status;
}

export interface OverviewParts {
  readonly name: string;
  readonly build: Build;
  readonly feeds: FeedStates;
  readonly health: Health;
}

export function createOverview({ name, build, feeds, health }: OverviewParts, nowMs: () => number): Overview {
  const startedAt = iso(nowMs());
  const { guarantee } = health.ready();
  let owned: Extract<WorkerEvent, { kind: 'shards-owned' }> | undefined;
  const recent = createRecent(nowMs);
  const open = new Set<Shard>();
  const failures = new Map<Shard, Problem>();
  let request: Status['request'] = null;

  const fresh = (): Answer & Freshness => {
    const freshness = judgeFreshness(feeds.all(), nowMs());
    const problems = owned === undefined ? ['not in the consumer group yet'] : freshness.problems;
    return { ok: problems.length === 0, guarantee, ...freshness, problems };
  };
  const shards = (): Status['shards'] => {
    const ours = [...owned?.shards ?? []].toSorted((a, b) => a - b);
    return {
      owned: ours,
      of: owned?.of ?? null,
      open: ours.filter((shard) => open.has(shard)),
      failures: ours.flatMap((shard) => {
        const failure = failures.get(shard);
        return failure === undefined ? [] : [{ shard, ...failure }];
      }),
    };
  };

  return {
    onEvent(event) {
      if (event.kind === 'polled') recent.onPolled(event.report);
      else if (event.kind === 'shards-owned') owned = event;
      else if (event.kind === 'shard-failed') failures.set(event.shard, problemOf(event.error, nowMs()));
      else if (event.kind === 'shard-closed') open.delete(event.shard);
      else if (event.kind === 'shard-opened') {
        open.add(event.shard);
        failures.delete(event.shard);
      }
    },
    onRequest({ status, budgetPerMinute, aheadMs }) {
      const clockAheadSeconds = aheadMs === undefined ? null : aheadMs / 1_000;
      request = { at: iso(nowMs()), status, budgetPerMinute, clockAheadSeconds };
    },
    fresh,
    status: () => ({
      connector: { name, guarantee, ...build },
      at: iso(nowMs()),
      startedAt,
      alive: health.alive(),
      ready: health.ready(),
      fresh: fresh(),
      shards: shards(),
      request,
      published: recent.minutes().map(({ atMs, events }) => ({ at: iso(atMs), events })),
      arrivals: recent.arrivals(),
      ...feedStatuses(feeds.all(), nowMs()),
    }),
  };
}
