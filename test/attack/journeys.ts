import { setTimeout as sleep } from 'node:timers/promises';
import { STANDARD_FAULTS, STANDARD_POISON_SHARE } from '../../src/simulator/faults.ts';
import { Random } from '../../src/simulator/random.ts';
import { openJourney, type Journey, type JourneyOptions } from '../road/journey.ts';
import type { Judgement } from '../road/verdict.ts';
import type { LogLine, Worker } from '../road/worker.ts';
import { planBlows, type Blow, type Struck } from './blows.ts';
import { failpoint, REACHED } from './failpoints.ts';
import { withLog } from './kept-log.ts';
import { commitsOf, recoveriesMs, shardsOf, type Loss } from './recovery.ts';

/** The least that the connector takes; brokers refuse less by default. */
export const SESSION_TIMEOUT_MS = 6_000;

/** A stop is at its end by then, or the connector ends itself. */
const STOP_MAX_MS = 10_000;
/** Joining a group with a dead member takes a session timeout, and the way to a failpoint a second or two. */
const REACH_MAX_MS = 20_000;
const RESTART_MS = 500;

/** What came of a journey under blows. */
export interface RoadAttack {
  readonly verdict: Judgement;
  /** For each blow, milliseconds to the next commit of each shard that it struck and no other blow did before. */
  readonly recoveries: readonly (readonly [kind: Struck, milliseconds: readonly number[]])[];
}

/**
 * One journey of two workers under blows, all of it by seed: its calls, its faults, its blows. What the blows meet is
 * up to the machine, so a seed repeats the attack, not each step of the defence.
 */
export async function attackRoad(
  { seed, blows }: { readonly seed: number; readonly blows: number },
  onBlow: (kind: Struck) => void = () => undefined,
): Promise<RoadAttack> {
  const { simulator, settings } = worldOf(seed);
  const journey = await openJourney({ ownBroker: true, simulator, settings });
  const crew = new Crew(journey);
  const losses: Loss<Struck>[] = [];
  try {
    await crew.begin();
    for (const blow of planBlows(seed, blows)) {
      await sleep(blow.afterMs);
      const loss = await strike(journey, crew, blow);
      losses.push(loss);
      onBlow(loss.kind);
    }
    crew.stand();
    const settled = await journey.settle();
    const complaints = [...settled.complaints, ...crew.complaints];
    const verdict = await withLog({ ...settled, complaints }, journey.lines, { seed, losses });
    const commits = await commitsOf(journey);
    const recoveries = losses.map((loss) => [loss.kind, recoveriesMs(loss, losses, commits)] as const);
    return { verdict, recoveries };
  } finally {
    await journey.close();
  }
}

/** Every standard fault; but a row that was damaged once is read again only if the lookback still covers it. */
function worldOf(seed: number) {
  const random = new Random(seed ^ 0x5eed);
  // With the shorter one, keys are forgotten while blows fall; the other covers history and journey.
  const lookback = random.pick(['2m', '15m']);
  const probabilities = { ...STANDARD_FAULTS.probabilities, ...(lookback === '2m' ? { 'damaged-row': 0 } : {}) };
  return {
    simulator: {
      seed,
      pbxIds: ['acme', 'globex', 'initech', 'umbrella'],
      tokenLifetimeS: random.pick([10, 1_800]),
      faults: { seed, probabilities },
      poisonShare: STANDARD_POISON_SHARE,
    },
    settings: {
      KAFKA_SESSION_TIMEOUT: `${SESSION_TIMEOUT_MS}ms`,
      KAFKA_COMPRESSION: random.pick(['none', 'gzip']),
      EIGHT_PAGE_SIZE: '50',
      EIGHT_REQUEST_TIMEOUT: '5s',
      PACE_STEP_MAX: random.pick(['1m', '10m']),
      PACE_LOOKBACK: lookback,
    },
  } satisfies Pick<JourneyOptions, 'simulator' | 'settings'>;
}

