import { DERIVED, feedName } from '../../src/feed/feed.ts';
import { LIVE } from '../../src/feed/pass.ts';
import {
  eachStep, isAskedFor, isReadingOf, isSameContent, iso, publishedKeys, rowEvents, servedTo, type Promised,
} from './promise.ts';
import { callsAreOfEvents, callsAreTold, callsAreTrue } from './calls.ts';
import { deepSweepsFind } from './deep-sweeps.ts';
import { driftIsToldOnce } from './drift.ts';
import { ledgerIsTrue } from './ledger.ts';
import { movedOverSeams, passesComeToTheirEnd } from './passes.ts';
import { changesArrive, revisionsFollow } from './revisions.ts';
import type { ShownRow, TrueRow } from './truth.ts';
import type { Outcome } from './world.ts';

/**
 * No loss: a row shown within the covered lateness is on the bus. One shown broken may be rejected instead, and of one
 * that has vanished for ever nobody knows; if it was shown in a whole window, {@link watermarkIsHonest} asks for it.
 */
export const everyRowArrives: Promised = ({ plan, feeds, truth, trace }) => {
  const { accepted, rejected } = publishedKeys(trace.commits);
  const badKeys = rejectedKeysOf(trace.scans.flatMap(({ served }) => [...served]));
  const mayBeBroken = ({ report, key }: TrueRow) =>
    trace.damaged.has(`${report} ${key}`)
    && [...badKeys.get(`${report} ${key}`) ?? []].some((bad) => rejected.has(bad));
  const rows = new Map(feeds.map(({ stream: { name } }) => [name as string, truth.all(name)]));
  const lost: string[] = [];
  for (const { id } of feeds) {
    const fromMs = trace.commits.find(({ feed }) => feedName(feed) === feedName(id))?.step.watermarkMs ?? plan.originMs;
    for (const row of rows.get(id.stream)!) {
      const { report } = row;
      if (row.timesMs.some((ms) => ms < fromMs || ms >= plan.healMs) || !isAskedFor(id, row)) continue;
      if (row.gone?.untilMs === Infinity || row.buried) continue;
      if (row.poison) {
        const contents = badKeys.get(`${report} ${row.key}`) ?? new Set();
        if (![...contents].some((key) => rejected.has(key))) lost.push(`lost: poison row ${describe(row)}`);
      } else if (!accepted.has(`${report} ${row.key}`) && !mayBeBroken(row)) lost.push(`lost: ${describe(row)}`);
    }
  }
  return lost;
};

/**
 * No duplicate: neither a revision of a row, nor a bad row by its content, is ever published a second time. Whose time
 * a bad row is of nobody can tell, so one in the seam of two passes may be a dead letter of both.
 */
export const nothingTwice: Promised = (outcome) => {
  const { trace } = outcome;
  const excused = movedOverSeams(outcome);
  const seen = new Map<string, number>();
  const twice: string[] = [];
  for (const { feed, events, atMs } of trace.commits) {
    for (const { stream, channel, key, value } of events) {
      const name = `${stream} ${channel} ${key} ${channel === 'rejected' ? feed.pass : value['revision']}`;
      const beforeMs = seen.get(name);
      const again = beforeMs !== undefined && !excused.has(`${stream} ${key}`);
      if (again) twice.push(`twice: ${name} at ${iso(beforeMs)} and ${iso(atMs)}`);
      seen.set(name, atMs);
    }
  }
  return twice;
};

/** Nothing invented: what is published equals a row that the source has shown before, field by field. */
export const nothingInvented: Promised = ({ trace }) => {
  const shown = new Map<string, { readonly row: ShownRow; readonly sinceMs: number }[]>();
  for (const { served, startedMs } of trace.scans) {
    for (const row of served) {
      const name = `${row.report} ${row.bad ? 'rejected' : 'accepted'} ${row.eventKey}`;
      const rows = shown.get(name) ?? [];
      rows.push({ row, sinceMs: startedMs });
      shown.set(name, rows);
    }
  }
  const invented: string[] = [];
  for (const commit of trace.commits) {
    const { atMs } = commit;
    for (const event of rowEvents(commit)) {
      const name = `${event.stream} ${event.channel} ${event.key}`;
      const rows = shown.get(name) ?? [];
      const real = rows.some(({ row, sinceMs }) => sinceMs <= atMs && (row.bad || isSameContent(event, row.json)));
      if (!real) invented.push(`invented: ${name} at ${iso(atMs)}`);
    }
  }
  return invented;
};

