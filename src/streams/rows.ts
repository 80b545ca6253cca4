import { canonicalJson, digest, eventIdOf } from './digest.ts';
import { driftOf, type Drift } from './drift.ts';
import { changedFields, markedFields, marksOf } from './marks.ts';
import { KINDS, readId, type FieldTable, type KindRule } from './kinds.ts';
import { foldPbx, wasAskedFor } from './pbx.ts';
import { CONTENT_BYTES_MAX, rejectRow, rejectedKeyOf, type RejectCode, type Rejection } from './rejected.ts';
import type { BusEvent, RawRow, ReadContext, Stream } from './stream.ts';

/** What the connector adds to a row. */
export interface EventFields {
  /** Deterministic id of this event: the same content under the same key always has the same id. */
  readonly eventId: string;
  /** Counts the versions of a row, from 1. */
  readonly revision: number;
  /** "new", or "corrected": 8x8 has changed a row that was published before; an open set. */
  readonly changeKind: string;
  /** On a correction the fields that differ from the revision before; of 4,096 changes of a field one is not seen. */
  readonly changedFields: readonly string[];
  /** When the connector received the row. */
  readonly observedAt: number;
  /** "live", or the name of the backfill or replay that has published it. */
  readonly pass: string;
  /** Fields 8x8 sent that this schema does not name, or whose value does not fit, as text or JSON. */
  readonly extras: Readonly<Record<string, string>>;
}

/** The fields that every report must have. */
interface KeyTable {
  readonly pbxId: 'id';
  readonly callId: 'id';
  readonly disconnectedTimeUTC: 'endTime';
}

/** How one report differs from another. */
export interface Report extends Pick<Stream, 'name' | 'path' | 'parameters' | 'schemaFile'> {
  /** Every field we publish. The ids come first, so that a row without them is rejected for that. */
  readonly fields: FieldTable & KeyTable;
  /** The fields that name a row, in the order they have in its key. */
  readonly keyFields: readonly ['pbxId', ...string[]];
  /** Of fields that hold one of a few words: those that are known. */
  readonly words: Readonly<Record<string, readonly string[]>>;
  /** Fields of the report that we do not publish, each with the field that says the same. */
  readonly leftOut: Readonly<Record<string, string>>;
}

/** 8x8 cannot know of a hang-up that is still to come; this much clocks may differ. */
const FUTURE_MAX_MS = 30 * 60_000;

const FIRST_REVISION = 1;

const NONE: readonly string[] = [];

/** A row on its way to an event. */
interface MappedRow {
  readonly value: Record<string, unknown>;
  /** Everything 8x8 said, as it counts for the content hash. See {@link contentOf}. */
  readonly content: unknown[];
  /** How many documented fields 8x8 has not sent. */
  readonly missing: number;
}

/** Makes the stream of a report out of its table. */
export function reportStream(report: Report): Stream {
  const { name: stream, path, parameters, schemaFile, keyFields } = report;
  const mapRow = rowMapper(report);
  const marked = markedFields(report.fields);
  const known = { fields: documentedFields(report), words: report.words };

  return {
    name: stream,
    path,
    parameters,
    schemaFile,
    identify: (row) => keyOf(row, keyFields) ?? rejectedKeyOf(row),
    toEvent(row, context) {
      const mapped = mapRow(row);
      if ('code' in mapped) return rejectRow(row, stream, context, mapped);

      const content = contentOf(mapped);
      const rejection = objectionTo(mapped.value, content, context);
      if (rejection !== undefined) return rejectRow(row, stream, context, rejection);
      const drift = driftOf(known, row, mapped.value, mapped.missing);
      return acceptedEvent({ ...context, report, marked, drift }, mapped.value, digest(content).contentHash);
    },
    revise(event, before) {
      const { key, idHash = event.contentHash } = event;
      const revision = before.revision + 1;
      const value = {
        ...event.value,
        eventId: eventIdOf(stream, key, revision, idHash),
        revision,
        changeKind: 'corrected',
        changedFields: changedFields(marked, before.marks, event.marks),
      };
      return { ...event, value };
    },
  };
}

interface AcceptContext extends ReadContext {
  readonly report: Report;
  readonly marked: readonly string[];
  readonly drift: readonly Drift[];
}

function acceptedEvent(context: AcceptContext, value: Record<string, unknown>, contentHash: number): BusEvent {
  const { report: { name: stream, keyFields }, marked, drift } = context;
  const orderingKey = `${foldPbx(value['pbxId'] as string)}/${value['callId'] as string}`;
  const key = keyOf(value, keyFields)!;
  value['eventId'] = eventIdOf(stream, key, FIRST_REVISION, contentHash);
  value['revision'] = FIRST_REVISION;
  value['changeKind'] = 'new';
  value['changedFields'] = NONE;
  value['observedAt'] = context.observedAtMs;
  value['pass'] = context.pass ?? 'live';
  const eventTimeMs = value['disconnectedTimeUTC'] as number;
  const marks = marksOf(marked, key, value);
  return { channel: 'accepted', stream, key, orderingKey, eventTimeMs, contentHash, marks, drift, value };
}

function documentedFields({ fields, leftOut }: Report): ReadonlySet<string> {
  return new Set([...Object.keys(fields), ...Object.keys(leftOut)]);
}

