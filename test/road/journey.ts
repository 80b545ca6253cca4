import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { startSimulator, type Simulator } from '../../src/simulator/work-analytics.ts';
import { followTopics, type Following, type ReadRecord } from '../reader/topics.ts';
import { startStack, type Stack } from '../stack/stack.ts';
import { judge, readLedger, type Verdict } from './verdict.ts';
import { eventTopics, roadSettings, startWorker, type LogLine, type Worker } from './worker.ts';

type SimulatorSettings = NonNullable<Parameters<typeof startSimulator>[0]>;

export interface JourneyOptions {
  readonly simulator?: SimulatorSettings;
  readonly settings?: Readonly<Record<string, string>>;
  /** A broker of its own, for a test that crashes it. */
  readonly ownBroker?: boolean;
}

/** The whole road on real parts: a phone system, connectors in processes of their own, a Kafka, and a reader. */
export interface Journey {
  readonly stack: Stack;
  readonly account: Simulator;
  /** What the names of its topics begin with. */
  readonly prefix: string;
  /** All that the workers have logged so far. */
  readonly lines: readonly LogLine[];
  /** All that the reader has read so far. */
  readonly records: readonly ReadRecord[];
  start(settings?: Readonly<Record<string, string>>): Worker;
  /** Resolves with the first line for which `matches` holds, of those already logged or still to come. */
  line(matches: (line: LogLine) => boolean): Promise<LogLine>;
  /** Ends the faults, waits until all that 8x8 shows by now is on the bus, stops all, and judges. */
  settle(): Promise<Verdict>;
  close(): Promise<void>;
}

const HISTORY_MS = 10 * 60_000;
const WAIT_MAX_MS = 90_000;

export async function openJourney(options: JourneyOptions = {}): Promise<Journey> {
  const stack = await startStack({ ownBroker: options.ownBroker ?? false });
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
    await stack.stop();
  };

  return {
    stack,
    account,
    prefix,
    lines,
    records,
    line,
    close,
    start(settings = {}) {
      const all = { ...roadSettings(account, { ...stack, prefix }, fromMs), ...options.settings, ...settings };
      const worker = startWorker(all, (entry) => lines.push({ ...entry, worker: worker.pid }));
      workers.push(worker);
      return worker;
    },
    async settle() {
      account.setFaults(false);
      await line(({ msg }) => msg === 'shards owned'); // from then on the topics are there
      reader = await followTopics(stack, eventTopics(prefix), (record) => records.push(record));
      const rows = await readLedger(account.origin, fromMs, Date.now());
      const startedMs = Date.now();
      while (Date.now() < startedMs + WAIT_MAX_MS && judge(rows, records).lost.length > 0) await sleep(250);
      for (const worker of workers) await worker.stop();
      await sleep(500);
      return judge(rows, records);
    },
  };
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
