import type { BusEvent } from '../../src/streams/stream.ts';
import { feedName } from '../../src/feed/feed.ts';
import { LIVE } from '../../src/feed/pass.ts';
import { eachStep, iso, type Promised } from './promise.ts';
import type { Outcome } from './world.ts';

/** A record and its legs as they are on the bus at the end of the world, each in its last revision. */
interface PublishedCall {
  record: BusEvent | undefined;
  readonly legs: Map<string, BusEvent>;
}

/**
 * A call of which all parts are on the bus is told as complete, with the contents that they had last. What has vanished
 * or was shown broken may have been read by one worker, and not by the next: of such a call nobody can promise that.
 */
export const callsAreTold: Promised = (outcome) => {
  const { plan, trace } = outcome;
  if (plan.legCount === undefined) return [];
  const told = new Map<string, BusEvent>();
  for (const { events } of trace.commits) {
    for (const event of events) if (event.channel === 'calls') told.set(event.key, event);
  }
  const [originsMs, doubtful] = [beginnings(outcome), doubtfulCalls(outcome)];
  return [...publishedCalls(outcome)].flatMap(([key, { record, legs }]) => {
    if (record === undefined || doubtful.has(key)) return [];
    const counted = [...legs.values()].filter((leg) => plan.legCount === 'with-children' || !isChild(leg));
    const ends = [record, ...legs.values()].map(({ eventTimeMs }) => eventTimeMs);
    // Of a longer one the first parts may have been in the memory of a worker that has died.
    if (Math.max(...ends) - Math.min(...ends) > plan.pace.lookbackMs / 2) return [];
    const startMs = Math.min(...[record, ...legs.values()].map(({ value }) => Number(value['startTimeUTC'])));
    if (counted.length !== record.value['callLegCount'] || startMs < originsMs) return [];
    if (record.eventTimeMs >= plan.healMs) return [];
    const event = told.get(key);
    if (event?.value['state'] !== 'complete') return [`call: ${key} is ${event?.value['state'] ?? 'not told'}`];
    const isRevised = [record, ...legs.values()].some(({ value }) => value['revision'] !== 1);
    if (isRevised && !isTellable(outcome, key, Math.min(...ends))) return [];
    const parts = [record, ...legs.values()].map(({ value }) => contentOf(value));
    const its = new Set(partsOf(event).map(contentOf));
    return parts.every((part) => its.has(part)) ? [] : [`call: ${key} lacks parts that are on the bus`];
  });
};

/**
 * A call is made of rows that are on the bus before it: who looks for a leg of it in the topic of legs finds it. Only
 * of what an owner reads once more, and whose keys are forgotten, it cannot know whether 8x8 has shown it too late.
 */
export const callsAreOfEvents: Promised = ({ trace }) => {
  const published = new Set<string>();
  const knownFromMs = new Map<string, number>();
  return eachStep(trace.commits, ({ feed, step, events, atMs }) => {
    if (feed.pass === LIVE) {
      knownFromMs.set(`${feed.stream} ${feed.pbxId}`, Math.min(step.seenFromMs, step.sealFromMs ?? Infinity));
    }
    const isKnown = ({ legId, disconnectedTimeUTC }: Row): boolean => {
      const stream = legId === undefined ? 'call-records' : 'call-legs';
      return Number(disconnectedTimeUTC) >= knownFromMs.get(`${stream} ${feed.pbxId}`)!;
    };
    for (const event of events) {
      if (event.channel === 'accepted') published.add(nameOfRow(event.value));
      if (event.channel !== 'calls') continue;
      const lacking = partsOf(event).filter((part) => isKnown(part) && !published.has(nameOfRow(part)));
      if (lacking.length > 0) return `call: ${event.key}, of ${iso(atMs)}, has ${lacking.length} unpublished parts`;
    }
    return undefined;
  });
};

/** No call is told as incomplete before its lookback is over, and none that is complete. */
export const callsAreTrue: Promised = ({ plan, trace }) =>
  eachStep(trace.commits, ({ feed, events, atMs }) => {
    for (const { channel, key, value, eventTimeMs } of events) {
      if (channel !== 'calls') continue;
      const [legs, children] = [value['legs'], value['childLegs']] as [unknown[], unknown[]];
      const counted = legs.length + (plan.legCount === 'with-children' ? children.length : 0);
      const isWhole = value['record'] !== null && counted === (value['legCount'] ?? counted);
      const state = isWhole ? 'complete' : 'incomplete';
      if (value['state'] !== state) return `call: ${key} is called ${value['state']} at ${iso(atMs)}`;
      const early = !isWhole && atMs < eventTimeMs + plan.pace.lookbackMs;
      if (early) return `call: ${key} of ${feedName(feed)} is given up at ${iso(atMs)}, too early`;
    }
    return undefined;
  });

