import type { FeedId, StreamName } from '../feed/feed.ts';
import type { SeenEntry } from '../feed/offset.ts';
import type { Window } from '../feed/window.ts';
import type { Drift } from './drift.ts';

/** One record of a report as it came from 8x8: a JSON object, nothing of it checked yet. */
export type RawRow = Readonly<Record<string, unknown>>;

/** A row mapped for the bus. */
export interface BusEvent {
  /**
   * `rejected`: the row could not be mapped; `value` then says why and goes to the dead-letter topic. The others are no
   * rows, but tell of their reading (see audit.ts).
   */
  readonly channel: 'accepted' | 'rejected' | 'ledger' | 'watermarks' | 'drift' | 'calls';
  readonly stream: FeedId['stream'];
  /**
   * Names the row for ever: `pbxId/callId/legId` for a leg, `pbxId/callId` for a record, the PBX in lower case
   * (see pbx.ts); `rejected/` and a hash of the row if it was rejected. We dedupe by it.
   */
  readonly key: string;
  /** Rows that share it keep their order on the bus: `pbxId/callId`, the PBX in lower case. It is the Kafka key. */
  readonly orderingKey: string;
  /** Disconnect time, epoch milliseconds; of a rejected row the end of the window. */
  readonly eventTimeMs: number;
  /** 48 bits of a digest over everything 8x8 said of the row: equal hashes mean an identical re-read. */
  readonly contentHash: number;
  /** What its ids are made of instead, if a policy hides some of that (see privacy.ts). */
  readonly idHash?: number;
  /** Key of the pseudonyms that it may hold; a header names it. */
  readonly keyId?: string | undefined;
  /** The same field by field, so that a change can be named (see marks.ts). Empty for a rejected row. */
  readonly marks: string;
  /** How the row differs from what 8x8 documents; none of a rejected row, which says so itself. */
  readonly drift: readonly Drift[];
  /** The Avro record, without the schema. */
  readonly value: Readonly<Record<string, unknown>>;
}

/** Why a row is being read: what a mapping may know besides the row. */
export interface ReadContext {
  /** What the request asked for (see FeedId.pbxId). A row of another PBX is rejected. */
  readonly pbxId: string;
  /** For which pass (see FeedId.pass); the live one unless it says otherwise. */
  readonly pass?: string | undefined;
  readonly window: Window;
  /** When the row's page arrived, epoch milliseconds. */
  readonly observedAtMs: number;
  /** Whether a rejected row carries the whole row as JSON, personal data and all. Off unless asked for. */
  readonly rejectedPayload?: boolean | undefined;
}

/** One 8x8 report: where it is, and how its rows become events. Pure: no clock, no I/O, no chance. */
export interface Stream {
  readonly name: StreamName;
  /** Path below the API's base URL, e.g. `/v2/call-legs`. */
  readonly path: string;
  /** Optional query parameters the report understands, e.g. `isSimplified`. */
  readonly parameters: readonly string[];
  /** File in `schemas/`. */
  readonly schemaFile: string;

  /** The row's key as far as it can be told, for the source's guard against repeated pages. Never throws. */
  identify(row: RawRow): string;

  /** Never throws: a row that cannot be mapped becomes an event with `channel: 'rejected'`. */
  toEvent(row: RawRow, context: ReadContext): BusEvent;

  /** The event as a correction of what was published under its key before: its next revision. */
  revise(this: void, event: BusEvent, before: SeenEntry): BusEvent;
}