/** Neither the watermark of a feed nor the time from which its keys are known ever goes back. */
export const nothingGoesBack: Promised = ({ trace }) =>
  eachStep(trace.commits, ({ feed, step, atMs }, before) => {
    const back = before !== undefined
      && (step.watermarkMs < before.step.watermarkMs || step.seenFromMs < before.step.seenFromMs);
    return back ? `back: ${feedName(feed)} to ${iso(step.watermarkMs)} at ${iso(atMs)}` : undefined;
  });

/** A feed begins once, before anything is read, at the origin of the worker that was first to begin it. */
export const feedsBeginFirst: Promised = ({ trace, origins }) =>
  eachStep(trace.commits, ({ feed, step, events, atMs }, before) => {
    if (before !== undefined || feed.pass !== LIVE) return undefined;
    const read = trace.scans.some((scan) => isReadingOf(scan, feed) && scan.startedMs < atMs);
    const atOrigin = step.watermarkMs === step.seenFromMs && origins.has(step.watermarkMs);
    const begins = !read && events.length === 0 && atOrigin;
    return begins ? undefined : `begun late: ${feedName(feed)} at ${iso(atMs)} with ${iso(step.watermarkMs)}`;
  });

/** No event without an offset that covers it: its key, time and content are in the step of its own commit. */
export const eventsAreCovered: Promised = ({ trace }) =>
  trace.commits.flatMap((commit) => {
    const { step, feed, atMs } = commit;
    const known = new Map(step.seen.map((entry) => [entry.key, entry]));
    return rowEvents(commit)
      .filter(({ key, contentHash, eventTimeMs }) => {
        const entry = known.get(key);
        return entry?.hash !== contentHash || entry.timeMs < eventTimeMs;
      })
      .map(({ key }) => `uncovered: ${key} in ${feedName(feed)} at ${iso(atMs)}`);
  });

/** The watermark moves only to the end of a window that was read to its end, and from within it: no hole, no page. */
export const watermarkIsComplete: Promised = ({ trace }) =>
  eachStep(trace.commits, ({ feed, step, atMs }, before) => {
    const fromMs = before?.step.watermarkMs ?? step.watermarkMs;
    if (step.watermarkMs === fromMs) return undefined;
    const whole = trace.scans.some((scan) => isReadingOf(scan, feed) && (scan.endedMs ?? Infinity) <= atMs
      && scan.window.to === step.watermarkMs && scan.window.from <= fromMs);
    const hole = `hole: ${feedName(feed)} from ${iso(fromMs)} to ${iso(step.watermarkMs)} at ${iso(atMs)}`;
    return whole ? undefined : hole;
  });

/** The watermark never passes the moment of its commit: what ends later is still to come, whatever our clock says. */
export const watermarkIsPast: Promised = ({ trace }) =>
  eachStep(trace.commits, ({ feed, step, atMs }) => {
    // The `Date` header has whole seconds, so the last second that a clock is ahead is nothing it can tell.
    if (step.watermarkMs <= atMs + 1_000) return undefined;
    return `future: ${feedName(feed)} to ${iso(step.watermarkMs)} at ${iso(atMs)}`;
  });

/** All that a whole window has shown is on the bus when the watermark moves over it. */
export const watermarkIsHonest: Promised = ({ trace }) => {
  const published = new Set<string>();
  return eachStep(trace.commits, ({ feed, step, events, atMs }, before) => {
    for (const { stream, key } of events) published.add(`${stream} ${key}`);
    if (before === undefined || step.watermarkMs === before.step.watermarkMs) return undefined;
    // Another pass may have read to the same end meanwhile, but hardly from so far back.
    const scan = trace.scans.findLast(({ window, ...one }) => isReadingOf(one, feed)
      && (one.endedMs ?? Infinity) <= atMs
      && window.to === step.watermarkMs && window.from <= before.step.watermarkMs);
    const endMs = trace.passes.find((pass) => feedName(pass.feed) === feedName(feed))?.plan.endMs ?? Infinity;
    const missing = (scan === undefined ? [] : servedTo(scan, feed)).find(({ report, eventKey, timeMs, bad }) =>
      (bad || (timeMs >= before.step.seenFromMs && timeMs < endMs)) && !published.has(`${report} ${eventKey}`));
    return missing && `ahead: ${feedName(feed)} at ${iso(step.watermarkMs)} without ${missing.eventKey}`;
  });
};

