import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReadRecord, Where } from '../reader/topics.ts';
import { check, type InvariantId } from './check.ts';
import { collect, type SimulatedAccount } from './collect.ts';
import type { Run } from './dumps.ts';
import { writeDumps } from './directory.ts';
import { complaintsOf, OPTIONAL } from './report.ts';

/** A road test or an attack whose workers have stopped, and whose servers and simulator still run. */
export interface FinishedJourney {
  readonly stack: Where;
  readonly account: SimulatedAccount;
  /** Name of the connector, and what the names of its topics begin with. */
  readonly prefix: string;
  /** The environment of its workers; where they differed, what promises least. */
  readonly settings: Readonly<Record<string, string>>;
  /** All that the workers have logged. */
  readonly lines: readonly { readonly msg: string }[];
  /** What a reader beside the journey has read, in the order in which it came. */
  readonly records: readonly ReadRecord[];
  /** START_FROM, epoch milliseconds. */
  readonly fromMs: number;
  /** What could be read by then must be on the bus. */
  readonly drainedAtMs: number;
}

export interface CheckOptions {
  /** The command that repeats the journey. */
  readonly repeat?: string;
  /** Watermarks must have come to here. */
  readonly caughtUpToMs?: number;
  /** How far the clocks of workers and simulator were apart. */
  readonly skewMs?: number;
  /** Looked at for canaries besides the log and the topics, by name. */
  readonly artefacts?: Readonly<Record<string, string>>;
  /** Topics that replays were told to put their rows in, and what rows. */
  readonly replayTopics?: Run['replayTopics'];
  /** Invariants that the journey itself has broken on purpose, as a vandal of the offsets topic does. */
  readonly except?: readonly InvariantId[];
}

/** Calls are found that have ended so long before the journey begins: none of them may be published. */
const LOOK_BEHIND_MS = 3 * 3_600_000;

/** Off, as long as no setting names it. */
function callsTopic({ KAFKA_TOPIC_CALLS: calls = 'off' }: FinishedJourney['settings']): { readonly calls?: string } {
  return calls === 'off' ? {} : { calls };
}

/**
 * Judges a journey by every invariant, in a few seconds.
 *
 * @returns what speaks against it, a line each, and then where the evidence lies; nothing if all holds.
 */
export async function checkJourney(journey: FinishedJourney, options: CheckOptions = {}): Promise<readonly string[]> {
  const { prefix, settings, lines, records, drainedAtMs, fromMs } = journey;
  const { repeat = process.argv.join(' '), skewMs = 0, artefacts = {}, except = [] } = options;
  const { caughtUpToMs, replayTopics } = options;
  const dumps = await collect({
    stack: journey.stack,
    account: journey.account,
    run: {
      connector: prefix,
      topics: {
        'call-legs': `${prefix}.call-legs`,
        'call-records': `${prefix}.call-records`,
        rejected: `${prefix}.rejected`,
        ledger: `${prefix}.ledger`,
        watermarks: `${prefix}.watermarks`,
        drift: `${prefix}.drift`,
        offsets: `${prefix}.offsets`,
        ...callsTopic(settings),
      },
      settings,
      ...(replayTopics === undefined ? {} : { replayTopics }),
      repeat,
      workersStarted: lines.filter(({ msg }) => msg === 'starting').length,
      drainedAtMs,
      ...(caughtUpToMs === undefined ? {} : { caughtUpToMs }),
      skewMs,
    },
    ledgerFromMs: fromMs - LOOK_BEHIND_MS,
    prefix: records,
    artefacts: { log: lines.map((line) => `${JSON.stringify(line)}\n`).join(''), ...artefacts },
  });
  const verdicts = check(dumps).filter(({ id }) => !except.includes(id));
  const complaints = complaintsOf(verdicts, OPTIONAL);
  if (complaints.length === 0) return [];
  const directory = await mkdtemp(join(tmpdir(), '8x8-evidence-'));
  await writeDumps(directory, dumps);
  return [...complaints, `look at it with: node test/checker/main.ts ${directory}`];
}
