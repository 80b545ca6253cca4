import { isDeepStrictEqual } from 'node:util';
import { partsOf, rootOf, type Part } from './call-parts.ts';
import { untoldCalls } from './calls-told.ts';
import type { Row } from './dumps.ts';
import { iso, placeOf, type CallsTopic, type Evidence, type PublishedEvent } from './evidence.ts';
import { CALLS } from './feeds.ts';
import type { Finding } from './invariant.ts';
import { mayComeAnew } from './repeats.ts';
import { differingFields } from './revisions.ts';

type CallEvent = PublishedEvent<CallsTopic>;

/**
 * I21 Calls: an event of a call is put together of what the topics of rows had by then, each row in its last revision:
 * its record, its own legs and those of its child calls, in the order of their start, and nothing else. It is complete
 * if, and only if, the record is there and counts the legs that are; it is told as incomplete only if it was not told
 * before, and the lookback had passed it by the watermarks of both feeds. The events of a call count from 1, and each
 * differs from the one before. Only live feeds make calls. A call of which all is published is told as complete, once a
 * feed has gone on behind a window, and its owner has read or published all parts of it.
 */
export function callsAreWhole(evidence: Evidence): Finding {
  const { calls, feeds, run } = evidence;
  const told = Map.groupBy(calls, ({ subject }) => subject);
  const violations = [
    ...wrongFeeds(evidence),
    ...calls.flatMap((event) => wrongEvent(evidence, event).map((problem) => `${nameOf(event)} ${problem}`)),
    ...[...told.values()].flatMap((events) => wrongSequence(evidence, events)),
    ...run.topics.calls === undefined ? [] : untoldCalls(evidence, told),
  ];
  const heads = feeds.heads.filter(({ report }) => report === CALLS);
  return { looked: heads.length === 0 ? 0 : calls.length, at: 'events of calls', violations };
}

/** Each PBX of which both reports are read has a live feed of calls, if they are wanted; no other pass has one. */
function wrongFeeds({ feeds, rules, run }: Evidence): readonly string[] {
  const groups = Map.groupBy(rules.feeds, (name) => name.slice(name.indexOf('/') + 1));
  const wanted = run.topics.calls === undefined ? []
    : [...groups].filter(([, names]) => names.length === 2).map(([pbxs]) => `${run.connector}/live/${CALLS}/${pbxs}`);
  const missing = wanted.filter((name) => !feeds.byFeed.has(name)).map((name) => `the feed ${name} has never begun`);
  const strange = feeds.heads.filter(({ report, pass }) => report === CALLS && pass !== 'live');
  return [...missing, ...strange.map(({ feed, commit }) => `${feed}/${commit} makes calls on a pass over history`)];
}

function wrongEvent(evidence: Evidence, event: CallEvent): readonly string[] {
  const { subject, value, record: { unreadable } } = event;
  if (event.record.value === null) return [`has a value that is ${unreadable ?? 'a tombstone'}`];
  const parts = partsOf(value);
  const names = parts.map((part) => part.name);
  const problems = [
    ...parts.filter((part) => rootOf(part.value) !== subject || part.isChild !== isOffer(part.value))
      .map(({ name }) => `has ${name}, which does not belong there`),
    ...names.filter((name, index) => names.indexOf(name) !== index).map((name) => `has ${name} twice`),
    ...parts.flatMap((part) => wrongPart(evidence, event, part)),
    ...[wrongHead(event, parts), wrongState(evidence, event, parts), wrongTime(evidence, event, parts)],
  ];
  for (const isChild of [false, true]) {
    const legs = parts.filter((part) => part.topic === 'call-legs' && part.isChild === isChild);
    const right = legs.toSorted((a, b) => startOf(a) - startOf(b) || (a.subject < b.subject ? -1 : 1));
    if (!isDeepStrictEqual(legs, right)) problems.push('has legs out of order');
  }
  return problems.filter((problem) => problem !== undefined);
}

/** What was published of the row last, before the call. One that its feed has forgotten may be read back as a first. */
function wrongPart({ eventsAbout, feeds, headOf, lineOf }: Evidence, event: CallEvent, part: Part): readonly string[] {
  const { topic, subject, name, value } = part;
  const head = headOf(event);
  if (head === undefined) return []; // of which I3 tells
  const before = eventsAbout(topic, subject).filter((other) => {
    const by = headOf(other);
    return lineOf(other.feed) === '' && by?.record.partition === head.record.partition
      && by.record.offset < head.record.offset;
  });
  const last = before.toSorted((a, b) => headOf(a)!.record.offset - headOf(b)!.record.offset).at(-1);
  if (last === undefined) return [`has ${name}, which was not published before`];
  const differing = differingFields(last, value).filter((field) => field !== 'pbxId'); // its spelling may change
  if (differing.length > 0) return [`has ${name} with another [${differing}] than ${placeOf(last.record)}`];
  if (value['pass'] !== 'live') return [`has ${name} of the pass ${value['pass']}`];
  const isSame = sameWords(last.value, value);
  if (value['eventId'] === last.id) return isSame ? [] : [`has ${name} otherwise than ${placeOf(last.record)} has it`];
  const forgotten = !feeds.knows(last.feed!, subject, head.record) && value['revision'] === 1;
  return forgotten ? [] : [`has ${name} as ${value['eventId']}, but ${placeOf(last.record)} is ${last.id}`];
}

/** What is read again names no changes: it has not changed since. */
function sameWords(last: Row, value: Row): boolean {
  const named = value['changedFields'] as readonly string[];
  return ['revision', 'changeKind'].every((name) => value[name] === last[name])
    && (named.length === 0 || isDeepStrictEqual(named, last['changedFields']));
}

