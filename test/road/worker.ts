import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { patched, type Patch } from '../patches/patch.ts';
import { CLIENT } from '../sink/small-sink.ts';
import type { Stack } from '../stack/stack.ts';

/** A line of the connector's log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string };

/** A connector in a process of its own. */
export interface Worker {
  readonly pid: number;
  /** Ends it without a word, as a crash does. */
  kill(): Promise<void>;
  /** Asks it to stop, and resolves to its exit code. */
  stop(): Promise<number | null>;
  readonly exited: Promise<number | null>;
}

/** A running simulator's address and the account on it. */
export interface Account {
  readonly url: string;
  readonly options: {
    readonly apiKey: string;
    readonly username: string;
    readonly password: string;
    readonly pbxIds: readonly string[];
  };
}

/** Where the calls go. */
export interface Destination extends Pick<Stack, 'brokers' | 'registryUrl'> {
  readonly prefix: string;
}

/** The settings under which a connector reads `account` from a time on, at the pace of a demo. */
export function roadSettings(account: Account, { brokers, registryUrl, prefix }: Destination, fromMs: number) {
  return {
    START_FROM: new Date(fromMs).toISOString(),
    EIGHT_BASE_URL: account.url,
    EIGHT_API_KEY: account.options.apiKey,
    EIGHT_USERNAME: account.options.username,
    EIGHT_PASSWORD: account.options.password,
    EIGHT_PBX_IDS: account.options.pbxIds.join(','),
    EIGHT_REQUESTS_PER_MINUTE: '6000',
    KAFKA_BROKERS: brokers,
    SCHEMA_REGISTRY_URL: registryUrl,
    KAFKA_TOPIC_CALL_LEGS: `${prefix}.call-legs`,
    KAFKA_TOPIC_CALL_RECORDS: `${prefix}.call-records`,
    KAFKA_TOPIC_REJECTED: `${prefix}.rejected`,
    KAFKA_TOPIC_LEDGER: `${prefix}.ledger`,
    KAFKA_TOPIC_WATERMARKS: `${prefix}.watermarks`,
    KAFKA_TOPIC_DRIFT: `${prefix}.drift`,
    KAFKA_TOPIC_OFFSETS: `${prefix}.offsets`,
    KAFKA_SESSION_TIMEOUT: '6s',
    KAFKA_CLIENT: CLIENT,
    CONNECTOR_NAME: prefix,
    PACE_SETTLE: '2s',
    PACE_STEP_MIN: '1s',
    PACE_STEP_MAX: '2m',
    PACE_OVERLAP: '3s',
    PACE_LOOKBACK: '15m',
    PACE_SWEEP_EVERY: '5s',
    PACE_DEEP_SWEEPS: 'off',
    HTTP_PORT: '0',
    LOG_LEVEL: 'info',
  } as const;
}

/** The topics of rows under `prefix`, as {@link roadSettings} names them. */
export function eventTopics(prefix: string): readonly string[] {
  return [`${prefix}.call-legs`, `${prefix}.call-records`, `${prefix}.rejected`];
}

/** The topic of whole calls, for a connector that tells them. */
export function callsTopic(prefix: string): string {
  return `${prefix}.calls`;
}

/** All that a connector writes to that tells no whole calls. */
export function allTopics(prefix: string): readonly string[] {
  return [...eventTopics(prefix), `${prefix}.ledger`, `${prefix}.watermarks`, `${prefix}.drift`, `${prefix}.offsets`];
}

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;

/** How Node is to be started, as the first line of the connector says. */
export const NODE_OPTIONS: readonly string[] = readFileSync(MAIN, 'utf8').split('\n', 1)[0]!.split(' ').slice(3);

/** `patches` change the connector's source for this one process; those of the test's own process hold for it, too. */
export function startWorker(
  settings: Readonly<Record<string, string>>,
  onLine: (line: LogLine) => void,
  patches: readonly Patch[] = [],
  more: readonly string[] = [],
): Worker {
  const { args, env } = patched(patches);
  const child = spawn(process.execPath, [...NODE_OPTIONS, ...args, MAIN, 'run', ...more], {
    env: { PATH: process.env['PATH'], ...env, ...settings },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const end = (): void => void child.kill('SIGKILL');
  process.on('exit', end);
  const exited = once(child, 'exit').then(([code]) => {
    process.off('exit', end);
    return code as number | null;
  });
  createInterface({ input: child.stderr }).on('line', (text) => onLine(parseLine(text)));

  return {
    pid: child.pid!,
    exited,
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
    stop() {
      child.kill('SIGTERM');
      return exited;
    },
  };
}

/** What is not JSON is an error on its way out. */
function parseLine(text: string): LogLine {
  try {
    return JSON.parse(text);
  } catch {
    return { level: 60, msg: text };
  }
}
