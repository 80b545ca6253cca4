import type { Clock } from '../clock.ts';
import { DERIVED, type FeedId } from '../feed/feed.ts';
import type { FeedOffset } from '../feed/offset.ts';
import { afterCalls, beginAt } from '../feed/step.ts';
import { takeFresh } from '../feed/seen.ts';
import { floorToSecond, memoryMs, type Pace, type Window } from '../feed/window.ts';
import type { ShardSession } from '../sink/sink.ts';
import {
  callEvent, callKeyOf, reviseCall, verdictOf, type CallParts, type Deadlines, type LegCount, type Verdict,
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
}

/** How long after its last part more of a call is waited for: one that goes on for hours shows its first legs early. */
const CALL_OPEN_MS = 24 * 3_600_000;

/** What is kept of calls that wait, in memory alone: more, and the oldest have waited long enough. */
const PENDING_MAX = 20_000;

/**
 * Puts the record and the legs of each call of a PBX together, as they are read by the two feeds of it, and tells a
 * call when all of it is there; or, when no more can be expected, that something is missing.
 *
 * What was told is remembered in an offset of its own, as keys of rows are. The parts themselves, which hold names and
 * numbers, are only in memory: who takes the shard over reads again what belongs to calls that are not told yet.
 */
export class CallDesk {
  readonly #feed: FeedId;
  readonly #rule: LegCount;
  readonly #pending = new Map<string, Pending>();
  /** Streams that were swept in this session: before, nobody knows what is there. */
  readonly #swept = new Set<string>();

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

  /** What must be read once more for calls that are not told, because the window does not reach as far. */
  lacking(id: FeedId, window: Window, session: ShardSession): Window | undefined {
    const [feed, calls] = [session.offsetOf(id)!, session.offsetOf(this.#feed)];
    if (calls === undefined || !this.needs(id)) return undefined;
    const from = Math.max(calls.watermarkMs, feed.originMs);
    return from < window.from ? { from, to: window.from } : undefined;
  }

  /** Rows that a feed has read, and those of them that were fresh, as it has published them. */
  take(rows: readonly BusEvent[], fresh: readonly BusEvent[], session: ShardSession): void {
    for (const event of fresh) if (event.channel === 'accepted') this.#put(callKeyOf(event), event);
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
      this.#keep(this.#asPublished(row, session) ?? (isOld ? row : undefined), session);
    }
  }

  /** After a window: tells what is complete, and what never will be. */
  async settle(
    { id, pace, swept }: { readonly id: FeedId; readonly pace: Pace; readonly swept: boolean },
    { session, clock }: { readonly session: ShardSession; readonly clock: Clock },
  ): Promise<CallsReport | undefined> {
    if (swept) this.#swept.add(id.stream);
    if (this.#swept.size < streams.length) return undefined;

    const upToMs = this.#upToMs(session);
    const originMs = Math.max(...this.#feeds(session).map((feed) => feed.originMs));
    const offset = session.offsetOf(this.#feed)!;
    const tellFromMs = upToMs - pace.lookbackMs;
    const deadlines = { originMs, tellFromMs, dropFromMs: tellFromMs - CALL_OPEN_MS };
    const verdicts = this.#judge(offset, deadlines);
    const context = { feed: this.#feed, rule: this.#rule, observedAtMs: clock.nowMs() };
    const events = verdicts.filter(({ tell }) => tell).map(({ key, parts }) => callEvent(key, parts, context));
    const { fresh, seen } = takeFresh(offset, events, { revise: reviseCall });

    for (const { key, keep } of verdicts) if (!keep) this.#pending.delete(key);
    const told = new Set(seen.map(({ key }) => key));
    const isTold = (key: string): boolean => told.has(key) || offset.seenEntry(key) !== undefined;
    const toMs = Math.min(tellFromMs, this.#earliestMs(isTold));
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

  /** What becomes of each call that waits, the oldest first. */
  #judge(offset: FeedOffset, deadlines: Deadlines): readonly Judged[] {
    let excess = this.#pending.size - PENDING_MAX;
    return [...this.#pending].map(([key, { record, legs }]) => {
      const parts = { record, legs: [...legs.values()] };
      excess -= 1;
      const is = { told: offset.seenEntry(key) !== undefined, excess: excess >= 0 };
      return { key, parts, ...verdictOf(parts, this.#rule, deadlines, is) };
    });
  }

  /** What is on the bus already, unless it is of a call that is told. */
  #keep(event: BusEvent | undefined, session: ShardSession): void {
    if (event === undefined) return;
    const key = callKeyOf(event);
    const isTold = session.offsetOf(this.#feed)?.seenEntry(key) !== undefined;
    if (this.#pending.has(key) || !isTold) this.#put(key, event);
  }

  /** The event that a row is on the bus as, which may have been a correction; undefined where its key is not known. */
  #asPublished(row: BusEvent, session: ShardSession): BusEvent | undefined {
    if (row.channel !== 'accepted' || row.stream === DERIVED) return undefined;
    const known = this.#feedOf(row, session).seenEntry(row.key);
    if (known === undefined || known.revision === 1) return known && row;
    return streamNamed(row.stream).revise(row, { ...known, revision: known.revision - 1 });
  }

  #feedOf({ stream }: BusEvent, session: ShardSession): FeedOffset {
    return session.offsetOf({ ...this.#feed, stream })!;
  }

  #put(key: string, event: BusEvent): void {
    const known = this.#pending.get(key) ?? { record: undefined, legs: new Map() };
    this.#pending.set(key, known);
    if (event.stream === 'call-records') known.record = event;
    else known.legs.set(event.key, event);
  }

  /** The end of the earliest part of a call that is not told, on a whole second; Infinity if there is none. */
  #earliestMs(isTold: (key: string) => boolean): number {
    const parts = [...this.#pending].filter(([key]) => !isTold(key))
      .flatMap(([, { record, legs }]) => [...record === undefined ? [] : [record], ...legs.values()]);
    return parts.reduce((earliest, { eventTimeMs }) => Math.min(earliest, floorToSecond(eventTimeMs)), Infinity);
  }
}

interface Judged extends Verdict {
  readonly key: string;
  readonly parts: CallParts;
}
