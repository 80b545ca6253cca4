import type { Clock } from '../clock.ts';
import { DERIVED, type FeedId } from '../feed/feed.ts';
import type { FeedOffset, SeenEntry } from '../feed/offset.ts';
import { afterCalls, beginAt } from '../feed/step.ts';
import { CONTENT_UNKNOWN, takeFresh } from '../feed/seen.ts';
import { floorToSecond, memoryMs, OVERLAP_MIN_MS, type Pace, type Window } from '../feed/window.ts';
import type { ShardSession } from '../sink/sink.ts';
import {
  callEvent, callKeyOf, firstStartMs, outlineOf, reviseCall, startOf, verdictOf,
  type CallContext, type CallParts, type Deadlines, type LegCount, type Verdict,
} from '../streams/calls.ts';
import { streamNamed, streams } from '../streams/index.ts';
import type { BusEvent } from '../streams/stream.ts';

/** What became of the calls of a PBX since the last report. */
export interface CallsReport {
  readonly complete: number;
  /** Calls of which something was not there in time. */
  readonly incomplete: number;
  /** Calls that wait for something. */
  readonly pending: number;
  readonly watermarkMs: number;
}

/** The parts of a call that have been read. */
interface Pending {
  record: BusEvent | undefined;
  readonly legs: Map<string, BusEvent>;
  /** Of a call that was told before, so that its other parts are not here: they are read once more. */
  readonly again?: Again | undefined;
}

/** Up to where a call must be read once more, and where each stream was read from since, epoch milliseconds. */
interface Again {
  /** What was published of its parts, if they were only compared with what was told; else a row has come since. */
  readonly entries: ReadonlyMap<string, SeenEntry>;
  startMs: number;
  readonly readFromMs: Map<string, number>;
}

/** How long after its last part more of a call is waited for: one that goes on for hours shows its first legs early. */
const CALL_OPEN_MS = 24 * 3_600_000;

/** 8x8 may cut times to the minute: then a part seems to end before its call. UNVERIFIED: answers of a tenant tell. */
const ROUNDED_MS = 60_000 + OVERLAP_MIN_MS;

/** What is kept of calls that wait, in memory alone: more, and the oldest have waited long enough. */
const PENDING_MAX = 20_000;

/**
 * Puts the record and the legs of each call of a PBX together, as they are read by the two feeds of it, and tells a
 * call when all of it is there; or, when no more can be expected, that something is missing.
 *
 * What was told is remembered in an offset of its own, as keys of rows are. The parts themselves, which hold names and
 * numbers, are only in memory, and only until the call is told: when one of its rows changes later, all of them are
 * read again before it is told anew. Who takes the shard over reads again what belongs to calls that are not told yet,
 * and compares others with what was told: a row may have been corrected right before the last owner died.
 */
export class CallDesk {
  readonly #feed: FeedId;
  readonly #rule: LegCount;
  readonly #pending = new Map<string, Pending>();
  /** Streams that were swept in this session: before, nobody knows what is there. */
  readonly #swept = new Set<string>();
  /** Until then: what is read of calls that an earlier owner has told. */
  readonly #outlines = new Map<string, Pending>();
  /** Those of them of which nobody knows what was published last, because the key of a part is forgotten. */
  readonly #forgotten = new Set<string>();
  /** The calls that are read once more with the window that is being read, and from when on. */
  #reading: { readonly calls: readonly Again[]; readonly fromMs: number } = { calls: [], fromMs: Infinity };

  constructor({ pbxId, pass }: FeedId, rule: LegCount) {
    this.#feed = { stream: DERIVED, pbxId, pass };
    this.#rule = rule;
  }

