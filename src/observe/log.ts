import { pino, type Logger } from 'pino';
import { summarizeDelays } from '../feed/delay.ts';
import { feedName } from '../feed/feed.ts';
import type { WorkerEvent } from '../worker/worker.ts';

/**
 * A logger: JSON lines on standard error, or readable ones where that is a terminal.
 *
 * Only what {@link logEvent} lists is ever logged, so no row, token or secret can slip in.
 */
export function createLogger(level: string): Logger {
  const pretty = process.stderr.isTTY;
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pretty
      ? pino.transport({ target: 'pino-pretty', options: { destination: 2, translateTime: 'SYS:HH:MM:ss' } })
      : pino.destination({ dest: 2, sync: true }),
  );
}

/** One line per poll, none per row; an error is logged here once, where the worker has reacted to it. */
export function logEvent(log: Logger, event: WorkerEvent): void {
  switch (event.kind) {
    case 'polled': {
      const { outcome, window, fromWatermarkMs, watermarkMs, ...rest } = event.report;
      const { delaysMs, drift, silence, adapted, ...counts } = rest;
      const [fromWatermark, watermark] = [iso(fromWatermarkMs), iso(watermarkMs)];
      const times = { from: iso(window.from), to: iso(window.to), fromWatermark, watermark };
      const level = outcome === 'short' ? 'warn' : 'info';
      const feed = feedName(event.feed.id);
      for (const { kind, field, found } of drift) {
        log.warn({ feed, kind, field, found }, 'DRIFT: rows are not as 8x8 documents them; nothing is lost');
      }
      if (counts.beyond > 0) {
        const said = 'BEYOND: rows came later than the lookback covers; others may be missing: raise PACE_LOOKBACK';
        log.warn({ feed, beyond: counts.beyond }, said);
      }
      if (silence?.begins) {
        const [since, expectedRows] = [iso(silence.sinceMs), Math.floor(silence.expectedRows)];
        const said = 'SILENCE: so many rows are missing that it is no chance; 8x8, the filters or the PBX may be why';
        log.warn({ feed, since, expectedRows }, said);
      }
      if (adapted !== undefined) log.info({ feed, ...adapted }, 'pace adapted');
      return log[level]({ feed, outcome, ...times, ...counts, ...summarizeDelays(delaysMs) }, 'polled');
    }
    case 'poll-failed':
      return log.warn({ feed: feedName(event.feed.id), code: event.error.code }, event.error.message);
    case 'calls': {
      const { incomplete, watermarkMs, ...report } = event.report;
      const told = { pbx: event.feed.id.pbxId, ...report, incomplete, watermark: iso(watermarkMs) };
      if (incomplete > 0) return log.warn(told, 'INCOMPLETE CALLS: parts were not there in time');
      return log.debug(told, 'calls');
    }
    case 'gap': {
      const { from, to } = event.gap;
      const said = 'GAP: these calls were not read while 8x8 kept them, and are missing; a dead letter says so';
      return log.warn({ feed: feedName(event.feed.id), from: iso(from), to: iso(to) }, said);
    }
    case 'shards-owned':
      return log.info({ shards: [...event.shards], of: event.of }, 'shards owned');
    case 'shard-opened':
      return log.info({ shard: event.shard, durationMs: event.durationMs, seen: event.seen }, 'shard opened');
    case 'shard-failed':
      return log.warn({ shard: event.shard, code: event.error.code, retryInMs: event.retryInMs }, event.error.message);
    case 'group-left':
      return log.warn({ code: event.error.code }, event.error.message);
    case 'group-joined':
      return log.debug('in the consumer group');
    case 'signal-answered': {
      const { outcome, problem, ...answer } = event.answer;
      if (outcome === 'obeyed') return log.info(answer, 'signal obeyed');
      return log.warn({ outcome, problem, ...answer }, 'signal not obeyed');
    }
    case 'shard-closed':
      return log.info({ shard: event.shard }, 'shard closed');
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
