import { isDeep } from '../../src/feed/deep-sweep.ts';
import { feedName } from '../../src/feed/feed.ts';
import { rowEvents } from './promise.ts';
import type { Trouble } from './trace.ts';
import type { Outcome } from './world.ts';

/** How often each kind of trouble has happened in a world, also the kinds that only show in what was read. */
export function troublesOf(outcome: Outcome): ReadonlyMap<Trouble, number> {
  const { trace } = outcome;
  return new Map<Trouble, number>([
    ...trace.troubles,
    ...countChangedRows(outcome),
    ...countGoneRows(outcome),
    ['late-row', countLateRows(outcome)],
    ['row-found-by-deep-sweep', countDeepFinds(outcome)],
    ['catch-up-of-hours', countCatchUps(outcome)],
    ['read-together', countReadTogether(outcome)],
  ]);
}

/** Readings of several feeds by one request. */
function countReadTogether({ plan, trace }: Outcome): number {
  return trace.scans.filter(({ pbxId, endedMs }) => endedMs !== undefined && !plan.requests.includes(pbxId)).length;
}

/** Rows published behind the watermark: first shown when their window had been read. */
function countLateRows({ trace }: Outcome): number {
  const watermarks = new Map<string, number>();
  let late = 0;
  for (const { feed, events, step } of trace.commits) {
    const watermarkMs = watermarks.get(feedName(feed)) ?? 0;
    late += events.filter(({ channel, eventTimeMs }) => channel === 'accepted' && eventTimeMs < watermarkMs).length;
    watermarks.set(feedName(feed), step.watermarkMs);
  }
  return late;
}

/** Rows that no live feed has found. */
function countDeepFinds({ trace }: Outcome): number {
  return trace.commits.filter(({ feed }) => isDeep(feed.pass)).flatMap(rowEvents).length;
}

/** Rows that were read and then gone, and those of them that were read again. */
function countGoneRows({ trace, truth, feeds }: Outcome): readonly (readonly [Trouble, number])[] {
  const reads = new Map<string, { firstMs: number; lastMs: number }>();
  for (const { startedMs, served } of trace.scans) {
    for (const { report, trueKey } of served) {
      const name = `${report} ${trueKey}`;
      const known = reads.get(name);
      if (known === undefined) reads.set(name, { firstMs: startedMs, lastMs: startedMs });
      else known.lastMs = Math.max(known.lastMs, startedMs);
    }
  }
  const gone = [...new Set(feeds.map(({ stream }) => stream.name))].flatMap((stream) => truth.all(stream))
    .filter((row) => (reads.get(`${row.report} ${row.key}`)?.firstMs ?? Infinity) < (row.gone?.fromMs ?? -Infinity));
  const returned = gone.filter((row) => reads.get(`${row.report} ${row.key}`)!.lastMs >= row.gone!.untilMs);
  return [['vanished-row', gone.length], ['returned-row', returned.length]];
}

function countCatchUps({ trace }: Outcome): number {
  const farBehindMs = 2 * 3_600_000;
  return trace.commits.filter(({ events, atMs, step }) =>
    events.length === 0 && atMs - step.watermarkMs > farBehindMs).length;
}

/** Rows that were shown in more than one version. */
function countChangedRows({ trace }: Outcome): readonly (readonly [Trouble, number])[] {
  const first = new Map<string, object>();
  const [moved, revised] = [new Set<object>(), new Set<object>()];
  const times = new Map<object, number>();
  for (const row of trace.scans.flatMap(({ served }) => [...served])) {
    if (row.bad) continue;
    const name = `${row.report} ${row.trueKey}`;
    const before = first.get(name) ?? row;
    first.set(name, before);
    times.set(row, row.timeMs);
    if (before === row) continue;
    (times.get(before) === row.timeMs ? revised : moved).add(row);
  }
  return [['moved-row', moved.size], ['revised-row', revised.size]];
}
