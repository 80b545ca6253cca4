import { DERIVED, type FeedId } from '../feed/feed.ts';
import { digest, eventIdOf } from './digest.ts';
import { NO_DRIFT } from './drift.ts';
import type { SeenEntry } from '../feed/offset.ts';
import type { CallLeg } from './call-legs.ts';
import type { CallRecord } from './call-records.ts';
import { foldPbx } from './pbx.ts';
import type { BusEvent } from './stream.ts';

/** Which legs the `callLegCount` of a record counts: those with its call id, or also those of the offers to agents. */
export type LegCount = 'own' | 'with-children';

/** A whole call: `schemas/call.avsc`. */
export interface CallEvent {
  /** Deterministic id of this event: the same content of the same call always has the same id. */
  readonly eventId: string;
  /** Counts the versions of the call, from 1. */
  readonly revision: number;
  /** When the connector had all of it, or gave up waiting. */
  readonly observedAt: number;
  /** "live", or the name of the pass that has read it. */
  readonly pass: string;
  /** Name of the PBX the call belongs to, as 8x8 spells it. */
  readonly pbxId: string;
  /** Id of the call within its PBX. */
  readonly callId: string;
  /** "complete", or "incomplete": something was not there when the time to wait for it was over; an open set. */
  readonly state: string;
  /** What is missing: "record", "legs", or "count" if there are more legs than the record counts; an open set. */
  readonly missing: readonly string[];
  /** Legs that the record counts; null without a record. */
  readonly legCount: number | null;
  /** Calls that were made on behalf of this one, e.g. offers of a queue to agents. */
  readonly childCallIds: readonly string[];
  /** The call that was transferred to become this one; null if none was. */
  readonly transferFromCallId: string | null;
  /** The record of the call, as it was published last. */
  readonly record: CallRecord | null;
  /** Its legs in the order of their start. */
  readonly legs: readonly CallLeg[];
  /** Legs of its child calls in the order of their start. */
  readonly childLegs: readonly CallLeg[];
}

/** What is known of a call: its record, and all legs that are its own or of its child calls. */
export interface CallParts {
  readonly record: BusEvent | undefined;
  readonly legs: readonly BusEvent[];
}

/** Names the call that an event is a part of; a child call is part of the call that it was made for. */
export function callKeyOf({ value, orderingKey }: BusEvent): string {
  const { parentCallId = null } = value as { readonly parentCallId?: string | null };
  return parentCallId === null ? orderingKey : `${foldPbx(value['pbxId'] as string)}/${parentCallId}`;
}

/** By event time, epoch milliseconds. */
export interface Deadlines {
  /** Where the feeds have begun: nobody has read the first legs of a call that began before. */
  readonly originMs: number;
  /** A call that ended before, and lacks something, is told as it is. */
  readonly tellFromMs: number;
  /** One that ended before is not waited for any more. */
  readonly dropFromMs: number;
}

/** What becomes of a call. */
export interface Verdict {
  readonly tell: boolean;
  /** Whether it is still waited for. */
  readonly keep: boolean;
}

/** @param is whether the call was told before, and whether too many wait */
export function verdictOf(
  parts: CallParts,
  rule: LegCount,
  { originMs, tellFromMs, dropFromMs }: Deadlines,
  is: { readonly told: boolean; readonly excess: boolean },
): Verdict {
  if (missingOf(parts, rule).length === 0) return { tell: true, keep: false };
  const endMs = lastEndMs(parts);
  const hasBegun = firstStartMs(parts) >= originMs;
  const late = endMs < tellFromMs || is.excess;
  return { tell: late && hasBegun && !is.told, keep: hasBegun ? endMs >= dropFromMs && !is.excess : !late };
}

/** When the last part of a call ended, epoch milliseconds. */
function lastEndMs({ record, legs }: CallParts): number {
  return Math.max(record?.eventTimeMs ?? 0, ...legs.map(({ eventTimeMs }) => eventTimeMs));
}

/**
 * What a call lacks; nothing if it is complete.
 *
 * UNVERIFIED: what 8x8 counts in `callLegCount`. A live tenant with queues would show it; until then it is a setting.
 */
