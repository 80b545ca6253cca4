import { ConnectorError, type ErrorCode } from '../../src/errors.ts';
import type { Feed } from '../../src/worker/poll.ts';
import type { PollReport } from '../../src/worker/report.ts';
import type { Standing, WorkerEvent } from '../../src/worker/worker.ts';
import { at, feedOf, minutes } from '../worker/parts.ts';

export const feed = feedOf('acme');

export const report: PollReport = {
  outcome: 'short',
  window: { from: at('09:59:00'), to: at('10:03:00') },
  fromWatermarkMs: at('10:02:00'),
  watermarkMs: at('10:03:00'),
  recovered: 0, total: 13, received: 12, attempts: 2,
  pages: 2, rows: 12, published: 7, corrected: 2, late: 1, beyond: 0, rejected: 1, repeats: 3, outside: 1, seen: 40,
  delaysMs: [40_000, 200_000], durationMs: 1_500,
  silence: { sinceMs: at('10:02:30'), expectedRows: 0.4, limitRows: 6.9, suspicious: false, begins: false },
  adapted: undefined,
  drift: [{ name: 'misfit missed', kind: 'misfit', field: 'missed', found: 'number' }],
};

export const polled = (change: Partial<PollReport> = {}, of: Feed = feed): WorkerEvent =>
  ({ kind: 'polled', feed: of, report: { ...report, ...change } });
export const pollFailed = (code: ErrorCode = 'SOURCE_UNAVAILABLE', of: Feed = feed): WorkerEvent =>
  ({ kind: 'poll-failed', feed: of, error: new ConnectorError(code, 'connection reset', restOf(code)) });
export const gap: WorkerEvent = { kind: 'gap', feed, gap: { from: at('08:00:00'), to: at('09:30:00') } };
export const owned = (...shards: number[]): WorkerEvent =>
  ({ kind: 'shards-owned', shards: new Set(shards), feeds: shards.length > 0 ? [feed] : [], of: 3 });
export const opened = (shard: number, ...feeds: Standing[]): WorkerEvent =>
  ({ kind: 'shard-opened', shard, durationMs: 300, seen: 40, feeds });
export const standing: Standing = { feed, watermarkMs: at('09:00:00'), paused: false };
export const closed = (shard: number): WorkerEvent => ({ kind: 'shard-closed', shard });
export const shardFailed = (shard: number): WorkerEvent =>
  ({ kind: 'shard-failed', shard, error: new ConnectorError('SINK_FENCED', 'fenced'), retryInMs: 2_000 });

/** As `source/` has it: a refused PBX is asked again after a quarter of an hour. */
function restOf(code: ErrorCode): { retryAfterMs?: number } {
  return code === 'SOURCE_PBX_REFUSED' ? { retryAfterMs: minutes(15) } : {};
}
