import { isDeepStrictEqual } from 'node:util';
import type { Row } from './dumps.ts';
import { iso, placeOf, type Evidence, type PublishedEvent, type ShownRow } from './evidence.ts';
import type { Finding } from './invariant.ts';
import { differenceOf } from './mapping.ts';
import type { Scan } from './scans.ts';

/** Of the connector, not of the row. */
const OWN_FIELDS = new Set(['eventId', 'revision', 'changeKind', 'changedFields', 'observedAt', 'pass']);

/**
 * I17 Corrections: revisions of a row follow each other from 1 on, each differs from the one before and says wherein;
 * and when a reading moves the watermark, the last event of each row that it surely has shown has that content. The
 * revisions of a row go through live feeds and backfills; each replay counts its own.
 */
export function correctionsAreWhole(evidence: Evidence): Finding {
  const violations: string[] = [];
  const unnamed: string[] = [];
  const rows = Map.groupBy(evidence.events.filter(({ topic }) => topic !== 'rejected'), ({ topic, subject, feed }) =>
    `${topic} ${subject} ${evidence.lineOf(feed)}`.trim());
  for (const [name, events] of rows) {
    // That a revision is there twice is what I2 tells, and that it stands behind a later one I7.
    const revisions = new Map(events.toReversed().map((event) => [Number(event.value['revision']), event]));
    const inOrder = [...revisions.values()].sort(byRevision);
    inOrder.forEach((event, index) => {
      const known = inOrder[index - 1];
      const wrong = wrongRevision(known, event, evidence.rules.strict);
      if (wrong !== undefined) violations.push(`${placeOf(event.record)} of ${name} ${wrong}`);
      if (known !== undefined) unnamed.push(...unnamedFields(known, event).map((field) => `${field} of ${name}`));
    });
  }
  // Of 4,096 changes of a field one is not seen.
  if (unnamed.length > 2 + evidence.events.length / 500) violations.push(`no correction names ${unnamed.join(', ')}`);
  violations.push(...evidence.scans.all.flatMap((scan) => missedChanges(evidence, scan)));
  return { looked: rows.size, at: 'rows in the topics', violations };
}

function wrongRevision(
  before: PublishedEvent | undefined, { value }: PublishedEvent, strict: boolean,
): string | undefined {
  const { revision, changeKind } = value;
  const named = value['changedFields'] as readonly string[];
  const said = `is revision ${revision}, ${changeKind}, and names [${named}]`;
  if (before === undefined) {
    return revision === 1 && changeKind === 'new' && named.length === 0 ? undefined : `${said}, but is the first`;
  }
  const number = Number(before.value['revision']) + 1;
  if (revision !== number || changeKind !== 'corrected') return `${said}, but is the correction number ${number}`;
  const differing = differingFields(before, value);
  if (differing.length === 0 && !strict) return `${said}, but nothing differs from ${placeOf(before.record)}`;
  const wrong = named.find((name) => !differing.includes(name));
  return wrong && `${said}, but ${wrong} is as at ${placeOf(before.record)}`;
}

function unnamedFields(before: PublishedEvent, { value }: PublishedEvent): readonly string[] {
  const named = value['changedFields'] as readonly string[];
  return differingFields(before, value).filter((name) => !named.includes(name));
}

/** Names of the fields of the row, not of the connector, that are not as they were. */
export function differingFields(
  before: Pick<PublishedEvent, 'value'>, value: PublishedEvent['value'],
): readonly string[] {
  return Object.keys(value).filter((name) =>
    !OWN_FIELDS.has(name) && !isDeepStrictEqual(value[name], before.value[name]));
}

function byRevision(a: PublishedEvent, b: PublishedEvent): number {
  return Number(a.value['revision']) - Number(b.value['revision']);
}

function missedChanges({ rows, rules, eventsAbout }: Evidence, scan: Scan): readonly string[] {
  const { head, window, startedMs, deceived } = scan;
  if (startedMs === undefined || deceived) return [];
  return rows.flatMap((row) => {
    if (row.report !== head.report || row.poison || !rules.isShown(head.pbxs, row)) return [];
    const timeMs = rules.windowTimeOf(row);
    // Whether the bounds belong to the window is not documented.
    if (timeMs === undefined || timeMs <= window.from || timeMs >= window.to) return [];
    if (row.lastDamagedMs !== null && row.lastDamagedMs >= startedMs) return [];
    const shown = contentThroughout(row, startedMs, head.record.timestamp);
    const last = eventsAbout(row.report, row.subject)
      .filter(({ feed, commit }) => feed === head.feed && commit < head.commit)
      .toSorted(byRevision).at(-1);
    if (shown === undefined || last === undefined) return []; // that it is there at all is what I5 asks
    if (head.plan !== undefined && Number(shown['disconnectedTimeUTC']) >= head.plan.end) return []; // moved out of it
    const difference = differenceOf(row.report, shown, last.value, rules.strict);
    const stale = row.revisions.some((earlier) =>
      differenceOf(row.report, earlier.row, last.value, rules.strict) === undefined);
    if (difference === undefined || !stale) return []; // a content that was never shown is what I4 tells
    const read = `${head.feed}/${head.commit} has read ${row.key} from ${iso(startedMs)} on`;
    return [`${read}, but its last event before, ${placeOf(last.record)}, is of an earlier content: ${difference}`];
  });
}

/** The content of a row from one moment to the other; undefined if it had several, or none yet. */
function contentThroughout({ revisions }: ShownRow, fromMs: number, toMs: number): Row | undefined {
  const index = revisions.findLastIndex(({ visibleFromMs }) => visibleFromMs <= fromMs);
  const next = revisions[index + 1];
  return next !== undefined && next.visibleFromMs <= toMs ? undefined : revisions[index]?.row;
}
