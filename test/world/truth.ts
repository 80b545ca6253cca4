import { createPhoneSystem, type PhoneSystem } from '../../src/simulator/phone-system.ts';
import { END_OF_SCROLL, queryPage } from '../../src/simulator/query.ts';
import { hashNumbers, hashText, Random } from '../../src/simulator/random.ts';
import type { Row } from '../../src/simulator/row.ts';
import { damageRow, type Report } from '../../src/simulator/rows.ts';
import { rejectedKeyOf } from '../../src/streams/rejected.ts';
import type { RawRow } from '../../src/streams/stream.ts';
import { MOVE_MAX_MS, type WorldPlan } from './plan.ts';

/** A row as the source has shown it at some moment. */
export interface ShownRow {
  readonly report: Report;
  readonly json: RawRow;
  /** The row's true key, the PBX in lower case, also where the row itself hides it. */
  readonly trueKey: string;
  /** The end of the call as 8x8 gives it: what a window means. */
  readonly timeMs: number;
  /** Nobody can map it: it belongs on the rejected topic. */
  readonly bad: boolean;
  /** The key it must have on the bus. */
  readonly eventKey: string;
  /** Until then it may be hidden: the same as being shown late. */
  readonly lateUntilMs: number;
}

export interface PageRequest {
  readonly report: Report;
  readonly pbxIds: readonly string[];
  /** Rows of every PBX were asked for, so none is foreign. */
  readonly anyPbx: boolean;
  readonly fromMs: number;
  readonly toMs: number;
  readonly nowMs: number;
  readonly pageSize: number;
  readonly scrollId: string | undefined;
}

export interface TruthPage {
  readonly rows: readonly ShownRow[];
  /** `undefined` if there are no rows any more. */
  readonly nextScrollId: string | undefined;
  /** Rows gone through so far, and how many there are now, both before the bounds are applied. */
  readonly walked: number;
  readonly total: number;
}

/** A row of the world, whether anybody read it or not. */
export interface TrueRow {
  readonly report: Report;
  readonly key: string;
  readonly poison: boolean;
  /** Its time, or both its times if 8x8 changes it. */
  readonly timesMs: readonly number[];
  readonly visibleMs: number;
  /** It is shown so late that no live feed need find it. */
  readonly buried: boolean;
  /** When it is gone, if it ever is: until its lateness ends at the latest, or for ever. */
  readonly gone: Gone | undefined;
}

export interface Gone {
  readonly fromMs: number;
  readonly untilMs: number;
}

interface Fate {
  readonly timeMs: number;
  /** Never, for most. */
  readonly movedAtMs: number;
  readonly movedMs: number;
  readonly lateUntilMs: number;
  readonly gone: Gone | undefined;
  /** Before that it is not shown; -Infinity for most. */
  readonly buriedUntilMs: number;
}

/**
 * What 8x8 would show: the simulator's phone system, with five things on top that hurt windows most. Ends of
 * calls may be coarse, so that they fall into seams; a row may change its end; a row may vanish, for a while or for
 * ever; a row may be shown hours late; bounds are read in four ways.
 */
export class Truth {
  readonly #plan: WorldPlan;
  readonly #system: PhoneSystem;
  readonly #fates = new Map<string, Fate>();
  readonly #shown = new Map<string, ShownRow>();
  /** Around a window, so that no row is missed whose time we have changed. */
  readonly #marginMs: number;

