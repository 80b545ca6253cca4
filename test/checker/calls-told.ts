import { partsOf, rootOf } from './call-parts.ts';
import type { Report } from './dumps.ts';
import type { CallsTopic, Evidence, PublishedEvent, ShownRow } from './evidence.ts';
import type { Head } from './feeds.ts';
import { shownSinceMs } from './loss.ts';
import type { Scan } from './scans.ts';

type Told = ReadonlyMap<string, readonly PublishedEvent<CallsTopic>[]>;

/** A row of a call as it was published last, by a live feed. */
interface Published {
  readonly event: PublishedEvent;
  readonly topic: Report;
  readonly head: Head;
}

/**
 * Calls of which the topics of rows have the record and all legs that it counts, and that are not told as complete, or
 * not with these rows, though their owner must have known all of it.
 *
 * An owner knows a row that it has published, or read: by a reading that has begun after the last row was published, if
 * the call was told before, for then the rest was dropped. If another owner has published that last row, the first
 * reading only shows that the call is not as it was told; it is read once more with the next window of each feed. An
 * owner tells what it knows after each window, once it has swept both feeds. That it has done so is sure when its live
 * feeds have gone on.
 */
export function untoldCalls(evidence: Evidence, told: Told): readonly string[] {
  const known = new Map(evidence.rows.map((row) => [`${row.report} ${row.subject}`, row]));
  return [...publishedCalls(evidence)].flatMap(([call, parts]) => {
    if (parts === undefined || !isWhole(evidence, parts)) return [];
    const events = told.get(call) ?? [];
    const last = events.toSorted((a, b) => Number(a.value['revision']) - Number(b.value['revision'])).at(-1);
    const ids = new Set(last === undefined ? [] : partsOf(last.value).map(({ value }) => value['eventId']));
    const lacking = parts.filter(({ event }) => !ids.has(event.id));
    if (last?.value['state'] === 'complete' && lacking.length === 0) return [];
    const owner = ownerThatKnows(evidence, { parts, known, events });
    if (owner === undefined) return [];
    const state = last === undefined ? 'not told' : `${last.value['state']}, without ${lacking.length} of its rows,`;
    return [`the call ${call} is ${state} though generation ${owner} of ${parts[0]!.head.feed} has known all of it`];
  });
}

/** By call; undefined where a pass over history has published a row of it. */
function publishedCalls({ events, headOf, lineOf }: Evidence): ReadonlyMap<string, readonly Published[] | undefined> {
  const rows = new Map<string, Published>();
  const mixed = new Set<string>();
  for (const event of events) {
    const [head, { topic }] = [headOf(event), event];
    if (head === undefined || topic === 'rejected' || lineOf(event.feed) !== '') continue;
    if (head.pass !== 'live') mixed.add(rootOf(event.value));
    const name = `${topic} ${event.subject}`;
    const other = rows.get(name);
    if (other === undefined || other.head.record.offset < head.record.offset) rows.set(name, { event, topic, head });
  }
  const calls = Map.groupBy(rows.values(), ({ event }) => rootOf(event.value));
  return new Map([...calls].map(([call, parts]) => [call, mixed.has(call) ? undefined : parts]));
}

/** All that the record counts is there, of one owner, and began when both feeds had. */
function isWhole({ rules }: Evidence, parts: readonly Published[]): boolean {
  const record = parts.find(({ topic }) => topic === 'call-records');
  const legs = parts.filter(({ topic, event }) => topic === 'call-legs'
    && (rules.countsChildren || (event.value['parentCallId'] ?? null) === null));
  if (record === undefined || legs.length !== Number(record.event.value['callLegCount'] ?? legs.length)) return false;
  const originMs = Math.max(...parts.map(({ head }) => head.origin));
  return parts.every(({ event: { value }, head }) => head.pbxs === record.head.pbxs
    && head.record.partition === record.head.record.partition
    && Number(value['startTimeUTC'] ?? value['disconnectedTimeUTC']) >= originMs);
}

interface Call {
  readonly parts: readonly Published[];
  readonly known: ReadonlyMap<string, ShownRow>;
  readonly events: readonly PublishedEvent<CallsTopic>[];
}

/** The generation of an owner that must have told the call; undefined if there is none. */
function ownerThatKnows(evidence: Evidence, call: Call): number | undefined {
  const { feeds, scans, headOf, run } = evidence;
  const { partition } = call.parts[0]!.head.record;
  const { pbxs } = call.parts[0]!.head;
  const last = call.parts.map(({ head }) => head).toSorted((a, b) => a.record.offset - b.record.offset).at(-1)!;
  const toldBefore = call.events.some((event) => (headOf(event)?.record.offset ?? -1) < last.record.offset);
  const ofFeed = (report: Report): readonly Scan[] => scans.ofFeed(`${run.connector}/live/${report}/${pbxs}`);
  const ends = [...ofFeed('call-legs'), ...ofFeed('call-records')].map(({ head }) => head);
  const generations = new Set(ends.map(({ generation }) => generation));

  return [...generations].find((generation) => {
    const own = (report: Report): readonly Scan[] =>
      ofFeed(report).filter(({ head }) => head.generation === generation);
    const swept = [own('call-legs')[0], own('call-records')[0]].map((scan) => scan?.head.record.offset ?? Infinity);
    const knownFrom = call.parts.map((part) => {
      const { head } = part;
      if (head.generation === generation && !toldBefore) return head.record.offset;
      const after = toldBefore ? last : head;
      const read = own(part.topic).find((scan) => hasRead(evidence, call, { part, scan, after }));
      return read?.head.record.offset ?? Infinity;
    });
    const seenFrom = Math.max(last.record.offset, ...swept, ...knownFrom);
    const readAgain = [own('call-legs'), own('call-records')].map((scans) =>
      scans.find(({ head }) => head.record.offset > seenFrom)?.head.record.offset ?? Infinity);
    const from = toldBefore && last.generation !== generation ? Math.max(...readAgain) : seenFrom;
    const end = ends.find(({ generation: of, record }) => of === generation && record.offset >= from);
    return end !== undefined && feeds.heads.some(({ pass, reset, record, generation: of }) => of === generation
      && pass === 'live' && reset === undefined && record.partition === partition && record.offset > end.record.offset);
  });
}

interface Reading {
  readonly part: Published;
  readonly scan: Scan;
  readonly after: Head;
}

/** Whether a reading that has begun after a commit has surely met the row, as it is. */
function hasRead(evidence: Evidence, { known }: Call, { part, scan, after }: Reading): boolean {
  const { feeds, rules } = evidence;
  const row = known.get(`${part.topic} ${part.event.subject}`);
  const timeMs = row && rules.windowTimeOf(row);
  const begin = feeds.byFeed.get(scan.head.feed)?.find(({ commit }) => commit === scan.head.scan);
  if (row === undefined || timeMs === undefined || begin === undefined || scan.startedMs === undefined) return false;
  const isAfter = begin.record.offset >= after.record.offset || scan.head.generation > after.generation;
  return isAfter && !scan.deceived && shownSinceMs(evidence, row, timeMs) <= scan.startedMs
    && scan.window.from < timeMs && timeMs < scan.window.to;
}
