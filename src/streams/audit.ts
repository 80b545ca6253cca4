import { summarizeDelays } from '../feed/delay.ts';
import { feedName, type FeedId } from '../feed/feed.ts';
import type { Silence } from '../feed/silence.ts';
import type { Window } from '../feed/window.ts';
import { canonicalJson, digest, eventIdOf } from './digest.ts';
import { NO_DRIFT, type Drift } from './drift.ts';
import type { BusEvent } from './stream.ts';

/** A window that was read to its end, or passed over, as it stands in the ledger: `schemas/ledger.avsc`. */
export interface LedgerEntry {
  /** Deterministic id of this event, of feed, commit and content. */
  readonly eventId: string;
  /** Pass of the feed: "live", or the name of a backfill. */
  readonly pass: string;
  /** Report that was read: "call-legs" or "call-records". */
  readonly stream: string;
  /** PBX, list of PBXs or "allpbxes", as it was asked for. */
  readonly pbxId: string;
  /** Number of the commit that this event is part of. */
  readonly commit: number;
  /** Start of the window. */
  readonly windowFrom: number;
  /** End of the window, exclusive. */
  readonly windowTo: number;
  /** Watermark of the feed before: a window that starts earlier reads again. */
  readonly fromWatermark: number;
  /** Watermark of the feed after. */
  readonly watermark: number;
  /** "whole", "short" if 8x8 has shown fewer rows than it counts, or "gap" if 8x8 no longer keeps it; an open set. */
  readonly outcome: string;
  /** Rows that the window has by 8x8's own count; null if it does not say. */
  readonly total: number | null;
  /** Rows received, each once. */
  readonly received: number;
  /** Rows received in all readings of the window, repeats included. */
  readonly fetched: number;
  /** Rows published for the first time. */
  readonly new: number;
  /** Rows published again because 8x8 has changed them. */
  readonly corrected: number;
  /** Of the new ones: those that ended before fromWatermark. */
  readonly late: number;
  /** Of the new ones: those first seen later than the lookback surely covers; 0 unless the feed was live, or deep. */
  readonly beyond: number;
  /** Rows that became dead letters. */
  readonly rejected: number;
  /** Rows that were published before, and are as they were. */
  readonly repeated: number;
  /** Rows from before all that is remembered, dropped. */
  readonly outside: number;
  /** Rows that readings of the window have published or rejected before, which came to no end: a crash, an error. */
  readonly recovered: number;
  /** How long after their end half of the new rows were first seen, in milliseconds; null unless the feed was live. */
  readonly delayP50Ms: number | null;
  /** The same of all of them: the longest. */
  readonly delayMaxMs: number | null;
  /** End of the last call of the feed, or where it has begun; null for a gap, and on a pass over history. */
  readonly quietSince: number | null;
  /** Rows that there should have been since then, by what each hour of the week brings; null as above. */
  readonly expected: number | null;
  /** Pages with rows. */
  readonly pages: number;
  /** How often the window was read: twice if the first reading was short. */
  readonly attempts: number;
  /** From the first request to the last page. */
  readonly durationMs: number;
  /** When the window was done. */
  readonly observedAt: number;
}

/** How far a feed is complete: `schemas/watermark.avsc`. It comes with every window, so it is a heartbeat, too. */
export interface WatermarkEvent {
  /** Deterministic id of this event, of feed, commit and content. */
  readonly eventId: string;
  /** Pass of the feed: "live", or the name of a backfill. */
  readonly pass: string;
  /** Report that was read: "call-legs" or "call-records". */
  readonly stream: string;
  /** PBX, list of PBXs or "allpbxes", as it was asked for. */
  readonly pbxId: string;
  /** Number of the commit that this event is part of. */
  readonly commit: number;
  /** All calls that ended before are published, but for those that 8x8 shows late. */
  readonly completeUpTo: number;
  /** When the feed came to it. */
  readonly observedAt: number;
}

/** Something about rows that 8x8 does not document: `schemas/drift.avsc`. A feed tells it once. */
export interface DriftEvent {
  /** Deterministic id of this event, of feed, commit and content. */
  readonly eventId: string;
  /** Pass of the feed: "live", or the name of a backfill. */
  readonly pass: string;
  /** Report that was read: "call-legs" or "call-records". */
  readonly stream: string;
  /** PBX, list of PBXs or "allpbxes", as it was asked for. */
  readonly pbxId: string;
  /** Number of the commit that this event is part of. */
  readonly commit: number;
  /** "unknown-field", "misfit", "missing-field" or "new-word"; an open set. */
  readonly kind: string;
  /** Field of the row by 8x8's name; "?" if that might say something of a person. */
  readonly field: string;
  /** The new word, or what JSON has come: "string", "number", "boolean", "object", "array"; null for nothing. */
  readonly found: string | null;
  /** When the connector has first seen it. */
  readonly observedAt: number;
}

