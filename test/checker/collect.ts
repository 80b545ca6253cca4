import { readWholeTopics, type ReadRecord, type Where } from '../reader/topics.ts';
import type { AnswerLine, Canary, Dumps, LedgerRow, Run } from './dumps.ts';

/** A running simulator, as far as the checker knows it: its own endpoints, and what was put into it. */
export interface SimulatedAccount {
  readonly origin: string;
  readonly options: {
    readonly apiKey: string;
    readonly username: string;
    readonly password: string;
    readonly pbxIds: readonly string[];
    readonly forbiddenPbxIds: readonly string[];
    readonly tokenLifetimeS: number;
    readonly windowRules: { readonly recordsFilter: Run['recordsFilter'] };
  };
}

/** Where the evidence of a run is. */
export interface Sources {
  readonly stack: Where;
  readonly account: SimulatedAccount;
  readonly run: Omit<Run, 'canaries' | 'tokenLifetimeS' | 'forbiddenPbxIds' | 'recordsFilter'>;
  /** Rows that disconnect later are asked for, epoch milliseconds. */
  readonly ledgerFromMs: number;
  readonly prefix: readonly ReadRecord[];
  readonly artefacts: Readonly<Record<string, string>>;
}

const SECRETS = ['EIGHT_API_KEY', 'EIGHT_USERNAME', 'EIGHT_PASSWORD'];

/** Collects what a run has left behind, once its workers have stopped. The simulator and the servers must still run. */
export async function collect({ stack, account, run, ledgerFromMs, prefix, artefacts }: Sources): Promise<Dumps> {
  const { origin, options } = account;
  const span = `from=${ledgerFromMs}&to=${Number.MAX_SAFE_INTEGER}&rows=true`;
  const [whole, legs, records, answers] = await Promise.all([
    readWholeTopics(stack, [...Object.values(run.topics), ...Object.keys(run.replayTopics ?? {})]),
    readLines<LedgerRow>(`${origin}/simulator/ledger?report=call-legs&${span}`),
    readLines<LedgerRow>(`${origin}/simulator/ledger?report=call-records&${span}`),
    readLines<AnswerLine>(`${origin}/simulator/answers`),
  ]);
  const { forbiddenPbxIds, tokenLifetimeS, windowRules } = options;
  return {
    ...whole,
    run: {
      ...run,
      settings: Object.fromEntries(Object.entries(run.settings).filter(([name]) => !SECRETS.includes(name))),
      canaries: canariesOf(account),
      forbiddenPbxIds,
      tokenLifetimeS,
      recordsFilter: windowRules.recordsFilter,
    },
    ledger: [...legs, ...records],
    answers,
    prefix,
    artefacts,
  };
}

async function readLines<T>(url: string): Promise<readonly T[]> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: status ${response.status}`);
  return (await response.text()).split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as T);
}

/**
 * What the simulator puts into rows, tokens and scroll ids, and the secrets. A number that stands in a longer one is
 * none of ours: 13 digits of an id or a time may hold any seven.
 */
function canariesOf({ options }: SimulatedAccount): readonly Canary[] {
  const { apiKey, username, password, pbxIds } = options;
  const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return [
    { name: 'name', pattern: 'Canary ' },
    { name: 'phone number', pattern: '(?<!\\d)1555013\\d{4}(?!\\d)' },
    { name: 'secret', pattern: [apiKey, username, password].map(escape).join('|') },
    { name: 'token', pattern: 'Bearer \\w|eyJhbGciOiJSUzI1NiJ9' },
    { name: 'scroll id', pattern: pbxIds.map((pbx) => escape(scrollIdStart(pbx))).join('|') },
  ];
}

/** A scroll id is base64 of `pbx_callId_…`, and call ids begin with 1: three bytes make four characters. */
function scrollIdStart(pbx: string): string {
  const bytes = Buffer.from(`${pbx}_1`);
  return bytes.subarray(0, bytes.length - (bytes.length % 3)).toString('base64');
}
