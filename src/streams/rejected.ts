import type { StreamName } from '../feed/feed.ts';
import { canonicalJson, digest, eventIdOf } from './digest.ts';
import { NO_DRIFT } from './drift.ts';
import { readId } from './kinds.ts';
import { foldPbx } from './pbx.ts';
import type { BusEvent, ReadContext } from './stream.ts';

/**
 * The most a row may say, in UTF-8 bytes. A Kafka broker takes batches up to 1 MiB unless told otherwise
 * (`message.max.bytes`); the rest is for the names of a batch. One row must never block a feed.
 */
export const CONTENT_BYTES_MAX = 900_000;

/** Why a row cannot be published. Codes are stable: logs, metrics and tests use them. */
export type RejectCode =
  | 'NOT_AN_OBJECT'
  | 'MISSING_FIELD'
  | 'BAD_FIELD'
  | 'BAD_ID'
  | 'FUTURE_TIME'
  | 'WRONG_PBX'
  | 'TOO_LARGE';

/** What is wrong with a row. It says nothing of the row's content: that is personal data. */
export interface Rejection {
  readonly code: RejectCode;
  /** The field at fault, by its name in the stream's table; never a name out of the row. */
  readonly field: string | null;
  /** One sentence. */
  readonly reason: string;
}

/** A row that could not be mapped, as it stands on the rejected topic: `schemas/rejected.avsc`. */
export interface RejectedRow {
  /** Deterministic id of this event: the same bad row always has the same id. */
  readonly eventId: string;
  /** Report the row came from: "call-legs" or "call-records". */
  readonly stream: string;
  /** PBX of the row; null if it cannot be read. */
  readonly pbxId: string | null;
  /** Call of the row; null if it cannot be read. */
  readonly callId: string | null;
  /** Leg of the row; null if it has none or it cannot be read. */
  readonly legId: string | null;
  /** Why, as a stable word, e.g. "BAD_FIELD"; an open set. "RETENTION_GAP" tells of a span, "ERASED" of a table. */
  readonly code: string;
  /** Field at fault; null if it is the row as a whole. */
  readonly field: string | null;
  /** Why, in one sentence without any value of the row. */
  readonly reason: string;
  /** Start of the window that was being read. */
  readonly windowFrom: number;
  /** End of that window, exclusive. */
  readonly windowTo: number;
  /** When the connector received the row. */
  readonly observedAt: number;
  /** The whole row as JSON, if the connector is set to keep it and it is not too large; else null. */
  readonly payload: string | null;
}

/**
 * Turns a row that cannot be mapped into an event for the rejected topic. Never throws, whatever the row is.
 *
 * The key is made of the row's whole content: a row that comes again unchanged is a repeat, and one that 8x8
 * has repaired is not hidden behind it. Its event time is the end of the window, because its own may be what
 * is wrong with it.
 */
export function rejectRow(row: unknown, stream: StreamName, context: ReadContext, rejection: Rejection): BusEvent {
  const json = canonicalJson(row);
  const { hex, contentHash } = digest(json);
  const key = rejectedKey(hex);
  const ids = readableIds(row);

  const value: RejectedRow = {
    eventId: eventIdOf(stream, key, 1, contentHash),
    stream,
    ...ids,
    ...rejection,
    windowFrom: context.window.from,
    windowTo: context.window.to,
    observedAt: context.observedAtMs,
    payload: context.rejectedPayload === true && Buffer.byteLength(json) <= CONTENT_BYTES_MAX ? json : null,
  };
  const { pbxId, callId } = ids;
  return {
    channel: 'rejected',
    stream,
    key,
    orderingKey: pbxId !== null && callId !== null ? `${foldPbx(pbxId)}/${callId}` : context.pbxId,
    eventTimeMs: context.window.to,
    contentHash,
    marks: '',
    drift: NO_DRIFT,
    value: { ...value },
  };
}

/** Tells of a window that was never read to its end and now lies beyond what 8x8 keeps: its calls are lost. */
export function gapEvent(
  stream: StreamName,
  { pbxId, window, observedAtMs }: Pick<ReadContext, 'pbxId' | 'window' | 'observedAtMs'>,
): BusEvent {
  const key = `gap/${foldPbx(pbxId)}/${window.from}/${window.to}`;
  const { contentHash } = digest(key);
  const value: RejectedRow = {
    eventId: eventIdOf(stream, key, 1, contentHash),
    stream,
    pbxId,
    callId: null,
    legId: null,
    code: 'RETENTION_GAP',
    field: null,
    reason: 'No row but a span: it was not read while 8x8 kept it, and 8x8 keeps two years. Its calls are missing.',
    windowFrom: window.from,
    windowTo: window.to,
    observedAt: observedAtMs,
    payload: null,
  };
  const orderingKey = foldPbx(pbxId);
  const eventTimeMs = window.to;
  const about = { key, orderingKey, eventTimeMs, contentHash, marks: '', drift: NO_DRIFT };
  return { channel: 'rejected', stream, ...about, value: { ...value } };
}

/** Who has taken a row out of a table, when (epoch milliseconds) and why. */
export interface ErasureNote {
  readonly topic: string;
  readonly who: string;
  readonly reason: string;
  readonly at: number;
}

/** Tells that a person has taken a row out of the table of its stream, which itself soon shows nothing of it. */
export function erasedEvent(stream: StreamName, subject: string, { topic, who, reason, at }: ErasureNote): BusEvent {
  const [pbxId = null, callId = null, legId = null] = subject.split('/');
  const key = `erased/${subject}/${at}`;
  const { contentHash } = digest(key);
  const value: RejectedRow = {
    eventId: eventIdOf(stream, key, 1, contentHash),
    stream, pbxId, callId, legId,
    code: 'ERASED',
    field: null,
    reason: `No bad row: ${who} has erased it from ${topic}. Why: ${reason}`,
    windowFrom: at,
    windowTo: at,
    observedAt: at,
    payload: null,
  };
  const about = { key, orderingKey: `${pbxId}/${callId}`, eventTimeMs: at, contentHash, marks: '', drift: NO_DRIFT };
  return { channel: 'rejected', stream, ...about, value: { ...value } };
}

/** The key under which {@link rejectRow} would reject the row. */
export function rejectedKeyOf(row: unknown): string {
  return rejectedKey(digest(canonicalJson(row)).hex);
}

function rejectedKey(hex: string): string {
  return `rejected/${hex}`;
}

function readableIds(row: unknown): Pick<RejectedRow, 'pbxId' | 'callId' | 'legId'> {
  const fields = typeof row === 'object' && row !== null ? (row as Readonly<Record<string, unknown>>) : {};
  const read = (name: string) => readId(fields[name]) ?? null;
  return { pbxId: read('pbxId'), callId: read('callId'), legId: read('legId') };
}
