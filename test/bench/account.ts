import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { floorToSecond } from '../../src/feed/window.ts';
import type { Account } from '../road/worker.ts';
import type { Case } from './cases.ts';

/** What the simulator of a case has. */
export interface SimulatorLoad {
  readonly pbxIds: readonly string[];
  readonly callsPerHour: number;
  readonly latencyMs: number;
  /** What is measured: from the first to before the last, epoch milliseconds. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly reports: readonly ('call-legs' | 'call-records')[];
}

/** A simulator in a process of its own. */
export interface BenchAccount extends Account, Pick<SimulatorLoad, 'fromMs' | 'toMs'> {
  /** That disconnect within the time, in the streams that are read. */
  readonly rows: number;
  end(): void;
}

const HOUR_MS = 3_600_000;
const LEGS_PER_CALL = 2.56;

/** Of a history that has ended an hour ago: no row of it comes late any more. */
export async function startAccount({ pbxs, streams, latencyMs, legs, hours }: Case): Promise<BenchAccount> {
  const toMs = floorToSecond(Date.now() - HOUR_MS);
  const load: SimulatorLoad = {
    pbxIds: pbxNames(pbxs), callsPerHour: legs / LEGS_PER_CALL / hours / pbxs, latencyMs,
    fromMs: toMs - hours * HOUR_MS, toMs, reports: streams.split(',') as SimulatorLoad['reports'],
  };
  const script = new URL('simulator.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [script, JSON.stringify(load)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  return { ...JSON.parse(line), fromMs: load.fromMs, toMs, end: () => child.stdin.end() };
}

export function pbxNames(count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => `pbx${at + 1}`);
}
