import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Journey } from '../road/journey.ts';
import { JAVA, SMALL_JVM } from '../stack/java.ts';

/** An example as a user starts it: a process of its own. */
export interface Example {
  /** Its standard output so far. */
  readonly lines: readonly string[];
  readonly exited: Promise<number | null>;
  /** Ends it, if it still runs. */
  kill(): Promise<number | null>;
  /** Asks it to stop, and resolves to its exit code. */
  stop(): Promise<number | null>;
}

const WAIT_MAX_MS = 90_000;

/** Starts `command` with the variables that all examples read. What it says on standard error is shown. */
export function startExample(
  { stack, prefix }: Journey,
  command: readonly [string, ...string[]],
  env: Readonly<Record<string, string>> = {},
): Example {
  const [program, ...args] = command;
  const where = { KAFKA_BROKERS: stack.brokers, SCHEMA_REGISTRY_URL: stack.registryUrl, TOPICS: prefix };
  const child = spawn(program, args, {
    env: { PATH: process.env['PATH'], ...where, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const end = (): void => void child.kill('SIGKILL');
  process.on('exit', end);
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  const exited = once(child, 'close').then(([code]) => {
    process.off('exit', end);
    return code as number | null;
  });
  return {
    lines,
    exited,
    kill() {
      end();
      return exited;
    },
    stop() {
      child.kill('SIGTERM');
      return exited;
    },
  };
}

/** How a file of this folder is run as a program of Java, which compiles it first. */
export function javaCommand(classpath: string, file: string, ...args: readonly string[]): [string, ...string[]] {
  const options = ['-Xmx384m', ...SMALL_JVM, '-Dorg.slf4j.simpleLogger.defaultLogLevel=error', '-cp', classpath];
  return [JAVA, ...options, fileOf(file), ...args];
}

/** Waits until what was found is enough; the last finding is the answer, be it enough or not. */
export async function settled<T>(find: () => T | Promise<T>, isEnough: (found: T) => boolean): Promise<T> {
  const startedMs = Date.now();
  let found = await find();
  while (!isEnough(found) && Date.now() < startedMs + WAIT_MAX_MS) {
    await sleep(500);
    found = await find();
  }
  return found;
}

/** The path of a file in this folder. */
export function fileOf(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}