function publishedCalls({ trace }: Outcome): ReadonlyMap<string, PublishedCall> {
  const calls = new Map<string, PublishedCall>();
  for (const { feed, events } of trace.commits) {
    if (feed.pass !== LIVE) continue;
    for (const event of events) {
      if (event.channel !== 'accepted') continue;
      const key = rootOf(event);
      const call = calls.get(key) ?? { record: undefined, legs: new Map() };
      calls.set(key, call);
      if (event.stream === 'call-records') call.record = event;
      else call.legs.set(event.key, event);
    }
  }
  return calls;
}

/**
 * Whether an owner has gone on after the last part of a call was published, before any was forgotten: for three windows
 * of both feeds, one to see what differs, one to read all of it, and one because the other feed was read first.
 */
function isTellable({ trace: { commits } }: Outcome, call: string, oldestMs: number): boolean {
  const last = commits.findLastIndex(({ events, feed: { pass } }) =>
    pass === LIVE && events.some((event) => event.channel === 'accepted' && rootOf(event) === call));
  const windows = new Map<string, number>();
  for (const { epoch, feed, step } of commits.slice(last + 1)) {
    if (step.done !== true || feed.pass !== LIVE || feed.pbxId.toLowerCase() !== call.split('/')[0]) continue;
    if ((step.forgetBeforeMs ?? -Infinity) > oldestMs) return false;
    const name = `${epoch} ${feed.stream}`;
    windows.set(name, (windows.get(name) ?? 0) + 1);
    const counts = ['call-legs', 'call-records'].map((stream) => windows.get(`${epoch} ${stream}`) ?? 0);
    if (Math.min(...counts) >= 3) return true;
  }
  return false;
}

function rootOf({ value }: BusEvent): string {
  return `${String(value['pbxId']).toLowerCase()}/${value['parentCallId'] ?? value['callId']}`;
}

function isChild({ value }: BusEvent): boolean {
  return (value['parentCallId'] ?? null) !== null;
}

type Row = Readonly<Record<string, unknown>>;

function partsOf({ value }: BusEvent): readonly Row[] {
  const parts = [value['record'], ...value['legs'] as unknown[], ...value['childLegs'] as unknown[]];
  return parts.filter((part) => part !== null) as Row[];
}

function nameOfRow({ pbxId, callId, legId }: Row): string {
  return [pbxId, callId, legId].join('/');
}

/** What counts the revisions of a row: one that is read back when its key is forgotten counts from 1. */
const COUNTS = new Set(['eventId', 'revision', 'changeKind', 'changedFields', 'observedAt']);

function contentOf(row: Row): string {
  return JSON.stringify(Object.entries(row).filter(([name]) => !COUNTS.has(name)));
}

/** When the last of the live feeds has begun. */
function beginnings({ trace }: Outcome): number {
  const first = new Map<string, number>();
  for (const { feed, step } of trace.commits) {
    if (feed.pass === LIVE && !first.has(feedName(feed))) first.set(feedName(feed), step.watermarkMs);
  }
  return Math.max(...first.values());
}

/** Calls with a part that has vanished, was moved or was shown broken. */
function doubtfulCalls({ truth, trace, feeds }: Outcome): ReadonlySet<string> {
  const rows = [...new Set(feeds.map(({ stream }) => stream.name))].flatMap((name) => truth.all(name))
    .filter(({ report, key, gone, timesMs }) =>
      gone !== undefined || timesMs.length > 1 || trace.damaged.has(`${report} ${key}`));
  const doubtful = new Set(rows.map(({ key }) => key.split('/').slice(0, 2).join('/')));
  // A part names its call by its own id; what an offer belongs to, only its row tells.
  for (const { events } of trace.commits) {
    for (const event of events) {
      if (event.channel === 'accepted' && doubtful.has(event.orderingKey)) doubtful.add(rootOf(event));
    }
  }
  return doubtful;
}