/** `undefined` if one of the ids cannot be read. */
function keyOf(row: unknown, keyFields: readonly string[]): string | undefined {
  if (!isObject(row)) return undefined;
  let key = '';
  for (const field of keyFields) {
    const id = readId(row[field]);
    if (id === null || id === undefined) return undefined;
    key = key === '' ? foldPbx(id) : `${key}/${id}`;
  }
  return key;
}

/** What speaks against a row whose every field is sound. */
function objectionTo(value: MappedRow['value'], content: string, context: ReadContext): Rejection | undefined {
  if (!wasAskedFor(context.pbxId, foldPbx(value['pbxId'] as string))) {
    return { code: 'WRONG_PBX', field: 'pbxId', reason: 'The row belongs to a PBX that was not asked for.' };
  }
  if ((value['disconnectedTimeUTC'] as number) > context.observedAtMs + FUTURE_MAX_MS) {
    const reason = 'The disconnect time lies in the future: a Kafka broker may refuse a record with such a time.';
    return { code: 'FUTURE_TIME', field: 'disconnectedTimeUTC', reason };
  }
  // The content is JSON, which is never shorter than the same in Avro; a UTF-16 unit is at most three bytes.
  if (content.length * 3 > CONTENT_BYTES_MAX && Buffer.byteLength(content) > CONTENT_BYTES_MAX) {
    return { code: 'TOO_LARGE', field: null, reason: `The row holds more than ${CONTENT_BYTES_MAX} bytes.` };
  }
  return undefined;
}

/**
 * The text that the content hash is made of: a JSON array of name, value, name, value, ... of every field of
 * the table that is not null, in table order, with `pbxId` in lower case; then, if there are any, the extras
 * as an array of the same form, sorted by name (UTF-16 units).
 *
 * Nulls are left out so that a field added to the table later changes no hash of the rows that lack it.
 */
function contentOf({ value, content }: MappedRow): string {
  const extras = value['extras'] as Readonly<Record<string, string>>;
  const names = Object.keys(extras);
  if (names.length > 0) content.push(names.sort().flatMap((name) => [name, extras[name]]));
  return JSON.stringify(content);
}

/** Prepares all that does not depend on the row; what is returned runs once per row and is kept lean. */
function rowMapper(report: Report): (row: unknown) => MappedRow | Rejection {
  const { fields, leftOut } = report;
  const rules = Object.entries(fields).map(([name, kind]) => ({ name, ...KINDS[kind] }));
  const ignored = Object.keys(leftOut);
  const named = documentedFields(report);
  const blank = blankValue(Object.keys(fields));

  return (row) => {
    if (!isObject(row)) return { code: 'NOT_AN_OBJECT', field: null, reason: 'The row is not a JSON object.' };
    const value: Record<string, unknown> = { ...blank, extras: Object.create(null) as object };
    const extras = value['extras'] as Record<string, string>;
    const content: unknown[] = [];
    let namedCount = 0;

    for (const rule of rules) {
      const { name } = rule;
      const raw = row[name];
      if (raw !== undefined) namedCount += 1;
      let read = rule.read(raw, name);
      if (read === undefined && rule.misfit === 'extras') {
        extras[name] = extraText(raw);
        read = null;
      }
      if (read === undefined) return rejection(rule.misfit as RejectCode, rule);
      if (read === null && rule.required) return rejection('MISSING_FIELD', rule);
      value[name] = read;
      if (read !== null) content.push(name, name === 'pbxId' ? foldPbx(read as string) : read);
    }

    for (const name of ignored) if (row[name] !== undefined) namedCount += 1;
    // Counting first spares the look-up of every name, for nearly no row has unknown ones.
    if (namedCount !== Object.keys(row).length) keepUnknown(row, named, extras);
    return { value, content, missing: named.size - namedCount };
  };
}

/**
 * The event's value with every field in schema order and nothing in it. A copy of it keeps V8's fast object
 * form, which an object built up by computed names loses; `JSON.parse` is what gives the model that form.
 */
function blankValue(names: readonly string[]): Readonly<Record<string, unknown>> {
  const order = ['eventId', 'revision', 'changeKind', 'changedFields', 'observedAt', 'pass', ...names, 'extras'];
  return JSON.parse(JSON.stringify(Object.fromEntries(order.map((name) => [name, null])))) as Record<string, unknown>;
}

/** A field that 8x8 adds is never lost. Sorted, so that two names that become one have the same winner always. */
function keepUnknown(row: RawRow, named: ReadonlySet<string>, extras: Record<string, string>): void {
  for (const name of Object.keys(row).sort()) {
    const raw = row[name];
    if (named.has(name) || raw === null || raw === undefined) continue;
    extras[name.toWellFormed()] = extraText(raw);
  }
}

function extraText(raw: unknown): string {
  return typeof raw === 'string' ? raw.toWellFormed() : canonicalJson(raw);
}

function rejection(code: RejectCode, { name, misfit }: KindRule & { readonly name: string }): Rejection {
  if (code === 'MISSING_FIELD') return { code, field: name, reason: `The field ${name} is missing or empty.` };
  const wanted = misfit === 'BAD_ID' ? 'a short text without "/" and control characters' : 'a whole number in range';
  return { code, field: name, reason: `The field ${name} is not ${wanted}.` };
}

function isObject(row: unknown): row is RawRow {
  return typeof row === 'object' && row !== null && !Array.isArray(row);
}
