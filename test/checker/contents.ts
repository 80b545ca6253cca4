import { isDeepStrictEqual } from 'node:util';
import type { Report, Row } from './dumps.ts';
import { iso, placeOf, type Evidence, type PublishedEvent } from './evidence.ts';
import type { Head } from './feeds.ts';
import type { Finding } from './invariant.ts';
import { differenceOf, lettersKey, objectionsTo } from './mapping.ts';
import { inCommitOrder, mayComeAnew } from './repeats.ts';
import { keyOf, subjectOf } from './rules.ts';

/**
 * I2 No duplicate: neither an event id, nor a revision of a row, nor a bad row stands twice in the topics: not by a
 * feed, nor by a live feed and a backfill together. A replay publishes all once more, but nothing twice itself.
 *
 * Only what was forgotten may come again, for the reasons that {@link mayComeAnew} tells.
 */
export function nothingTwice(evidence: Evidence): Finding {
  const { events, lineOf } = evidence;
  const violations: string[] = [];
  const names: readonly ((event: PublishedEvent) => string)[] = [
    ({ id }) => `event id ${id}`,
    ({ topic, subject, value }) => `revision ${value['revision'] ?? 1} of ${topic} ${subject}`,
  ];
  for (const nameOf of names) {
    const inLine = (event: PublishedEvent): string => `${nameOf(event)} ${lineOf(event.feed)}`.trim();
    for (const [name, alike] of Map.groupBy(events, inLine)) {
      if (alike.length < 2) continue;
      const inTime = inCommitOrder(evidence, alike);
      const repeat = inTime.slice(1).findIndex((second, index) => !mayComeAnew(evidence, inTime[index]!, second));
      if (repeat === -1) continue;
      const where = `${whereIs(inTime[repeat]!)} and ${whereIs(inTime[repeat + 1]!)}`;
      violations.push(`${name} stands ${alike.length} times: ${where}`);
    }
  }
  return { looked: events.length, at: 'events and dead letters', violations };
}

/**
 * I4 Nothing invented: an event equals, field by field and by the documented mapping, a content of its row that 8x8 has
 * shown whole; and a dead letter a row that nobody can map.
 */
export function nothingInvented(evidence: Evidence): Finding {
  const { events, rows, answers, headOf } = evidence;
  const byName = new Map(rows.map((row) => [`${row.report} ${row.subject}`, row]));
  const strange = answers.flatMap(({ endpoint, strange: shown }) => endpoint === 'token' ? []
    : shown.map((row) => ({ name: `${endpoint} ${subjectOf(keyOf(endpoint, row))}`, row })));
  const strangeByName = Map.groupBy(strange, ({ name }) => name);

  const violations = events.flatMap((event): string[] => {
    if (event.topic === 'rejected') return [];
    const known = byName.get(`${event.topic} ${event.subject}`);
    const shown = known?.revisions.filter(({ timesServed }) => timesServed > 0) ?? [];
    const contents = [
      ...shown.map(({ row, visibleFromMs }) => ({ row, visibleFromMs })),
      ...(strangeByName.get(`${event.topic} ${event.subject}`) ?? [])
        .map(({ row }) => ({ row, visibleFromMs: -Infinity })),
    ];
    const problem = inventedIn(evidence, event, event.topic, contents) ?? tooOld(event, headOf(event));
    return problem === undefined ? [] : [`${whereIs(event)} (${event.subject}): ${problem}`];
  });
  violations.push(...inventedLetters(evidence));
  return { looked: events.length, at: 'events and dead letters', violations };
}

/** A row before all keys that the feed knows: nobody has asked for it, nor can tell whether it was there before. */
function tooOld({ value }: PublishedEvent, head: Head | undefined): string | undefined {
  if (value['changeKind'] === 'corrected') return undefined; // it was known, and is remembered longer than it is read
  const { seenFrom = -Infinity } = head ?? {};
  const endMs = Number(value['disconnectedTimeUTC']);
  return endMs >= seenFrom ? undefined : `it ended at ${iso(endMs)}, but its feed reads only from ${iso(seenFrom)} on`;
}

interface Content {
  readonly row: Row;
  readonly visibleFromMs: number;
}