  /** Before anything is read: what is read first must be read again if it is not told. */
  async begin(session: ShardSession): Promise<void> {
    const origins = this.#feeds(session).map(({ originMs }) => originMs);
    if (session.offsetOf(this.#feed) !== undefined || origins.length < streams.length) return;
    await session.commit({ feed: this.#feed, events: [], step: beginAt(Math.min(...origins)) });
  }

  /** Whether a stream must still be swept, before anybody knows what is there. */
  needs({ stream }: FeedId): boolean {
    return !this.#swept.has(stream);
  }

  /** What must be read once more before a window is, because that does not reach as far as the calls that wait. */
  lacking(id: FeedId, window: Window, session: ShardSession): Window | undefined {
    const calls = session.offsetOf(this.#feed);
    if (calls === undefined) return undefined;
    const again = [...this.#pending.values()].flatMap((pending) => pending.again ?? []);
    const wantedMs = again.filter((call) => !this.#isRead(call, id.stream, session))
      .map((call) => this.#readFromMs(call, id.stream, session));
    const toldToMs = this.needs(id) ? Math.max(calls.watermarkMs, session.offsetOf(id)!.originMs) : Infinity;
    const from = wantedMs.reduce((first, ms) => Math.min(first, ms), toldToMs);
    this.#reading = { calls: again, fromMs: Math.min(from, window.from) };
    return from < window.from ? { from, to: window.from + OVERLAP_MIN_MS } : undefined;
  }

  /** Rows that a feed has read, and those of them that were fresh, as it has published them. */
  take(rows: readonly BusEvent[], fresh: readonly BusEvent[], session: ShardSession): void {
    for (const event of fresh) if (event.channel === 'accepted') this.#put(event, session);
    const keys = new Set(fresh.map(({ key }) => key));
    for (const row of rows) if (!keys.has(row.key)) this.#keep(this.#asPublished(row, session), session);
  }

  /**
   * Rows that were read once more. Of those before all that is remembered nobody knows whether they are on the bus:
   * they are if 8x8 has shown them in time, and the feed had begun.
   */
  recall(rows: readonly BusEvent[], session: ShardSession): void {
    for (const row of rows) {
      const feed = this.#feedOf(row, session);
      const isForgotten = row.eventTimeMs >= feed.originMs && row.eventTimeMs < feed.rememberedFromMs;
      const isOld = row.channel === 'accepted' && (isForgotten || feed.isSealed(row.key));
      if (isOld && this.#entryOf(row, session) === undefined) this.#keepForgotten(row, session);
      else this.#keep(this.#asPublished(row, session), session);
    }
  }

  /** After a window: tells what is complete, and what never will be. */
  async settle(
    { id, pace, swept }: { readonly id: FeedId; readonly pace: Pace; readonly swept: boolean },
    { session, clock }: { readonly session: ShardSession; readonly clock: Clock },
  ): Promise<CallsReport | undefined> {
    for (const { readFromMs } of this.#reading.calls) {
      readFromMs.set(id.stream, Math.min(readFromMs.get(id.stream) ?? Infinity, this.#reading.fromMs));
    }
    if (swept) this.#swept.add(id.stream);
    if (this.#swept.size < streams.length) return undefined;
    const context = { feed: this.#feed, rule: this.#rule, observedAtMs: clock.nowMs() };
    this.#compare(session, context);

    const upToMs = this.#upToMs(session);
    const originMs = Math.max(...this.#feeds(session).map((feed) => feed.originMs));
    const offset = session.offsetOf(this.#feed)!;
    const tellFromMs = upToMs - pace.lookbackMs;
    const deadlines = { originMs, tellFromMs, dropFromMs: tellFromMs - CALL_OPEN_MS };
    const verdicts = this.#judge(session, deadlines);
    const events = verdicts.filter(({ tell }) => tell).map(({ key, parts }) => callEvent(key, parts, context));
    const { fresh, seen } = takeFresh(offset, events, { revise: reviseCall });

    for (const { key, keep } of verdicts) if (!keep) this.#pending.delete(key);
    const told = new Set(seen.map(({ key }) => key));
    const toMs = Math.min(tellFromMs, this.#earliestMs((key) => told.has(key) || this.#isTold(key, session), session));
    const step = afterCalls(offset, toMs, seen, memoryMs(pace) + CALL_OPEN_MS);
    const moved = step.watermarkMs - offset.watermarkMs >= pace.sweepEveryMs;
    if (fresh.length > 0 || moved) await session.commit({ feed: this.#feed, events: fresh, step });
    const complete = fresh.filter(({ value }) => value['state'] === 'complete').length;
    const { size: pending } = this.#pending;
    return { complete, incomplete: fresh.length - complete, pending, watermarkMs: offset.watermarkMs };
  }

  /** The feeds that calls are made of. */
  #feeds(session: ShardSession): readonly FeedOffset[] {
    return streams.flatMap(({ name }) => session.offsetOf({ ...this.#feed, stream: name }) ?? []);
  }

  #upToMs(session: ShardSession): number {
    return Math.min(...this.#feeds(session).map(({ watermarkMs }) => watermarkMs));
  }

  /** Once all is swept: calls that are not as they were told, be it that a part of them ended before the sweeps. */
  #compare(session: ShardSession, context: CallContext): void {
    for (const [key, { record, legs }] of this.#outlines) {
      if (this.#pending.has(key) || this.#forgotten.has(key)) continue;
      const parts = { record, legs: [...legs.values()] };
      const { contentHash } = callEvent(key, parts, context);
      if (session.offsetOf(this.#feed)!.seenEntry(key)?.hash === contentHash) continue;
      this.#pending.set(key, { record: undefined, legs: new Map(), again: againFrom(parts, entriesOf(parts)) });
    }
    this.#outlines.clear();
    this.#forgotten.clear();
  }

  /** What becomes of each call that waits, the oldest first. */
  #judge(session: ShardSession, deadlines: Deadlines): readonly Judged[] {
    let excess = this.#pending.size - PENDING_MAX;
    return [...this.#pending].map(([key, { record, legs, again }]) => {
      const parts = { record, legs: [...legs.values()] };
      excess -= 1;
      const is = { told: this.#isTold(key, session), excess: excess >= 0 };
      if (this.#isUnread(again, session)) return { key, parts, tell: false, keep: !is.excess };
      return { key, parts, ...verdictOf(parts, this.#rule, deadlines, is) };
    });
  }

  /** What is on the bus already. Of a call that is told, it is only compared. */
  #keep(event: BusEvent | undefined, session: ShardSession): void {
    if (event === undefined) return;
    const key = callKeyOf(event);
    if (this.#pending.has(key) || !this.#isTold(key, session)) this.#put(event, session);
    else if (this.#swept.size < streams.length) add(this.#outlines, key, outlineOf(event));
  }

  /** Good enough for a call that must be told, but no proof that one was told otherwise. */
  #keepForgotten(event: BusEvent, session: ShardSession): void {
    const key = callKeyOf(event);
    const pending = this.#pending.get(key);
    if (pending?.again && pending.again.entries.size > 0) this.#pending.delete(key);
    else if (pending !== undefined || !this.#isTold(key, session)) this.#put(event, session);
    else this.#forgotten.add(key);
  }

  #isTold(key: string, session: ShardSession): boolean {
    return session.offsetOf(this.#feed)?.seenEntry(key) !== undefined;
  }

  /** Whether a call that is to be told anew has not been read again yet. */
  #isUnread(call: Again | undefined, session: ShardSession): boolean {
    return call !== undefined && !streams.every(({ name }) => this.#isRead(call, name, session));
  }

  #isRead(call: Again, stream: FeedId['stream'], session: ShardSession): boolean {
    return (call.readFromMs.get(stream) ?? Infinity) <= this.#readFromMs(call, stream, session);
  }

  /** No part of a call ended before it began; what ended before its feed began is not on the bus. */
  #readFromMs({ startMs }: Again, stream: FeedId['stream'], session: ShardSession): number {
    return Math.max(floorToSecond(startMs) - ROUNDED_MS, session.offsetOf({ ...this.#feed, stream })!.originMs);
  }

  /** The event that a row is on the bus as, which may have been a correction; undefined where it is not, or not yet. */
  #asPublished(row: BusEvent, session: ShardSession): BusEvent | undefined {
    if (row.channel !== 'accepted' || row.stream === DERIVED) return undefined;
    const known = this.#entryOf(row, session);
    if (known === undefined || ![row.contentHash, CONTENT_UNKNOWN].includes(known.hash)) return undefined;
    if (known.revision === 1) return row;
    return streamNamed(row.stream).revise(row, { ...known, revision: known.revision - 1 });
  }

  #entryOf(row: BusEvent, session: ShardSession): SeenEntry | undefined {
    return this.#feedOf(row, session).seenEntry(row.key)
      ?? this.#pending.get(callKeyOf(row))?.again?.entries.get(row.key);
  }

  #feedOf({ stream }: BusEvent, session: ShardSession): FeedOffset {
    return session.offsetOf({ ...this.#feed, stream })!;
  }

  #put(event: BusEvent, session: ShardSession): void {
    const key = callKeyOf(event);
    if (!this.#pending.has(key) && this.#isTold(key, session)) {
      const again = againFrom({ record: event, legs: [] }, new Map());
      this.#pending.set(key, { record: undefined, legs: new Map(), again });
    }
    const { again } = add(this.#pending, key, event);
    if (again !== undefined) again.startMs = Math.min(again.startMs, startOf(event));
  }

  /** From when on parts of calls that are to be told must be found by the next owner; Infinity if there are none. */
  #earliestMs(isTold: (key: string) => boolean, session: ShardSession): number {
    const ms = [...this.#pending].flatMap(([key, { record, legs, again }]) => {
      if (this.#isUnread(again, session)) return [again!.startMs - ROUNDED_MS];
      const parts = [...record === undefined ? [] : [record], ...legs.values()];
      return isTold(key) ? [] : parts.map(({ eventTimeMs }) => eventTimeMs);
    });
    return ms.reduce((earliest, one) => Math.min(earliest, floorToSecond(one)), Infinity);
  }
}

function againFrom(parts: CallParts, entries: Again['entries']): Again {
  return { entries, startMs: firstStartMs(parts), readFromMs: new Map() };
}

/** As their feeds know them, which may have forgotten them when they are read again. */
function entriesOf({ record, legs }: CallParts): Again['entries'] {
  const parts = [...record === undefined ? [] : [record], ...legs];
  return new Map(parts.map(({ key, eventTimeMs: timeMs, contentHash: hash, marks, value }) =>
    [key, { key, timeMs, hash, marks, revision: Number(value['revision']) }]));
}

function add(calls: Map<string, Pending>, key: string, event: BusEvent): Pending {
  const known = calls.get(key) ?? { record: undefined, legs: new Map() };
  calls.set(key, known);
  if (event.stream === 'call-records') known.record = event;
  else known.legs.set(event.key, event);
  return known;
}

interface Judged extends Verdict {
  readonly key: string;
  readonly parts: CallParts;
}
