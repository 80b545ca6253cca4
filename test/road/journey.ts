import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { startSimulator, type Simulator } from '../../src/simulator/work-analytics.ts';
import { followTopics, type Following, type ReadRecord } from '../reader/topics.ts';
import { checkJourney, type CheckOptions } from '../checker/journey.ts';
import type { Deed, Frame, Proxy } from '../attack/proxy.ts';
import { startProxiedStack } from '../attack/proxy-stack.ts';
import type { Patch } from '../patches/patch.ts';
import { startStack, type Stack } from '../stack/stack.ts';
import { judge, readLedger, type Judgement, type Verdict } from './verdict.ts';
import { callsTopic, eventTopics, roadSettings, startWorker, type LogLine, type Worker } from './worker.ts';

type SimulatorSettings = NonNullable<Parameters<typeof startSimulator>[0]>;

export interface JourneyOptions {
  readonly simulator?: SimulatorSettings;
  readonly settings?: Readonly<Record<string, string>>;
  /** Whether whole calls are told, too. */
  readonly calls?: boolean;
  /** A broker of its own, for a test that crashes it. */
  readonly ownBroker?: boolean;
  /** Decides what the network between the connector and a broker of its own does to a request. */
  readonly network?: (frame: Frame) => Deed | undefined;
  /** Servers that run already, and go on when the journey has ended. */
  readonly stack?: Stack;
}

/** The whole road on real parts: a phone system, connectors in processes of their own, a Kafka, and a reader. */
export interface Journey {
  readonly stack: Stack;
  readonly account: Simulator;
  /** With {@link JourneyOptions.network}. */
  readonly proxy: Proxy | undefined;
  /** What the names of its topics begin with. */
  readonly prefix: string;
  /** Of its connector, as a person has them who is at the broker itself. */
  readonly settings: Readonly<Record<string, string>>;
  /** All that the workers have logged so far. */
  readonly lines: readonly LogLine[];
  /** All that the reader has read so far. */
  readonly records: readonly ReadRecord[];
  /** Starts a connector; `patches` change its source, `more` are arguments of `run`. */
  start(settings?: Readonly<Record<string, string>>, patches?: readonly Patch[], more?: readonly string[]): Worker;
  /** Resolves with the first line for which `matches` holds, of those already logged or still to come. */
  line(matches: (line: LogLine) => boolean): Promise<LogLine>;
  /** Ends the faults, waits until all that 8x8 shows by now is on the bus, stops all, and compares the calls since. */
  drain(sinceMs?: number): Promise<Verdict>;
  /** Drains, and judges the journey by every invariant. */
  settle(options?: CheckOptions): Promise<Judgement>;
  close(): Promise<void>;
}

const HISTORY_MS = 10 * 60_000;
const WAIT_MAX_MS = 90_000;

export async function openJourney(options: JourneyOptions = {}): Promise<Journey> {
  const { stack, proxy } = await openServers(options);
  const account = await startSimulator({
    pbxIds: ['acme', 'globex'],
    callsPerHour: 3_000,
    historyMs: HISTORY_MS,
    latencyMs: 500,
    ...options.simulator,
  });
  const prefix = `road-${randomUUID().slice(0, 8)}`;
  const fromMs = Date.now() - HISTORY_MS;
  const workers: Worker[] = [];
  const lines: LogLine[] = [];
  const records: ReadRecord[] = [];
  let reader: Following | undefined;

  const line = async (matches: (line: LogLine) => boolean): Promise<LogLine> => {
    const startedMs = Date.now();
    while (Date.now() < startedMs + WAIT_MAX_MS) {
      const found = lines.find(matches);
      if (found !== undefined) return found;
      await sleep(20);
    }
    throw new Error(`no such line in ${WAIT_MAX_MS} ms; the last ones: ${JSON.stringify(lines.slice(-5))}`);
  };
  const close = async (): Promise<void> => {
    for (const worker of workers) await worker.kill();
    await reader?.stop();
    await account.close();
    if (options.stack === undefined) await stack.stop();
  };

  const settingsOf = (brokers: string): Readonly<Record<string, string>> =>
    ({
      ...roadSettings(account, { ...stack, brokers, prefix }, fromMs),
      ...(options.calls ? { KAFKA_TOPIC_CALLS: callsTopic(prefix) } : {}),
      ...options.settings,
    });
  const drain = async (sinceMs = fromMs): Promise<Verdict> => {
    account.setFaults(false);
    proxy?.heal();
    await line(({ msg }) => msg === 'shards owned'); // from then on the topics are there
    reader = await followTopics(stack, eventTopics(prefix), (record) => records.push(record));
    const rows = await readLedger(account.origin, sinceMs, Date.now());
    const startedMs = Date.now();
    while (Date.now() < startedMs + WAIT_MAX_MS && judge(rows, records).lost.length > 0) await sleep(250);
    for (const worker of workers) await worker.stop();
    await sleep(500);
    return judge(rows, records);
  };

  return {
    stack,
    account,
    proxy,
    prefix,
    get settings() {
      return settingsOf(stack.brokers);
    },
    lines,
    records,
    line,
    close,
    start(settings = {}, patches = [], more = []) {
      const brokers = proxy === undefined ? stack.brokers : `127.0.0.1:${proxy.port}`;
      const all = { ...settingsOf(brokers), ...settings };
      const worker = startWorker(all, (entry) => lines.push({ ...entry, worker: worker.pid }), patches, more);
      workers.push(worker);
      return worker;
    },
    drain,
    async settle(check) {
      const drainedAtMs = Date.now();
      const verdict = await drain();
      const settings = settingsOf(stack.brokers);
      const journey = { stack, account, prefix, settings, lines, records, fromMs, drainedAtMs };
      return { ...verdict, complaints: await checkJourney(journey, check) };
    },
  };
}

async function openServers({ ownBroker = false, network, stack }: JourneyOptions): Promise<Servers> {
  if (stack !== undefined) return { stack, proxy: undefined };
  if (network === undefined) return { stack: await startStack({ ownBroker }), proxy: undefined };
  const proxied = await startProxiedStack(network);
  return { stack: proxied, proxy: proxied.proxy };
}

interface Servers {
  readonly stack: Stack;
  readonly proxy: Proxy | undefined;
}

/** Opens journeys for a test file, and closes all of them at its end. */
export function closingJourneys(): { journey(options?: JourneyOptions): Promise<Journey>; closeAll(): Promise<void> } {
  const opened: Journey[] = [];
  return {
    async journey(options) {
      const journey = await openJourney(options);
      opened.push(journey);
      return journey;
    },
    async closeAll() {
      for (const journey of opened) await journey.close();
    },
  };
}
