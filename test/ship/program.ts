import assert from 'node:assert/strict';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { startSimulator } from '../../src/simulator/work-analytics.ts';
import { readTopics } from '../reader/topics.ts';
import type { Said } from '../road/command.ts';
import { judge, readLedger } from '../road/verdict.ts';
import { eventTopics, roadSettings, type LogLine } from '../road/worker.ts';
import type { Stack } from '../stack/stack.ts';

/** The connector as it was shipped: what to start, and the arguments before those of its commands. */
export interface Program {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
}

type Environment = Readonly<Record<string, string>>;

/** Runs it to its end, in an environment that has little else. */
export function say(program: Program, args: readonly string[], env: Environment = {}): Promise<Said> {
  const { file, cwd } = program;
  return new Promise((resolve) => {
    execFile(file, [...program.args, ...args], { cwd, env: { PATH: process.env['PATH'], ...env } },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }));
  });
}

/** Starts it, and ends it with the test's process at the latest. */
export function begin(program: Program, args: readonly string[], env: Environment = {}): ChildProcess {
  const { file, cwd } = program;
  const child = spawn(file, [...program.args, ...args], { cwd, env: { PATH: process.env['PATH'], ...env } });
  process.on('exit', () => child.kill('SIGKILL'));
  return child;
}

const HISTORY_MS = 10 * 60_000;
const FEEDS = 4; // two streams of the simulator's two PBXs

/**
 * Has it read ten minutes of a simulated 8x8, and stops it: every row that was shown is on the real Kafka once, nothing
 * but log lines was said, and it ends with 0. `during` is asked while it runs.
 */
export async function publishes(
  program: Program,
  stack: Stack,
  settings: Environment,
  during: (url: string) => Promise<void> = async () => undefined,
): Promise<void> {
  const account = await startSimulator({ callsPerHour: 2_000, historyMs: HISTORY_MS, latencyMs: 500 });
  const prefix = `ship-${randomUUID().slice(0, 8)}`;
  const fromMs = Date.now() - HISTORY_MS;
  const lines: LogLine[] = [];
  try {
    const child = begin(program, ['run'], { ...roadSettings(account, { ...stack, prefix }, fromMs), ...settings });
    const exited = once(child, 'exit');
    const watermarks = new Map<unknown, number>();
    for await (const text of createInterface({ input: child.stderr! })) {
      const line = parse(text);
      lines.push(line);
      if (line.msg !== 'polled') continue;
      watermarks.set(line['feed'], Date.parse(String(line['watermark'])));
      if (watermarks.size < FEEDS || child.killed) continue;
      await during(String(lines.find(({ http }) => http !== undefined)!['http']));
      child.kill('SIGTERM');
    }
    assert.deepEqual(await exited, [0, null], JSON.stringify(lines.slice(-3)));
    const rows = await readLedger(account.origin, fromMs, Math.min(...watermarks.values()));
    const { shown, lost, doubled } = judge(rows, await readTopics(stack, eventTopics(prefix)));
    assert.deepEqual({ lost, doubled }, { lost: [], doubled: [] });
    assert.ok(shown > 100, `8x8 has shown enough to tell: ${shown}`);
  } finally {
    await account.close();
  }
}

/** Whatever is no line of the log was said by Node, or is a bug. */
function parse(text: string): LogLine {
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    assert.fail(`not a line of the log: ${text}`);
  }
}