function missingOf(parts: CallParts, rule: LegCount): readonly string[] {
  const { record, legs } = parts;
  if (record === undefined) return ['record'];
  const counted = rule === 'own' ? legs.filter((leg) => !isChild(leg)).length : legs.length;
  const wanted = (record.value as unknown as CallRecord).callLegCount ?? counted;
  if (counted < wanted) return ['legs'];
  return counted > wanted ? ['count'] : [];
}

/** Of which feed a call is, which revision of it is next, and when it was put together. */
export interface CallContext {
  readonly feed: FeedId;
  readonly rule: LegCount;
  readonly observedAtMs: number;
}

/** The call as an event: its first revision; see {@link reviseCall}. */
export function callEvent(key: string, parts: CallParts, { feed, rule, observedAtMs }: CallContext): BusEvent {
  const { record, legs } = parts;
  const missing = missingOf(parts, rule);
  const inOrder = legs.toSorted((a, b) => startOf(a) - startOf(b) || (a.key < b.key ? -1 : 1));
  const [own, children] = [inOrder.filter((leg) => !isChild(leg)), inOrder.filter(isChild)];
  const all = [...record === undefined ? [] : [record], ...inOrder];
  const { pbxId } = all[0]!.value as { readonly pbxId: string };
  const hashOf = (of: (part: BusEvent) => number): number =>
    digest(JSON.stringify([...missing, ...all.flatMap((part) => [part.key, of(part)])])).contentHash;
  const contentHash = hashOf((part) => part.contentHash);
  const isPlain = all.every(({ idHash: of }) => of === undefined);
  const idHash = isPlain ? contentHash : hashOf((part) => part.idHash ?? part.contentHash);
  const value = {
    eventId: eventIdOf(DERIVED, key, 1, idHash),
    revision: 1,
    observedAt: observedAtMs,
    pass: feed.pass,
    pbxId,
    callId: key.slice(key.indexOf('/') + 1),
    state: missing.length === 0 ? 'complete' : 'incomplete',
    missing,
    legCount: (record?.value as CallRecord | undefined)?.callLegCount ?? null,
    childCallIds: [...new Set(children.map((leg) => leg.value['callId']))],
    transferFromCallId: own.find((leg) => leg.value['transferToCallId'] !== null)?.value['transferToCallId'] ?? null,
    record: record?.value ?? null,
    legs: own.map((leg) => leg.value),
    childLegs: children.map((leg) => leg.value),
  };
  return {
    channel: 'calls', stream: DERIVED, key, orderingKey: key, eventTimeMs: lastEndMs(parts),
    contentHash, idHash, keyId: all.find(({ keyId }) => keyId !== undefined)?.keyId, marks: '', drift: NO_DRIFT, value,
  };
}

/** As much of a part as its call is compared by: nothing in it is of a person. */
export function outlineOf(part: BusEvent): BusEvent {
  const { revision, pbxId, callId, parentCallId, transferToCallId, callLegCount, startTimeUTC } = part.value;
  return { ...part, value: { revision, pbxId, callId, parentCallId, transferToCallId, callLegCount, startTimeUTC } };
}

/** The call as it follows on what was published of it before. */
export function reviseCall(event: BusEvent, before: SeenEntry): BusEvent {
  const revision = before.revision + 1;
  const eventId = eventIdOf(DERIVED, event.key, revision, event.idHash ?? event.contentHash);
  return { ...event, value: { ...event.value, eventId, revision } };
}

function isChild({ value }: BusEvent): boolean {
  return value['parentCallId'] !== null && value['parentCallId'] !== undefined;
}

/** When the first part of a call began, epoch milliseconds. */
export function firstStartMs({ record, legs }: CallParts): number {
  return Math.min(...[...record === undefined ? [] : [record], ...legs].map(startOf));
}

/** When a part of a call began, epoch milliseconds. */
export function startOf({ value, eventTimeMs }: BusEvent): number {
  return (value['startTimeUTC'] as number | null) ?? eventTimeMs;
}