/** Strikes, mends, and tells which shards have lost their owner, and when. */
async function strike(journey: Journey, crew: Crew, blow: Blow): Promise<Loss<Struck>> {
  const { kind, lastsMs } = blow;
  const { broker } = journey.stack;
  const all = crew.members.flatMap((worker) => shardsOf(journey, worker));
  const member = crew.members[blow.victim]!;
  const shards = shardsOf(journey, member);
  const atMs = Date.now();
  switch (kind) {
    case 'kill':
      await member.kill();
      crew.replace(blow.victim);
      return { kind, atMs, shards };
    case 'stop':
      await crew.stop(blow.victim);
      return { kind, atMs, shards };
    case 'pause':
      process.kill(member.pid, 'SIGSTOP');
      await sleep(SESSION_TIMEOUT_MS + lastsMs);
      process.kill(member.pid, 'SIGCONT');
      return { kind, atMs, shards };
    case 'broker killed':
    case 'broker stopped':
      await (kind === 'broker killed' ? broker!.kill() : broker!.stop());
      await sleep(lastsMs);
      await broker!.start();
      return { kind, atMs, fromMs: Date.now(), shards: all };
    case 'failpoint':
      return crew.dieAt(blow);
  }
}

/** Two workers, as something that starts workers again keeps them up. */
class Crew {
  readonly complaints: string[] = [];
  readonly #journey: Journey;
  readonly #members: Worker[] = [];
  readonly #told = new Set<Worker>();

  constructor(journey: Journey) {
    this.#journey = journey;
  }

  get members(): readonly Worker[] {
    return this.#members;
  }

  async begin(): Promise<void> {
    this.replace(0);
    this.replace(1);
    await this.#journey.line(({ msg }) => msg === 'polled');
  }

  replace(place: number): void {
    const worker = (this.#members[place] = this.#journey.start());
    void worker.exited.then((code) => {
      if (code === null || this.#told.has(worker)) return; // null: killed
      this.#wonderAbout(worker, code);
      setTimeout(() => this.replace(place), RESTART_MS);
    });
  }

  /** From now on the two may end, and are not started again. */
  stand(): void {
    for (const worker of this.#members) this.#told.add(worker);
  }

  /** A new one starts only when the old one has ended, so that the time is that of a takeover by the other worker. */
  async stop(place: number): Promise<void> {
    const worker = this.#members[place]!;
    const late = sleep(STOP_MAX_MS, 'late' as const, { ref: false });
    this.#told.add(worker);
    const code = await Promise.race([worker.stop(), late]);
    // Node ends a process by itself that is asked to before it has come to its first line.
    const unborn = code === null && !this.#journey.lines.some((line) => line['worker'] === worker.pid);
    if (code !== 0 && !unborn) this.complaints.push(`a stop ended with ${code}: ${this.#lastWords(worker)}`);
    this.replace(place);
  }

  /** A third worker joins, and dies at a failpoint. If nothing leads it there, it is killed wherever it is. */
  async dieAt({ place, nth }: Blow): Promise<Loss<Struck>> {
    const { start, line } = this.#journey;
    const worker = start({}, failpoint(place, 'kill', nth));
    const ofIts = (msg: string) => (entry: LogLine): boolean => entry['worker'] === worker.pid && entry.msg === msg;
    if (place.phase === 'stopping') {
      void line(ofIts('polled')).then(() => worker.stop()).catch(() => undefined);
    }
    const late = sleep(REACH_MAX_MS, 'late' as const, { ref: false });
    const code = await Promise.race([worker.exited, late]);
    if (typeof code === 'number') this.#wonderAbout(worker, code);
    const atMs = Date.now();
    await worker.kill();
    await sleep(50); // its last words
    const reached = this.#journey.lines.some(ofIts(REACHED));
    const kind = typeof code === 'number' ? 'failed start' : reached ? 'failpoint' : 'kill';
    return { kind, atMs, shards: shardsOf(this.#journey, worker) };
  }

  /** At its start any error ends a worker, so that a mistake is seen at once; from then on it must heal. */
  #wonderAbout(worker: Worker, code: number): void {
    const { lines } = this.#journey;
    const began = lines.some((line) => line['worker'] === worker.pid && line.msg === 'shards owned');
    const unreachable = code === 3 || code === 4;
    if (began || !unreachable) this.complaints.push(`a worker ended with ${code}: ${this.#lastWords(worker)}`);
  }

  #lastWords({ pid }: Worker): string {
    return JSON.stringify(this.#journey.lines.filter(({ worker }) => worker === pid).slice(-2));
  }
}
