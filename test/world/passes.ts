import { feedName } from '../../src/feed/feed.ts';
import { readToMs, type PassPlan } from '../../src/feed/pass.ts';
import { hashNumbers, Random } from '../../src/simulator/random.ts';
import { isAskedFor, iso, publishedKeys, type Promised } from './promise.ts';
import { count, type BegunPass } from './trace.ts';
import type { TrueRow } from './truth.ts';
import type { Outcome, World } from './world.ts';

const MINUTE = 60_000;

/** A person who begins backfills, pauses them, and ends some: at moments that the seed decides. */
export class Person {
  readonly #world: World;
  readonly #random: Random;
  /** What stands still is let go on when the world heals. */
  readonly #paused = new Set<BegunPass['feed']>();

  constructor(world: World) {
    this.#world = world;
    const { plan } = world;
    this.#random = new Random(hashNumbers([plan.seed, 9]));
    for (let pass = 0; pass < plan.passes; pass += 1) {
      world.time.after(this.#moment(), () => this.#begin(`history-${pass}`));
    }
  }

  heal(): void {
    for (const feed of this.#paused) this.#world.bus.change(feed, { kind: 'resume' });
    this.#paused.clear();
  }

  #moment(): number {
    const { startMs, healMs } = this.#world.plan;
    return this.#random.whole(0, healMs - startMs - 1_000);
  }

  #begin(pass: string): void {
    const { plan, feeds, bus, time, trace } = this.#world;
    const fromMs = plan.originMs - this.#random.whole(5, 50) * MINUTE;
    const endMs = fromMs + this.#random.whole(5, 240) * MINUTE;
    for (const { id, stream } of feeds) {
      const feed = { ...id, stream: stream.name, pass };
      const request = { kind: 'begin', plan: { fromMs, endMs: Math.min(endMs, time.nowMs()), replay: false } } as const;
      if ('unchanged' in bus.change(feed, request)) continue;
      count(trace, 'pass-begun');
      if (this.#random.chance(0.3)) time.after(this.#random.whole(0, 60) * MINUTE, () => this.#pause(feed));
      if (this.#random.chance(0.1)) time.after(this.#random.whole(0, 60) * MINUTE, () => this.#cancel(feed));
    }
  }

  #pause(feed: BegunPass['feed']): void {
    if (this.#world.bus.healed || 'unchanged' in this.#world.bus.change(feed, { kind: 'pause' })) return;
    count(this.#world.trace, 'pass-paused');
    this.#paused.add(feed);
  }

  #cancel(feed: BegunPass['feed']): void {
    if ('unchanged' in this.#world.bus.change(feed, { kind: 'cancel' })) return;
    count(this.#world.trace, 'pass-cancelled');
    this.#world.trace.cancelled.add(feedName(feed));
  }
}

/** A pass over history comes to its end, and what was there when it began is on the bus then, or told as missing. */
export const passesComeToTheirEnd: Promised = ({ truth, trace }) => {
  const { accepted } = publishedKeys(trace.commits);
  return trace.passes.flatMap(({ feed, plan: pass, beganMs }) => {
    const name = feedName(feed);
    if (trace.cancelled.has(name)) return [];
    const last = trace.commits.findLast((commit) => feedName(commit.feed) === name)!;
    if (last.step.watermarkMs < readToMs(pass)) return [`pass: ${name} is only at ${iso(last.step.watermarkMs)}`];
    // Of a window that 8x8 has shown in part, and counted as a whole, the ledger tells.
    const short = trace.commits.filter((commit) => feedName(commit.feed) === name).flatMap(({ events }) =>
      events.filter(({ channel, value }) => channel === 'ledger' && value['outcome'] === 'short'));
    const isTold = (ms: number): boolean => short.some(({ value }) =>
      ms >= Number(value['windowFrom']) && ms < Number(value['windowTo']));
    return truth.all(feed.stream)
      .filter((row) => isAskedFor(feed, row) && !row.timesMs.some(isTold))
      .filter((row) => row.visibleMs <= beganMs && row.gone === undefined)
      .filter((row) => row.timesMs.every((ms) => isWithin(ms, pass)))
      .filter((row) => !row.poison && !trace.damaged.has(`${row.report} ${row.key}`))
      .filter(({ report, key }) => !accepted.has(`${report} ${key}`))
      .map(({ report, key, timesMs }) => `pass: ${name} lacks ${report} ${key} of ${timesMs.map(iso).join(' or ')}`);
  });
};

/**
 * Rows that 8x8 has moved over the seam of two passes, by report and key. Hours later the one that has published such a
 * row has forgotten it, and the other cannot know: it is published twice, and that is no promise broken.
 */
export function movedOverSeams({ truth, trace }: Outcome): ReadonlySet<string> {
  const isMoved = ({ plan: pass, feed }: BegunPass, row: TrueRow): boolean =>
    feed.stream === row.report && new Set(row.timesMs.map((ms) => isWithin(ms, pass))).size > 1;
  return new Set(trace.passes.flatMap((pass) =>
    truth.all(pass.feed.stream).filter((row) => isMoved(pass, row)).map(({ report, key }) => `${report} ${key}`)));
}

function isWithin(ms: number, { fromMs, endMs }: PassPlan): boolean {
  return ms >= fromMs && ms < endMs;
}