/** One writer: once a later owner of a shard has written, nothing of an earlier one becomes visible. */
export const oneWriter: Promised = ({ trace }) => {
  const epochs = new Map<number, number>();
  return trace.commits.flatMap(({ shard, epoch, atMs }) => {
    const latest = Math.max(epochs.get(shard) ?? 0, epoch);
    epochs.set(shard, latest);
    return epoch < latest ? [`zombie: epoch ${epoch} of shard ${shard} at ${iso(atMs)}, after ${latest}`] : [];
  });
};

/** When all is well again, every feed comes to the live edge. */
export const backlogDrains: Promised = ({ plan, feeds, trace }) => {
  const slackMs = plan.pace.settleMs + plan.pace.stepMinMs + 5 * 60_000;
  return feeds.flatMap(({ id }) => {
    const last = trace.commits.findLast(({ feed }) => feedName(feed) === feedName(id));
    const atMs = last?.step.watermarkMs ?? plan.originMs;
    return atMs >= plan.endMs - slackMs ? [] : [`behind: ${feedName(id)} is only at ${iso(atMs)}`];
  });
};

/** No trouble that heals ends a worker, and one that stops leaves no timer. */
export const workersEndWell: Promised = ({ crashes, sleepersLeft }) => [
  ...crashes.map((error) => `crash: ${error instanceof Error ? error.stack : String(error)}`),
  ...(sleepersLeft > 0 ? [`sleepers: ${sleepersLeft} timers are left after a clean stop`] : []),
];

/**
 * Good manners: no host asks while 8x8 wants silence, nor more often than the budget allows, nor for what is still to
 * come, nor tries a refused login again at once. By a clock that is wrong nobody can promise that.
 */
export const mannersAreKept: Promised = ({ plan, trace }) => {
  if (plan.clockAheadMaxMs > 0 || plan.clockBehindMaxMs > 0) return [];
  const silences = Map.groupBy(trace.silences, ({ host }) => host);
  return [...Map.groupBy(trace.requests, ({ host }) => host)].flatMap(([host, requests]) =>
    requests.flatMap(({ atMs, windowToMs }, index) => {
      const where = `host ${host} at ${iso(atMs)}`;
      const loud = silences.get(host)?.some(({ fromMs, untilMs, logins }) =>
        fromMs < atMs && atMs < untilMs && !(logins && windowToMs !== undefined)) ?? false;
      const firstMs = requests[index - plan.requestsPerMinute]?.atMs ?? -Infinity;
      return [
        ...(loud ? [`loud: ${where}`] : []),
        ...(atMs - firstMs < 60_000 ? [`hasty: ${where}, ${plan.requestsPerMinute} after ${iso(firstMs)}`] : []),
        ...((windowToMs ?? 0) > atMs ? [`early: ${where} asks up to ${iso(windowToMs!)}`] : []),
      ];
    }));
};

export const promises: Readonly<Record<string, Promised>> = {
  everyRowArrives, nothingTwice, revisionsFollow, changesArrive, ledgerIsTrue, driftIsToldOnce, nothingInvented,
  nothingGoesBack, feedsBeginFirst, eventsAreCovered, passesComeToTheirEnd, deepSweepsFind, callsAreOfEvents,
  callsAreTold, callsAreTrue, watermarkIsComplete, watermarkIsPast, watermarkIsHonest, oneWriter, backlogDrains,
  workersEndWell, mannersAreKept,
};

/** Those that also speak of what is made of rows; the others would miss the reading of it. */
const OF_ALL: readonly Promised[] =
  [callsAreOfEvents, callsAreTold, callsAreTrue, nothingTwice, nothingGoesBack, oneWriter];

/** Every broken promise of a world. */
export function violations(outcome: Outcome): readonly string[] {
  const { trace } = outcome;
  const commits = trace.commits.filter(({ feed }) => feed.stream !== DERIVED);
  const read = { ...outcome, trace: { ...trace, commits } };
  return Object.values(promises).flatMap((promised) => promised(OF_ALL.includes(promised) ? outcome : read));
}

/** By true row: the rejected keys of all its bad contents that were shown. */
function rejectedKeysOf(rows: readonly ShownRow[]): ReadonlyMap<string, ReadonlySet<string>> {
  const keys = new Map<string, Set<string>>();
  for (const { report, trueKey, eventKey, bad } of rows) {
    if (!bad) continue;
    const name = `${report} ${trueKey}`;
    const known = keys.get(name) ?? new Set();
    known.add(eventKey);
    keys.set(name, known);
  }
  return keys;
}

function describe({ report, key, timesMs, visibleMs }: TrueRow): string {
  return `${report} ${key} of ${timesMs.map(iso).join(' or ')}, visible from ${iso(visibleMs)}`;
}
