import type { WholeTopics, ReadRecord } from '../reader/topics.ts';

/** The two reports, by the names that 8x8 gives them. */
export type Report = 'call-legs' | 'call-records';

/** A row as 8x8 sends it. */
export type Row = Readonly<Record<string, unknown>>;

/** A line of the simulator's ledger: a row that could be read when the ledger was. Times are epoch milliseconds. */
export interface LedgerRow {
  readonly report: Report;
  /** `pbxId/callId/legId` or `pbxId/callId`. */
  readonly key: string;
  readonly pbxId: string;
  readonly disconnectedTimeUTC: number;
  readonly visibleFromMs: number;
  readonly timesServed: number;
  /** When a damaged copy of this good row was shown last. */
  readonly lastDamagedMs: number | null;
  /** Nobody can map it. */
  readonly poison: boolean;
  /** Its contents, oldest first. */
  readonly revisions: readonly { readonly visibleFromMs: number; readonly timesServed: number; readonly row: Row }[];
}

/** A line of the simulator's log of answers. */
export interface AnswerLine {
  readonly number: number;
  readonly atMs: number;
  readonly endpoint: 'token' | Report;
  readonly query: Readonly<Record<string, string>>;
  readonly scrolling: boolean;
  readonly token: string | null;
  readonly status: number | 'none';
  readonly fault: string | null;
  readonly rows: number;
  readonly strange: readonly Row[];
  readonly silentUntilMs: number | null;
}

/** What must not be seen outside of events: its name, and a regular expression that finds it. */
export interface Canary {
  readonly name: string;
  readonly pattern: string;
}

/** What is to be known of a run besides what it left behind. */
export interface Run {
  readonly connector: string;
  readonly topics: Readonly<Record<Report | 'rejected' | 'ledger' | 'watermarks' | 'drift' | 'offsets', string>>
    & { /** If whole calls are wanted. */ readonly calls?: string };
  /** Topics that replays were told to put their rows in, and what rows. */
  readonly replayTopics?: Readonly<Record<string, Report>>;
  /** The environment of the workers, by the names of the README; without secrets. */
  readonly settings: Readonly<Record<string, string>>;
  /** The command that repeats the run, seed and all. */
  readonly repeat: string;
  readonly workersStarted: number;
  /** What could be read by then must be on the bus. */
  readonly drainedAtMs: number;
  /** Watermarks must have come to here, if it is known. */
  readonly caughtUpToMs?: number;
  /** How far the clocks of 8x8 and of the workers may be apart. */
  readonly skewMs: number;
  readonly tokenLifetimeS: number;
  readonly forbiddenPbxIds: readonly string[];
  /** By which time the simulated 8x8 filters call records. */
  readonly recordsFilter: 'disconnect' | 'start' | 'connect';
  readonly canaries: readonly Canary[];
}

/** All that was collected of a run. The checker knows nothing else. */
export interface Dumps extends WholeTopics {
  readonly run: Run;
  readonly ledger: readonly LedgerRow[];
  readonly answers: readonly AnswerLine[];
  /** What somebody has read who was reading all the while. */
  readonly prefix: readonly ReadRecord[];
  /** Logs, metrics and whatever else may not hold a canary, by name. */
  readonly artefacts: Readonly<Record<string, string>>;
}
