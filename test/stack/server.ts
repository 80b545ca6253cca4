import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { JAVA, SMALL_JVM } from './java.ts';

const READY_MAX_MS = 60_000;
const ASK_EVERY_MS = 100;
const STOP_MAX_MS = 20_000;
const LOG_TAIL_LINES = 25;

/**
 * Runs Java and ends it when we end, however we end: `read` sees the end of our pipe even when we are killed
 * with SIGKILL, where no handler of ours would run. Then nobody is left to look at the data, so it goes too.
 */
const SUPERVISOR = `
directory=$1; shift
exec 3<&0
"$@" 3<&- </dev/null >>"$directory/server.log" 2>&1 &
java=$!
{ read -r _ <&3; : >"$directory/orphaned"; kill -9 "$java"; } >/dev/null 2>&1 &
watcher=$!
echo "$java"
wait "$java"
if [ -e "$directory/orphaned" ]; then rm -rf "$directory"; else kill "$watcher"; fi
`;

/** One Java server and its directory. It may be killed and started again; `remove` is the end of both. */
export class Server {
  readonly name: string;
  readonly directory: string;
  readonly #java: readonly string[];
  #supervisor: ChildProcess | undefined;
  #pid: number | undefined;

  private constructor(name: string, directory: string, java: readonly string[]) {
    this.name = name;
    this.directory = directory;
    this.#java = java;
  }

  /** `java` are the arguments of Java; they may depend on the directory, which is made here. */
  static async create(name: string, java: (directory: string) => Promise<readonly string[]>): Promise<Server> {
    const directory = await mkdtemp(join(tmpdir(), `8x8-stack-${name}-`));
    return new Server(name, directory, await java(directory));
  }

  /** Of Java itself; undefined while it does not run. */
  get pid(): number | undefined {
    return this.#pid;
  }

  /** Resolves when `isReady` has answered true; fails when Java ends before that, or takes too long. */
  async start(isReady: () => Promise<boolean>): Promise<void> {
    if (this.#pid !== undefined) return;
    // Its own session: Ctrl-C in a terminal must reach us, who stop the servers last, and not them.
    const supervisor = spawn('sh', ['-c', SUPERVISOR, 'sh', this.directory, JAVA, ...SMALL_JVM, ...this.#java], {
      stdio: ['pipe', 'pipe', 'ignore'],
      detached: true,
    });
    this.#supervisor = supervisor;
    supervisor.once('exit', () => (this.#pid = undefined));
    const [line] = (await once(createInterface({ input: supervisor.stdout }), 'line')) as [string];
    this.#pid = Number(line);
    const deadline = performance.now() + READY_MAX_MS;
    while (!(await isReady())) {
      if (this.#pid === undefined) throw await this.#failure('ended while it was starting');
      if (performance.now() > deadline) {
        await this.kill();
        throw await this.#failure(`was not ready within ${READY_MAX_MS / 1000} s`);
      }
      await sleep(ASK_EVERY_MS);
    }
  }

  /** SIGTERM: the server finishes what it has in hand. */
  async stop(): Promise<void> {
    const force = setTimeout(() => void this.kill(), STOP_MAX_MS);
    await this.#end('SIGTERM');
    clearTimeout(force);
  }

  /** SIGKILL: a crash. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** The data is thrown away, so there is nothing to wait for. */
  async remove(): Promise<void> {
    await this.kill();
    await rm(this.directory, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#pid === undefined || this.#supervisor === undefined) return;
    const exit = once(this.#supervisor, 'exit');
    try {
      process.kill(this.#pid, signal);
    } catch {
      // It has just ended by itself, which is what was wanted.
    }
    await exit;
  }

  async #failure(what: string): Promise<Error> {
    const log = await readFile(join(this.directory, 'server.log'), 'utf8').catch(() => '');
    const tail = log.trimEnd().split('\n').slice(-LOG_TAIL_LINES).join('\n');
    return new Error(`The ${this.name} ${what}. The end of its log:\n${tail}`);
  }
}