/** What the pages of a window came to. */
export interface RowCounts {
  /** Pages with rows. */
  readonly pages: number;
  readonly rows: number;
  readonly published: number;
  /** Of those published: rows that were published before, and that 8x8 has changed since. */
  readonly corrected: number;
  /** Of those published: rows that ended before what the feed had already read to the end. */
  readonly late: number;
  /** Of those that a live feed has seen first: later after their end than is surely covered; all of a deep sweep. */
  readonly beyond: number;
  readonly rejected: number;
  /** Rows read before and dropped as known. */
  readonly repeats: number;
  /** Rows before all that is remembered, dropped: nobody asked for them. */
  readonly outside: number;
  /** How long after their end new rows were first seen, milliseconds each; none unless the feed is live. */
  readonly delaysMs: readonly number[];
}

/** What a window has come to. */
export interface WindowDone extends RowCounts {
  readonly outcome: 'whole' | 'short' | 'gap';
  readonly window: Window;
  readonly fromWatermarkMs: number;
  readonly watermarkMs: number;
  readonly total: number | undefined;
  readonly received: number;
  readonly attempts: number;
  readonly recovered: number;
  readonly silence: Silence | undefined;
  readonly durationMs: number;
}

/** The commit that ends a window. */
export interface AuditContext {
  readonly feed: FeedId;
  readonly commit: number;
  readonly observedAtMs: number;
}

/** What the bus is told when a window is done: an entry of the ledger, and how far the feed is complete. */
export function auditEvents(context: AuditContext, done: WindowDone): readonly BusEvent[] {
  return [
    auditEvent(context, { channel: 'ledger', name: context.commit, timeMs: done.window.to }, ledgerFields(done)),
    auditEvent(context, { channel: 'watermarks', name: context.commit, timeMs: done.window.to },
      { completeUpTo: done.watermarkMs }),
  ];
}

/** What the bus is told of rows that are not as 8x8 documents them. */
export function driftEvents(context: AuditContext, drifts: readonly Drift[]): readonly BusEvent[] {
  return drifts.map(({ name, kind, field, found }) =>
    auditEvent(context, { channel: 'drift', name, timeMs: context.observedAtMs }, { kind, field, found }));
}

function ledgerFields(done: WindowDone): Omit<LedgerEntry, keyof WatermarkEvent> {
  return {
    windowFrom: done.window.from,
    windowTo: done.window.to,
    fromWatermark: done.fromWatermarkMs,
    watermark: done.watermarkMs,
    outcome: done.outcome,
    total: done.total ?? null,
    received: done.received,
    fetched: done.rows,
    new: done.published - done.corrected,
    corrected: done.corrected,
    late: done.late,
    beyond: done.beyond,
    rejected: done.rejected,
    repeated: done.repeats,
    outside: done.outside,
    recovered: done.recovered,
    ...summarizeDelays(done.delaysMs),
    quietSince: done.silence?.sinceMs ?? null,
    expected: done.silence === undefined ? null : Math.floor(done.silence.expectedRows),
    pages: done.pages,
    attempts: done.attempts,
    durationMs: done.durationMs,
  };
}

/** What an audit event is about: of a feed no two of a channel have the same name. */
interface About {
  readonly channel: 'ledger' | 'watermarks' | 'drift';
  readonly name: string | number;
  readonly timeMs: number;
}

function auditEvent(
  { feed, commit, observedAtMs }: AuditContext,
  { channel, name, timeMs: eventTimeMs }: About,
  fields: Readonly<Record<string, unknown>>,
): BusEvent {
  const { pass, stream, pbxId } = feed;
  const orderingKey = feedName(feed);
  const key = `${channel}/${orderingKey}/${name}`;
  const { contentHash } = digest(canonicalJson(fields));
  const eventId = eventIdOf(stream, key, 1, contentHash);
  const value = { eventId, pass, stream, pbxId, commit, ...fields, observedAt: observedAtMs };
  return { channel, stream, key, orderingKey, eventTimeMs, contentHash, marks: '', drift: NO_DRIFT, value };
}
