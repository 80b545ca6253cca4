import type { ConnectorError } from '../errors.ts';
import { feedName } from '../feed/feed.ts';
import type { Feed } from '../worker/poll.ts';
import type { WorkerEvent } from '../worker/worker.ts';

/** An answer to a probe; what is wrong is named, so that the answer alone is enough. */
export interface Answer {
  readonly ok: boolean;
  readonly guarantee: string;
  readonly problems: readonly string[];
}

export interface Health {
  readonly onEvent: (event: WorkerEvent) => void;
  /** A request to 8x8 is a sign of life, too: one poll of a long catch-up may take longer than all patience. */
  readonly onRequest: () => void;
  /** The process turns: every feed of an open shard has reported within its allowed time. */
  readonly alive: () => Answer;
  /** The process does its work: it is in the group, every owned shard has a session, no feed has just failed. */
  readonly ready: () => Answer;
}

/** A poll may take its time; after this many of its longest waits something hangs. */
const SILENCE_STEPS = 5;
const SILENCE_MIN_MS = 10 * 60_000;

export function createHealth(guarantee: string, nowMs: () => number): Health {
  let owned: ReadonlySet<number> | undefined;
  let outside: string | undefined;
  const open = new Set<number>();
  const failing = new Map<string, string>();
  let heardMs = nowMs();
  let silenceMaxMs = SILENCE_MIN_MS;
  const answer = (problems: readonly string[]): Answer => ({ ok: problems.length === 0, guarantee, problems });

  const heard = (): void => {
    heardMs = nowMs();
  };
  const polled = (feed: Feed, error: ConnectorError | undefined): void => {
    heard();
    const restMs = (error?.retryAfterMs ?? 0) + SILENCE_MIN_MS;
    silenceMaxMs = Math.max(silenceMaxMs, restMs, feed.pace.stepMinMs * SILENCE_STEPS);
    if (error === undefined) failing.delete(feedName(feed.id));
    else failing.set(feedName(feed.id), `${error.code}: ${error.message}`);
  };

  const own = (shards: ReadonlySet<number>): void => {
    owned = shards;
    failing.clear(); // a feed that went to another worker is not ours to report
  };

  const begin = (shard: number): void => {
    heard(); // it may have stood by for long
    open.add(shard);
  };

  return {
    onEvent(event) {
      if (event.kind === 'polled') polled(event.feed, undefined);
      else if (event.kind === 'poll-failed') polled(event.feed, event.error);
      else if (event.kind === 'gap') heard();
      else if (event.kind === 'shards-owned') own(event.shards);
      else if (event.kind === 'shard-opened') begin(event.shard);
      else if (event.kind === 'shard-closed') open.delete(event.shard);
      else if (event.kind === 'group-left') outside = event.error.message;
      else if (event.kind === 'group-joined') outside = undefined;
    },
    onRequest: heard,
    alive() {
      const silent = open.size > 0 && nowMs() - heardMs > silenceMaxMs;
      return answer(silent ? [`no feed has polled for ${Math.round((nowMs() - heardMs) / 1_000)} s`] : []);
    },
    ready() {
      if (outside !== undefined) return answer([outside]);
      if (owned === undefined) return answer(['not in the consumer group yet']);
      const shut = [...owned].filter((shard) => !open.has(shard)).map((shard) => `shard ${shard} has no session`);
      return answer([...shut, ...[...failing].map(([feed, problem]) => `${feed}: ${problem}`)]);
    },
  };
}
