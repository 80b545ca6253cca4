import { feedName } from '../../src/feed/feed.ts';
import { hashNumbers, Random } from '../../src/simulator/random.ts';
import { streams } from '../../src/streams/index.ts';
import type { Feed } from '../../src/worker/poll.ts';
import { runWorker } from '../../src/worker/worker.ts';
import { Blows } from './blows.ts';
import { Host } from './host.ts';
import { drawPlan, type WorldPlan } from './plan.ts';
import { count, createTrace, type Trace } from './trace.ts';
import { Truth } from './truth.ts';
import { VirtualTime } from './virtual-time.ts';
import { WorldBus } from './world-bus.ts';
import { WorldSource } from './world-source.ts';

/** What is left of a world when it is over: all that the promises are checked against. */
export interface Outcome {
  readonly plan: WorldPlan;
  readonly feeds: readonly Feed[];
  readonly truth: Truth;
  readonly trace: Trace;
  /** Where the workers that were started would have begun. */
  readonly origins: ReadonlySet<number>;
  /** What ended a worker although nobody had stopped it. */
  readonly crashes: readonly unknown[];
  /** Sleeps of workers that have stopped cleanly. */
  readonly sleepersLeft: number;
}

/** A worker on its host. */
export interface RunningWorker {
  readonly host: Host;
  /** Stops it cleanly. */
  readonly stop: () => void;
  readonly ended: Promise<void>;
}

/**
 * The whole connector but its two edges: the real worker, loops, polls and offsets, on a memory sink and the
 * simulator's phone system, in virtual time, with everything going wrong that a seed can think of.
 */
export class World {
  readonly plan: WorldPlan;
  readonly time: VirtualTime;
  readonly trace = createTrace();
  readonly truth: Truth;
  readonly source: WorldSource;
  readonly bus: WorldBus;
  readonly feeds: readonly Feed[];
  readonly workers = new Set<RunningWorker>();
  readonly #origins = new Set<number>();
  readonly #crashes: unknown[] = [];
  readonly #random: Random;
  #hostNumber = 0;

  constructor(seed: number) {
    this.plan = drawPlan(seed);
    this.time = new VirtualTime(this.plan.startMs);
    this.truth = new Truth(this.plan);
    this.source = new WorldSource(this.plan, this.truth, this.trace);
    this.bus = new WorldBus(this.plan, this.time, this.trace);
    this.#random = new Random(hashNumbers([seed, 4]));
    const { pace, originMs } = this.plan;
    this.feeds = streams.flatMap((stream) => this.plan.requests.map((pbxId) =>
      ({ id: { stream: stream.name, pbxId, pass: 'live' }, stream, pace, originMs, rejectedPayload: false })));
  }

  /** Starts a worker on a new host. It may be configured otherwise than the one before: later, longer. */
  start(): void {
    const host = new Host((this.#hostNumber += 1), this.time);
    const stop = new AbortController();
    const { pace } = this.plan;
    // "24h ago" means another moment now; where a feed has begun, that must not matter.
    const originMs = this.plan.originMs + Math.floor((this.time.nowMs() - this.plan.startMs) / 1_000) * 1_000;
    this.#origins.add(originMs);
    const longer = { ...pace, lookbackMs: pace.lookbackMs * this.#random.pick([1, 1, 2]) };
    if (longer.lookbackMs > pace.lookbackMs) count(this.trace, 'lookback-raised');
    const ended = runWorker({
      feeds: this.feeds.map((feed) => ({ ...feed, pace: longer, originMs })),
      source: this.source.of(host),
      sink: this.bus.of(host),
      clock: host,
      random: () => this.#random.next(),
      listen: () => undefined,
    }, stop.signal).catch((error: unknown) => void this.#crashes.push(error));
    this.workers.add({ host, ended, stop: () => stop.abort(new Error('stopped')) });
  }

  /** Lives through everything and says what is left. */
  async live(): Promise<Outcome> {
    const { plan, time, trace, truth, feeds } = this;
    for (let host = 0; host < plan.hostCount; host += 1) this.start();
    const blows = new Blows(this);
    await time.advanceTo(plan.healMs);
    blows.heal();
    await time.advanceTo(plan.endMs);

    const workers = [...this.workers];
    for (const { stop } of workers) stop();
    await time.advanceTo(plan.endMs + 60_000);
    const sleepersLeft = workers.reduce((sum, { host }) => sum + host.sleeping, 0);
    return { plan, feeds, truth, trace, origins: this.#origins, crashes: this.#crashes, sleepersLeft };
  }
}

/** Everything that became visible, and when, in one text: equal worlds have equal ones. */
export function fingerprint({ trace }: Outcome): string {
  return trace.commits
    .map(({ atMs, epoch, feed, events, step }) =>
      [atMs, epoch, feedName(feed), step.watermarkMs, ...events.map(({ value }) => value['eventId'])].join(' '))
    .join('\n');
}
