import { ConnectorError } from '../../src/errors.ts';
import { hashNumbers, Random } from '../../src/simulator/random.ts';
import type { ReadRequest, Source } from '../../src/source/source.ts';
import type { RawRow } from '../../src/streams/stream.ts';
import type { Host } from './host.ts';
import type { WorldPlan } from './plan.ts';
import { count, type Scan, type Trace } from './trace.ts';
import type { PageRequest, ShownRow, Truth } from './truth.ts';

const PAGES_MAX = 100_000;
const MINUTE = 60_000;
const SPOILS = ['repeated-page', 'duplicate-rows', 'outside-rows', 'damaged-row', 'foreign-row'] as const;

/** 8x8 as all hosts see it: the truth, and what goes wrong on the way to it. */
export class WorldSource {
  /** No request is answered while this is set. */
  down = false;
  /** From now on nothing goes wrong, and nothing takes long. */
  healed = false;
  readonly #plan: WorldPlan;
  readonly #truth: Truth;
  readonly #trace: Trace;
  readonly #random: Random;
  /** Good rows that were shown damaged or under a foreign name: once each. */
  readonly #spoiled = new Set<string>();

  constructor(plan: WorldPlan, truth: Truth, trace: Trace) {
    this.#plan = plan;
    this.#truth = truth;
    this.#trace = trace;
    this.#random = new Random(hashNumbers([plan.seed, 2]));
  }

  /** The source as the worker on `host` has it. */
  of(host: Host): Source {
    return {
      check: async () => undefined,
      aheadMs: () => (host.nowMs() < host.told.atMs ? 0 : host.told.aheadMs),
      readPages: (request, signal) => this.#readPages(host, request, signal),
    };
  }

  async *#readPages(host: Host, request: ReadRequest, signal: AbortSignal): AsyncGenerator<readonly RawRow[]> {
    const { stream, pbxId, window } = request;
    const { time } = host;
    const startedMs = time.nowMs();
    const scan: Scan = { stream: stream.name, pbxId, window, startedMs, endedMs: undefined, served: new Set() };
    this.#trace.scans.push(scan);
    const query = { report: stream.name, fromMs: window.from, toMs: window.to };
    const pbxIds = pbxId === 'allpbxes' ? this.#plan.pbxIds : pbxId.split(',');
    let scrollId: string | undefined;
    let before: readonly ShownRow[] = [];
    let walked = 0;

    for (let page = 0; page < PAGES_MAX; page += 1) {
      await host.sleep(this.healed ? 10 : this.#random.whole(0, this.#plan.pageLatencyMaxMs), signal);
      signal.throwIfAborted();
      this.#mayFail();
      const asked: PageRequest = { ...query, pbxIds, anyPbx: pbxId === 'allpbxes', nowMs: time.nowMs(), scrollId };
      const { rows, nextScrollId, ...counts } = this.#truth.page(asked);
      host.told = { aheadMs: Math.max(host.offsetMs, 0), atMs: host.nowMs() }; // by the Date header of the answer
      walked += counts.walked;
      if (nextScrollId === undefined) {
        scan.endedMs = time.nowMs();
        return;
      }
      if (counts.walked < this.#plan.pageSize && walked < counts.total) count(this.#trace, 'row-behind-cursor');
      const shown = this.#spoil(asked, rows, before);
      for (const row of shown) this.#noteShown(scan, row);
      if (shown.length > 0) yield shown.map(({ json }) => json);
      before = rows;
      scrollId = nextScrollId;
    }
    throw new Error('a scroll without end');
  }

  #mayFail(): void {
    if (this.down) throw new ConnectorError('SOURCE_UNAVAILABLE', 'the source is down');
    if (this.healed || !this.#random.chance(this.#plan.requestFaultShare)) return;
    const trouble = this.#random.pick(['unavailable', 'unavailable', 'throttled', 'malformed', 'refused'] as const);
    count(this.#trace, `source-${trouble}`);
    switch (trouble) {
      case 'unavailable': throw new ConnectorError('SOURCE_UNAVAILABLE', 'connection reset');
      case 'malformed': throw new ConnectorError('SOURCE_MALFORMED', 'not JSON');
      case 'throttled': {
        const retryAfterMs = this.#random.whole(0, 5 * MINUTE);
        throw new ConnectorError('SOURCE_THROTTLED', '429', { retryAfterMs });
      }
      case 'refused': throw new ConnectorError('SOURCE_PBX_REFUSED', '403', { retryAfterMs: 15 * MINUTE });
    }
  }

  /** Rows that nobody asked for, rows twice, rows again, rows broken: whatever a page may hold. */
  #spoil(asked: PageRequest, rows: readonly ShownRow[], before: readonly ShownRow[]): readonly ShownRow[] {
    if (this.healed || !this.#random.chance(this.#plan.spoilShare)) return rows;
    const trouble = this.#random.pick(SPOILS);
    const spoiled = this.#spoilBy(trouble, asked, rows, before);
    if (spoiled !== rows && spoiled.length > 0) count(this.#trace, trouble);
    return spoiled;
  }

  #spoilBy(
    trouble: (typeof SPOILS)[number], asked: PageRequest, rows: readonly ShownRow[], before: readonly ShownRow[],
  ): readonly ShownRow[] {
    const chosen = rows.length === 0 ? -1 : this.#random.whole(0, rows.length - 1);
    const row = rows[chosen];
    switch (trouble) {
      case 'repeated-page':
        return before.length === 0 ? rows : [...before, ...rows];
      case 'outside-rows': {
        const outside = this.#truth.around(asked);
        return outside.length === 0 ? rows : [...outside, ...rows];
      }
      case 'duplicate-rows':
        return row === undefined ? rows : [...rows, row, ...rows.slice(0, chosen)];
      case 'damaged-row': {
        if (row === undefined || row.bad || !this.#isFirst(`damaged ${row.report} ${row.trueKey}`)) return rows;
        this.#trace.damaged.add(`${row.report} ${row.trueKey}`);
        return rows.with(chosen, this.#truth.damage(row, this.#random.whole(0, 1_000)));
      }
      case 'foreign-row':
        if (row === undefined || row.bad || asked.anyPbx) return rows;
        if (!this.#isFirst(`foreign ${row.report} ${row.trueKey}`)) return rows;
        return [...rows, this.#truth.estrange(row)];
    }
  }

  #isFirst(name: string): boolean {
    if (this.#spoiled.has(name)) return false;
    this.#spoiled.add(name);
    return true;
  }

  #noteShown(scan: Scan, row: ShownRow): void {
    scan.served.add(row);
    if (row.bad) count(this.#trace, 'poison-row');
    if (row.timeMs === scan.window.from || row.timeMs === scan.window.to) count(this.#trace, 'row-in-a-seam');
  }
}