  constructor(plan: WorldPlan) {
    this.#plan = plan;
    this.#marginMs = plan.grainMs + MOVE_MAX_MS;
    this.#system = createPhoneSystem({
      ...plan,
      legCount: plan.legCount ?? 'own',
      startedAtMs: plan.startMs,
      historyMs: plan.startMs - plan.originMs + 3_600_000,
      endsAtMs: plan.healMs,
      revisedMaxMs: 20 * 60_000,
    });
  }

  /** One page by keyset, as 8x8 serves it: what becomes visible behind the cursor is not in it. */
  page(request: PageRequest): TruthPage {
    const { report, pbxIds, fromMs, toMs, nowMs, pageSize } = request;
    const span = { fromMs: fromMs - this.#marginMs, toMs: toMs + this.#marginMs };
    let { scrollId } = request;
    let walked = 0;
    for (;;) {
      const page = queryPage(this.#system, { report, pbxIds, nowMs, scrollId, pageSize, ...span });
      if (page.scrollId === END_OF_SCROLL) return { rows: [], nextScrollId: undefined, walked, total: 0 };
      walked += page.rows.length;
      const rows = this.#showAll(page.rows, nowMs).filter(({ timeMs }) => this.#isInside(timeMs, fromMs, toMs));
      if (rows.length > 0) return { rows, nextScrollId: page.scrollId, walked, total: page.totalRecordCount };
      scrollId = page.scrollId;
    }
  }

  /** How many rows the window has, as 8x8 counts them. */
  count({ report, pbxIds, fromMs, toMs, nowMs }: PageRequest): number {
    const span = { fromMs: fromMs - this.#marginMs, toMs: toMs + this.#marginMs };
    const all = queryPage(this.#system, { report, pbxIds, nowMs, scrollId: undefined, pageSize: 1_000_000, ...span });
    return this.#showAll(all.rows, nowMs).filter(({ timeMs }) => this.#isInside(timeMs, fromMs, toMs)).length;
  }

  /** Up to four rows of the minute before and the minute after a window. */
  around({ report, pbxIds, fromMs, toMs, nowMs }: PageRequest): readonly ShownRow[] {
    return [[fromMs - 60_000, fromMs - 1_000], [toMs + 1_000, toMs + 60_000]].flatMap(([low, high]) =>
      this.#showAll(queryPage(this.#system, { report, pbxIds, nowMs, pageSize: 2, fromMs: low!, toMs: high! }).rows,
        nowMs));
  }

  /** The row as nobody can map it. */
  damage(row: ShownRow, choice: number): ShownRow {
    return badRow(row, damageRow(row.json, choice));
  }

  /** The row as if of a PBX that nobody asked for. */
  estrange(row: ShownRow): ShownRow {
    return badRow(row, { ...row.json, pbxId: 'nobody-asked-for-this' });
  }

  /** Every row that can be seen when the world ends. */
  all(report: Report): readonly TrueRow[] {
    const { pbxIds, originMs, endMs } = this.#plan;
    const query = { report, pbxIds, nowMs: endMs, pageSize: 1_000_000, fromMs: originMs - 3_600_000, toMs: endMs };
    return queryPage(this.#system, query).rows.map((row) => {
      const { timeMs, movedAtMs, movedMs, gone, buriedUntilMs } = this.#fateOf(row);
      const timesMs = movedAtMs < Infinity ? [timeMs, movedMs] : [timeMs];
      const visibleMs = Math.max(row.visibleFromMs[0]!, buriedUntilMs);
      return { report, key: trueKeyOf(row), poison: row.poison, timesMs, visibleMs, buried: buriedUntilMs > 0, gone };
    });
  }

  #showAll(rows: readonly Row[], nowMs: number): readonly ShownRow[] {
    return rows.flatMap((row) => {
      const fate = this.#fateOf(row);
      const gone = fate.gone !== undefined && nowMs >= fate.gone.fromMs && nowMs < fate.gone.untilMs;
      return gone || nowMs < fate.buriedUntilMs ? [] : [this.#show(row, fate, nowMs)];
    });
  }

  #show(row: Row, fate: Fate, nowMs: number): ShownRow {
    const timeMs = nowMs >= fate.movedAtMs ? fate.movedMs : fate.timeMs;
    const name = `${row.bucket.id}/${row.index}/${row.revision}/${timeMs}`;
    let shown = this.#shown.get(name);
    if (shown !== undefined) return shown;
    const value = this.#isOdd(row) ? { ...row.value(), sentiment: { score: 1 } } : row.value();
    const json = typeof value['disconnectedTimeUTC'] === 'number' ? { ...value, disconnectedTimeUTC: timeMs } : value;
    const trueKey = trueKeyOf(row);
    const eventKey = row.poison ? rejectedKeyOf(json) : trueKey;
    shown = { report: row.report, json, trueKey, timeMs, bad: row.poison, eventKey, lateUntilMs: fate.lateUntilMs };
    this.#shown.set(name, shown);
    return shown;
  }

  #fateOf(row: Row): Fate {
    const name = `${row.bucket.id}/${row.index}`;
    const known = this.#fates.get(name);
    if (known !== undefined) return known;
    const { seed, grainMs, movedShare, vanishedShare, lateMaxMs, latencyMs } = this.#plan;
    const random = new Random(hashNumbers([seed, hashText(row.report + row.key)]));
    const timeMs = Math.floor(row.disconnectMs / grainMs) * grainMs;
    const visibleMs = row.visibleFromMs[0]!;
    const lateUntilMs = Math.max(row.disconnectMs + latencyMs + lateMaxMs, visibleMs);
    let [movedAtMs, movedMs] = [Infinity, timeMs];
    if (!row.poison && random.chance(movedShare)) {
      movedAtMs = random.whole(visibleMs, lateUntilMs);
      movedMs = timeMs + random.whole(-MOVE_MAX_MS, Math.min(MOVE_MAX_MS, movedAtMs - timeMs));
    }
    let gone: Gone | undefined;
    if (random.chance(vanishedShare)) {
      const fromMs = random.whole(visibleMs, lateUntilMs);
      gone = { fromMs, untilMs: random.chance(0.5) ? Infinity : random.whole(fromMs, lateUntilMs) };
    }
    const { buried } = this.#plan;
    const isBuried = buried !== undefined && random.chance(buried.share);
    const buriedUntilMs = isBuried ? Math.min(timeMs, movedMs) + random.whole(buried.minMs, buried.maxMs) : -Infinity;
    const fate: Fate = { timeMs, movedAtMs, movedMs, lateUntilMs, gone, buriedUntilMs };
    this.#fates.set(name, fate);
    return fate;
  }

  #isOdd(row: Row): boolean {
    const { seed, oddShare } = this.#plan;
    return new Random(hashNumbers([seed, 8, hashText(row.report + row.key)])).chance(oddShare);
  }

  #isInside(timeMs: number, fromMs: number, toMs: number): boolean {
    const secondMs = Math.floor(timeMs / 1_000) * 1_000;
    switch (this.#plan.bounds) {
      case 'inclusive': return timeMs >= fromMs && timeMs <= toMs;
      case 'half-open': return timeMs >= fromMs && timeMs < toMs;
      case 'exclusive': return timeMs > fromMs && timeMs < toMs;
      case 'whole-seconds': return secondMs >= fromMs && secondMs <= toMs;
    }
  }
}

function trueKeyOf(row: Row): string {
  return row.key.toLowerCase();
}

function badRow(row: ShownRow, json: RawRow): ShownRow {
  return { ...row, json, bad: true, eventKey: rejectedKeyOf(json) };
}