function wrongHead({ record, id, subject, value }: CallEvent, parts: readonly Part[]): string | undefined {
  const children = parts.filter(({ isChild }) => isChild).map((part) => part.value['callId']);
  const moved = parts.find((part) => !part.isChild && (part.value['transferToCallId'] ?? null) !== null);
  const endMs = endOf(parts);
  const { eventId, pbxId, callId, pass, childCallIds, transferFromCallId, observedAt } = value;
  const { ce_type: type, ce_time: time } = record.headers;
  const said = {
    eventId, pass, type, time, childCallIds, transferFromCallId, call: `${String(pbxId).toLowerCase()}/${callId}`,
    timestamp: record.timestamp,
  };
  const truth = {
    eventId: id, pass: 'live', type: 'com.8x8.work.call.v1', time: iso(endMs), childCallIds: [...new Set(children)],
    transferFromCallId: moved?.value['transferToCallId'] ?? null, call: subject,
    timestamp: Math.min(endMs, Number(observedAt)),
  } satisfies Record<keyof typeof said, unknown>;
  const names = Object.keys(truth) as (keyof typeof truth)[];
  const wrong = names.find((name) => !isDeepStrictEqual(said[name], truth[name]));
  return wrong && `says ${said[wrong]} of ${wrong}, which is ${truth[wrong]}`;
}

function wrongState({ rules }: Evidence, { value }: CallEvent, parts: readonly Part[]): string | undefined {
  const record = parts.find(({ topic }) => topic === 'call-records');
  const legs = parts.filter(({ topic }) => topic === 'call-legs');
  const counted = legs.filter(({ isChild }) => rules.countsChildren || !isChild).length;
  const legCount = record?.value['callLegCount'] ?? null;
  if (value['legCount'] !== legCount) return `counts ${value['legCount']} legs, but its record ${legCount}`;
  const wanted = Number(legCount ?? counted);
  const missing = record === undefined ? ['record'] : counted < wanted ? ['legs'] : counted > wanted ? ['count'] : [];
  const state = missing.length === 0 ? 'complete' : 'incomplete';
  if (value['state'] === state && isDeepStrictEqual(value['missing'], missing)) return undefined;
  return `is called ${value['state']}, [${value['missing']}] missing; it is ${state}, [${missing}] missing`;
}

function wrongTime(evidence: Evidence, event: CallEvent, parts: readonly Part[]): string | undefined {
  const { feeds, headOf, rules, run } = evidence;
  const head = headOf(event);
  if (event.value['state'] === 'complete' || head === undefined) return undefined;
  const standing = ['call-legs', 'call-records'].map((report) =>
    feeds.byFeed.get(`${run.connector}/live/${report}/${head.pbxs}`)
      ?.findLast(({ record }) => record.offset < head.record.offset));
  const toldMs = Math.min(...standing.map((one) => one?.watermark ?? -Infinity)) - rules.lookbackMs;
  const originMs = Math.max(...standing.map((one) => one?.origin ?? Infinity));
  const endMs = endOf(parts);
  if (endMs >= toldMs) return `is given up, though it ended at ${iso(endMs)}, and only ${when(toldMs)} is over`;
  const startMs = Math.min(...parts.map(startOf));
  return startMs < originMs ? `is given up, though it began at ${iso(startMs)}, before its feeds` : undefined;
}

/** In the order of their commits. Only what a person has reset may be told anew. */
function wrongSequence(evidence: Evidence, events: readonly CallEvent[]): readonly string[] {
  const offsetOf = (event: CallEvent): number => evidence.headOf(event)?.record.offset ?? -1;
  const inOrder = events.toSorted((a, b) => offsetOf(a) - offsetOf(b) || a.record.offset - b.record.offset);
  return inOrder.flatMap((event, index) => {
    const before = inOrder[index - 1];
    const { revision, state } = event.value;
    if (before === undefined || (revision === 1 && mayComeAnew(evidence, before, event))) {
      return revision === 1 ? [] : [`${nameOf(event)} is revision ${revision}, but the first`];
    }
    const behind = `stands behind revision ${before.value['revision']} at ${placeOf(before.record)}`;
    const name = nameOf(event);
    if (revision !== Number(before.value['revision']) + 1) return [`${name} is revision ${revision}, and ${behind}`];
    if (state !== 'complete') return [`${name} is incomplete, though it ${behind}`];
    return isSameContent(before, event) && !evidence.rules.strict ? [`${name} tells nothing new: it ${behind}`] : [];
  });
}

function isSameContent(before: CallEvent, event: CallEvent): boolean {
  const [was, is] = [before, event].map(({ value }) => new Map(partsOf(value).map((part) => [part.name, part])));
  return isDeepStrictEqual(before.value['missing'], event.value['missing']) && was!.size === is!.size
    && [...is!.values()].every((part) => was!.has(part.name)
      && differingFields(was!.get(part.name)!, part.value).length === 0);
}

function isOffer(value: Row): boolean {
  return (value['parentCallId'] ?? null) !== null;
}

function startOf({ value }: Part): number {
  return Number(value['startTimeUTC'] ?? value['disconnectedTimeUTC']);
}

function endOf(parts: readonly Part[]): number {
  return Math.max(...parts.map(({ value }) => Number(value['disconnectedTimeUTC'])));
}

function when(ms: number): string {
  return Number.isFinite(ms) ? `what ended before ${iso(ms)}` : 'nothing';
}

function nameOf({ record, subject, feed, commit }: CallEvent): string {
  return `${placeOf(record)} of ${feed ?? 'no commit'}/${commit} (${subject})`;
}
