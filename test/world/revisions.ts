import { isDeepStrictEqual } from 'node:util';
import { isDeep } from '../../src/feed/deep-sweep.ts';
import { feedName } from '../../src/feed/feed.ts';
import type { BusEvent } from '../../src/streams/stream.ts';
import { movedOverSeams } from './passes.ts';
import { eachStep, isReadingOf, isSameContent, iso, servedTo, type Promised } from './promise.ts';

/** Of the connector, not of the row. */
const OWN_FIELDS = new Set(['eventId', 'revision', 'changeKind', 'changedFields', 'observedAt', 'pass']);

/** Revisions of a row follow each other from 1 on, and each says truly what has changed. */
export const revisionsFollow: Promised = (outcome) => {
  const excused = movedOverSeams(outcome);
  const latest = new Map<string, BusEvent>();
  const unnamed: string[] = [];
  const wrong = outcome.trace.commits.flatMap(({ events, atMs }) => events.flatMap((event) => {
    if (event.channel !== 'accepted') return [];
    const name = `${event.stream} ${event.key}`;
    const before = latest.get(name);
    latest.set(name, event);
    if (excused.has(name)) return [];
    if (before !== undefined) unnamed.push(...unnamedFields(before, event).map((field) => `${field} of ${name}`));
    const what = wrongRevision(before, event);
    return what === undefined ? [] : [`revision: ${name} at ${iso(atMs)} ${what}`];
  }));
  // Of 4,096 changes of a field one is not seen; three in one world would be a wonder.
  return unnamed.length > 2 ? [...wrong, `revision: these changes are not named: ${unnamed}`] : wrong;
};

/**
 * No change is missed: when a window is passed, the bus has of each row of it what was shown last. Deep sweeps look for
 * rows alone.
 */
export const changesArrive: Promised = ({ trace }) => {
  const latest = new Map<string, BusEvent>();
  return eachStep(trace.commits, ({ feed, step, events, atMs }, before) => {
    for (const event of events) if (event.channel === 'accepted') latest.set(`${event.stream} ${event.key}`, event);
    if (before === undefined || step.watermarkMs === before.step.watermarkMs || isDeep(feed.pass)) return undefined;
    const stale = trace.scans
      .filter((scan) =>
        isReadingOf(scan, feed) && (scan.endedMs ?? Infinity) <= atMs && scan.window.to === step.watermarkMs)
      .map((scan) => {
        const shown = new Map(servedTo(scan, feed).filter(({ bad, timeMs }) => !bad && timeMs >= before.step.seenFromMs)
          .map((row) => [`${row.report} ${row.eventKey}`, row]));
        return [...shown].find(([name, row]) => latest.has(name) && !isSameContent(latest.get(name)!, row.json));
      });
    // A worker that is shut out may have read the window, too, and seen more.
    const all = stale.every((row) => row !== undefined);
    return all && stale[0] ? `stale: ${feedName(feed)} at ${iso(step.watermarkMs)} with ${stale[0][0]}` : undefined;
  });
};

/** What is wrong with an event behind the one before it under its key. */
function wrongRevision(before: BusEvent | undefined, { value, contentHash }: BusEvent): string | undefined {
  const { revision, changeKind } = value;
  const named = value['changedFields'] as readonly string[];
  if (before === undefined) {
    return revision === 1 && changeKind === 'new' && named.length === 0 ? undefined : 'is not the first';
  }
  const number = Number(before.value['revision']) + 1;
  if (revision !== number || changeKind !== 'corrected') return `is ${revision} and ${changeKind}, not ${number}`;
  if (contentHash === before.contentHash) return 'changes nothing';
  const same = named.find((name) => isDeepStrictEqual(value[name], before.value[name]));
  return same && `names ${same}, which is as it was`;
}

function unnamedFields(before: BusEvent, { value }: BusEvent): readonly string[] {
  const named = value['changedFields'] as readonly string[];
  return Object.keys(value).filter((name) => !OWN_FIELDS.has(name) && !named.includes(name)
    && !isDeepStrictEqual(value[name], before.value[name]));
}
