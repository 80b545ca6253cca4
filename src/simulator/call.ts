/** One hop of a call, in our own words; rows.ts turns it into the 49 fields of 8x8. Times are epoch milliseconds. */
export interface Leg {
  readonly legId: number;
  readonly startMs: number;
  /** 0 if the leg never connected. Voicemail, queue and menu legs do connect. */
  readonly connectMs: number;
  readonly endMs: number;
  /** Talk with a person, in milliseconds: 0 on queue, menu, voicemail and recording legs though connected. */
  readonly talkMs: number;
  readonly holdMs: number;
  /** Extension, `+E164`, or a form like `CallQueue (103)`. */
  readonly caller: string;
  readonly callerName: string;
  readonly callerId: string;
  readonly callee: string;
  readonly calleeName: string;
  readonly direction: 'Incoming' | 'Outgoing' | 'Internal';
  readonly missed: boolean;
  readonly abandoned: boolean;
  readonly answered: boolean;
  readonly cause: string;
  /** Last redirect address and its kind: 0 none, 1 extension, 2 external, 3 ring group, 4 call queue. */
  readonly lra: string;
  readonly lraType: number;
  /** `VMadvanced` for voicemail, `ACDOperatorService` for a queue, null for a person. */
  readonly service: string | null;
  readonly disposition: string;
}

/** One call of a PBX: a root call, or the offer of a queued call to an agent (then `parentCallId` is set). */
export interface Call {
  readonly callId: number;
  readonly parentCallId: number | null;
  readonly transferToCallId: number | null;
  /** Start of the call record, a few milliseconds before the first leg's. */
  readonly startMs: number;
  readonly endMs: number;
  /** The dialled number, without `+`. */
  readonly dnis: string;
  readonly sipCallId: string;
  readonly departments: readonly string[] | null;
  readonly branches: readonly string[] | null;
  readonly legs: readonly Leg[];
  /**
   * What the call record is made of. It equals `legs` but for two kinds of call: an agent offer has no
   * record (empty story), and a call that overflowed to a mobile has a record but no legs.
   */
  readonly story: readonly Leg[];
  /** The caller hung up before anyone answered. */
  readonly abandoned: boolean;
  /** Legs of the child calls; counted into `callLegCount` or not, by option. */
  readonly childLegCount: number;
}

/** A party of a call. `number` is an extension or `+E164`. */
export interface Party {
  readonly number: string;
  readonly name: string;
}
