import type { ErrorCode } from '../../src/errors.ts';
import type { AutoLimits } from '../../src/feed/auto-pace.ts';
import { feedName } from '../../src/feed/feed.ts';
import type { Pace } from '../../src/feed/window.ts';
import { hashNumbers, Random } from '../../src/simulator/random.ts';
import { createWorkAnalytics } from '../../src/source/work-analytics.ts';
import { streams } from '../../src/streams/index.ts';
import type { Feed } from '../../src/worker/poll.ts';
import { runWorker, type WorkerEvent } from '../../src/worker/worker.ts';
import { Blows } from './blows.ts';
import { Host } from './host.ts';
import { Person } from './passes.ts';
import { drawPlan, type WorldPlan } from './plan.ts';
import { count, createTrace, type Trace, type Trouble } from './trace.ts';
import { Truth } from './truth.ts';
import { settle, VirtualTime } from './virtual-time.ts';
import { Wire } from './wire.ts';
import { BASE_URL, credentials, WorldApi } from './world-api.ts';
import { WorldBus } from './world-bus.ts';

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
 * The whole connector but its two outermost edges: the real source, worker, loops, polls and offsets, on a wire and
 * a bus of our own, in virtual time, with everything going wrong that a seed can think of.
 */
export class World {
  readonly plan: WorldPlan;
  readonly time: VirtualTime;
  readonly trace = createTrace();
  readonly truth: Truth;
  readonly api: WorldApi;
  readonly wire: Wire;
  readonly bus: WorldBus;
  readonly feeds: readonly Feed[];
  readonly workers = new Set<RunningWorker>();
  readonly #origins = new Set<number>();
  readonly #crashes: unknown[] = [];
  readonly #stops: (() => void)[] = [];
  readonly #random: Random;
  #hostNumber = 0;

  constructor(seed: number) {
    this.plan = drawPlan(seed);
    this.time = new VirtualTime(this.plan.startMs);
    this.truth = new Truth(this.plan);
    this.api = new WorldApi(this.plan, this.time, this.truth, this.trace);
    this.wire = new Wire(this.plan, this.time, this.trace, (asked) => this.api.answer(asked));
    this.bus = new WorldBus(this.plan, this.time, this.trace);
    this.#random = new Random(hashNumbers([seed, 4]));
    const { pace, originMs, legCount: callLegCount } = this.plan;
    this.feeds = streams.flatMap((stream) => this.plan.requests.map((pbxId) => {
      const id = { stream: stream.name, pbxId, pass: 'live' };
      return { id, stream, pace, originMs, callLegCount, rejectedPayload: false };
    }));
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
    const source = this.#sourceOf(host);
    const ended = runWorker({
      feeds: this.feeds.map((feed) => ({ ...feed, pace: longer, auto: this.#autoOf(longer), originMs })),
      source,
      sink: this.bus.of(host),
      clock: host,
      groupMax: this.plan.groupMax,
      random: () => this.#random.next(),
      listen: (event) => {
        if (event.kind === 'shards-owned') source.setShare(event.shards.size / event.of);
        if (event.kind === 'poll-failed') this.#countFailure(event);
        if (event.kind === 'polled' && event.report.adapted !== undefined) count(this.trace, 'pace-adapted');
      },
    }, stop.signal).catch((error: unknown) => void this.#crashes.push(error));
    const worker = { host, ended, stop: () => stop.abort(new Error('stopped')) };
    this.#stops.push(worker.stop);
    this.workers.add(worker);
  }

  /** Each worker has bounds of its own, and makes up its mind by few rows: there are not many in a world. */
  #autoOf(pace: Pace): AutoLimits | undefined {
    if (!this.plan.auto) return undefined;
    const { settleMs, lookbackMs } = this.plan.pace;
    const caution = { delays: 3, rows: 5, sweeps: 0, shrinkEveryMs: 5 * 60_000 };
    const settle = { settleMinMs: 0, settleMaxMs: settleMs };
    return { pace, caution, ...settle, lookbackMinMs: lookbackMs, lookbackMaxMs: 2 * pace.lookbackMs };
  }

  #sourceOf(host: Host): ReturnType<typeof createWorkAnalytics> {
    const { pageSize, requestsPerMinute, requestTimeoutMs, bodyMaxBytes } = this.plan;
    const random = new Random(hashNumbers([this.plan.seed, 7, host.number]));
    return createWorkAnalytics({
      baseUrl: BASE_URL,
      credentials: () => credentials,
      parameters: {},
      pageSize, requestsPerMinute, requestTimeoutMs, bodyMaxBytes,
      windowTimeoutMs: 30 * 60_000,
      backgroundShare: 0.5,
      clock: host,
      random: () => random.next(),
      fetch: this.wire.fetchOf(host),
      onRequest: ({ status }) => {
        if (status === 'timeout') count(this.trace, 'request-timed-out');
      },
    });
  }

  #countFailure({ error }: WorkerEvent & { readonly kind: 'poll-failed' }): void {
    const trouble = POLL_TROUBLES[error.code];
    if (trouble !== undefined) count(this.trace, trouble);
  }

  /** Lives through everything and says what is left. */
  async live(): Promise<Outcome> {
    const { plan, time, trace, truth, feeds } = this;
    for (let host = 0; host < plan.hostCount; host += 1) this.start();
    const [blows, person] = [new Blows(this), new Person(this)];
    await time.advanceTo(plan.healMs);
    blows.heal();
    person.heal();
    await time.advanceTo(plan.endMs);

    const workers = [...this.workers];
    for (const { stop } of workers) stop();
    await time.advanceTo(plan.endMs + 10_000); // less than any deadline: none may be left
    const sleepersLeft = workers.reduce((sum, { host }) => sum + host.sleeping, 0);
    const crashes = [...this.#crashes];
    // Node keeps a signal that follows another until it aborts, and with it all that a dead host has waited for.
    for (const stop of this.#stops) stop();
    await settle();
    return { plan, feeds, truth, trace, origins: this.#origins, crashes, sleepersLeft };
  }
}

const POLL_TROUBLES: Readonly<Partial<Record<ErrorCode, Trouble>>> = {
  SOURCE_UNAVAILABLE: 'poll-unavailable',
  SOURCE_THROTTLED: 'poll-throttled',
  SOURCE_MALFORMED: 'poll-malformed',
  SOURCE_REFUSED: 'poll-refused',
  SOURCE_PBX_REFUSED: 'poll-pbx-refused',
  CLOCK_AHEAD: 'poll-clock-ahead',
};

/** Everything that became visible, and when, in one text: equal worlds have equal ones. */
export function fingerprint({ trace }: Outcome): string {
  return trace.commits
    .map(({ atMs, epoch, feed, events, step }) =>
      [atMs, epoch, feedName(feed), step.watermarkMs, ...events.map(({ value }) => value['eventId'])].join(' '))
    .join('\n');
}