function inventedIn(
  { run, rules }: Evidence, event: PublishedEvent, report: Report, contents: readonly Content[],
): string | undefined {
  const { value, record } = event;
  if (record.value === null) return `its value is ${record.unreadable ?? 'a tombstone'}`;
  if (contents.length === 0) return '8x8 has never shown such a row whole';
  const differences = contents.map(({ row }) => differenceOf(report, row, value, rules.strict));
  const matching = differences.indexOf(undefined);
  if (matching === -1) return differences.at(-1);
  const { row, visibleFromMs } = contents[matching]!;
  const observedAt = Number(value['observedAt']);
  if (observedAt < visibleFromMs - run.skewMs) {
    return `it was observed at ${iso(observedAt)}, but could be read only from ${iso(visibleFromMs)} on`;
  }
  return wrongHeader(event, report, Number(row['disconnectedTimeUTC']), observedAt);
}

const TYPES: Readonly<Record<Report, string>> = {
  'call-legs': 'com.8x8.work.call-leg.v1', 'call-records': 'com.8x8.work.call-record.v1',
};

/** The headers and the time that the README promises. */
function wrongHeader(event: PublishedEvent, report: Report, endMs: number, observedAt: number): string | undefined {
  const { record: { headers, timestamp }, value } = event;
  const expected = { ce_id: value['eventId'], ce_type: TYPES[report], ce_time: iso(endMs) };
  for (const [name, text] of Object.entries(expected)) {
    if (headers[name] !== text) return `header ${name} is ${headers[name]}, not ${text}`;
  }
  if (!/^[0-9a-f]{32}$/.test(String(value['eventId']))) return `${value['eventId']} is no event id`;
  const timeMs = Math.min(endMs, observedAt);
  return timestamp === timeMs ? undefined : `its time is ${iso(timestamp)}, not ${iso(timeMs)}`;
}

/** Dead letters and bad rows that look alike: of each kind there may be as many letters as contents. */
function inventedLetters(evidence: Evidence): readonly string[] {
  const { events, rules, headOf } = evidence;
  const letters = events.filter(({ topic, value }) => topic === 'rejected' && value['code'] !== 'RETENTION_GAP');
  const bad = Map.groupBy(badContents(evidence), ({ report, row }) => lettersKey(report, row));
  const groups = Map.groupBy(letters, ({ value }) => lettersKey(String(value['stream']), value));
  return [...groups].flatMap(([key, alike]) => {
    const contents = bad.get(key) ?? [];
    const distinct = new Set(contents.map(({ row }) => JSON.stringify(row))).size;
    const letterCount = new Set(alike.map(({ id }) => id)).size;
    const tooMany = `${letterCount} dead letters for ${key}, but 8x8 has shown ${distinct} such rows`;
    if (letterCount > distinct) return [`${whereIs(alike.at(-1)!)}: ${tooMany}`];
    return alike.flatMap((letter) => {
      const problem = wrongLetter(letter, contents, headOf(letter), rules.rejectedPayload);
      return problem === undefined ? [] : [`${whereIs(letter)} (${key}): ${problem}`];
    });
  });
}

function wrongLetter(
  { value }: PublishedEvent, contents: readonly BadContent[], head: Head | undefined, withPayload: boolean,
): string | undefined {
  const objection = `${value['code']} ${value['field']}`;
  const said = new Set(contents.flatMap(({ report, row }) => objectionsTo(report, row, head?.pbxs ?? '')));
  if (!said.has(objection)) return `it says ${objection}, but of such rows only [${[...said]}] is true`;
  if (value['windowFrom'] !== head?.window?.from || value['windowTo'] !== head?.window?.to) {
    return 'its window is not that of its commit';
  }
  const payload = value['payload'] ?? null;
  if (!withPayload) return payload === null ? undefined : 'it holds the row, unasked';
  return contents.some(({ row }) => sameJson(row, payload)) ? undefined : 'its payload is not the row';
}

function sameJson(row: Row, payload: unknown): boolean {
  return typeof payload === 'string' && isDeepStrictEqual(JSON.parse(payload), row);
}

interface BadContent {
  readonly report: Report;
  readonly row: Row;
}

function badContents({ rows, answers }: Evidence): readonly BadContent[] {
  const poison = rows.filter((row) => row.poison).flatMap(({ report, revisions }) =>
    revisions.filter(({ timesServed }) => timesServed > 0).map(({ row }) => ({ report, row })));
  const strange = answers.flatMap(({ endpoint, strange: shown }) =>
    endpoint === 'token' ? [] : shown.map((row) => ({ report: endpoint, row })));
  return [...poison, ...strange];
}

function whereIs({ record, feed, commit }: PublishedEvent): string {
  return `${placeOf(record)} of ${feed === undefined ? 'no commit' : `${feed}/${commit}`}`;
}
