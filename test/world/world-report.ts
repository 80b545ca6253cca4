import { jsonAnswer } from '../../src/simulator/answers.ts';
import { encodeScrollId, END_OF_SCROLL, type PageQuery } from '../../src/simulator/query.ts';
import type { Random } from '../../src/simulator/random.ts';
import type { Faults } from './faults.ts';
import { spoilPage, type SpoilContext } from './page-faults.ts';
import type { WorldPlan } from './plan.ts';
import { count, type Scan, type Trace } from './trace.ts';
import type { PageRequest, ShownRow, Truth, TruthPage } from './truth.ts';
import type { VirtualTime } from './virtual-time.ts';
import type { Asked, WireAnswer } from './wire.ts';

/** One going over a window, page by page. */
interface Walk {
  readonly scan: Scan;
  /** What its first page says that it has. */
  readonly count: number;
  /** The pages given out, by the scrollId that came with them. */
  readonly given: Map<string, GivenPage>;
}

export interface GivenPage {
  /** What it was asked for with. */
  readonly scrollId: string | undefined;
  readonly rows: readonly ShownRow[];
  /** Rows gone through up to its end. */
  readonly walked: number;
}

export interface ReportParts {
  readonly plan: WorldPlan;
  readonly time: VirtualTime;
  readonly truth: Truth;
  readonly trace: Trace;
  readonly faults: Faults;
  readonly random: Random;
}

/** The reports: pages of the truth, what is wrong with them, and a note of what was read by whom. */
export class WorldReport {
  readonly #parts: ReportParts;
  /** By host and window. */
  readonly #walks = new Map<string, Walk>();
  /** Good rows that were shown damaged or under a foreign name: once each. */
  readonly #spoiled = new Set<string>();
  #ends = 0;

  constructor(parts: ReportParts) {
    this.#parts = parts;
  }

  /** How long ago the scroll began that a request goes on with, milliseconds. */
  ageMs(asked: Asked, query: PageQuery): number {
    return this.#parts.time.nowMs() - (this.#walks.get(walkName(asked, query))?.scan.startedMs ?? Infinity);
  }

  answer(asked: Asked, query: PageQuery, healed: boolean): WireAnswer {
    const { scrollId } = query;
    const request: PageRequest = { ...query, scrollId, anyPbx: asked.url.searchParams.get('pbxId') === 'allpbxes' };
    const walk = this.#walkOf(asked, request);
    const before = scrollId === undefined ? undefined : walk.given.get(scrollId);
    const good = this.#parts.truth.page(request);
    const page = healed ? good : this.#spoil({ request, page: good, before });
    if (page.nextScrollId === undefined) return this.#end(walk, request, page.total > 0);

    const walked = (before?.walked ?? 0) + page.walked;
    if (page.walked < query.pageSize && walked < page.total) count(this.#parts.trace, 'row-behind-cursor');
    walk.given.set(page.nextScrollId, { scrollId, rows: good.rows, walked });
    const wrongMore = page.total > good.total ? 1_000 : 0;
    const meta = { totalRecordCount: walk.count + wrongMore, scrollId: page.nextScrollId };
    return this.#answerWith({ meta, data: page.rows.map(({ json }) => json) }, () => {
      for (const row of page.rows) this.#noteRead(walk.scan, row);
    });
  }

  /** A first request begins anew, whatever was read before. */
  #walkOf(asked: Asked, query: PageRequest): Walk {
    const name = walkName(asked, query);
    const known = this.#walks.get(name);
    if (known !== undefined && query.scrollId !== undefined) return known;
    const { report: stream, fromMs: from, toMs: to } = query;
    const pbxId = asked.url.searchParams.get('pbxId')!;
    const scan: Scan = {
      stream, pbxId, window: { from, to }, startedMs: asked.sentMs, endedMs: undefined, served: new Set(),
    };
    const walk: Walk = { scan, count: this.#parts.truth.count(query), given: new Map() };
    this.#walks.set(name, walk);
    this.#parts.trace.scans.push(scan);
    return walk;
  }

  #spoil(context: SpoilContext): TruthPage {
    const fault = this.#parts.faults.ofPage();
    if (fault === undefined) return context.page;
    const isFirst = (name: string): boolean => {
      if (this.#spoiled.has(name)) return false;
      this.#spoiled.add(name);
      return true;
    };
    const spoiled = spoilPage(fault, context, { ...this.#parts, isFirst });
    if (spoiled === undefined) return context.page;
    count(this.#parts.trace, fault);
    for (const { report, trueKey } of spoiled.damaged ?? []) this.#parts.trace.damaged.add(`${report} ${trueKey}`);
    return spoiled;
  }

  /** The end of a scroll, in one of the forms that are known or feared. */
  #end({ scan }: Walk, { scrollId }: PageRequest, wrongCount: boolean): WireAnswer {
    const { emptyWindow, endMarker } = this.#parts.plan;
    const totalRecordCount = wrongCount ? 1_000_000 : 0;
    const marker = (): object => {
      if (scrollId === undefined && emptyWindow === 'no-scroll-id') return {};
      switch (endMarker) {
        case 'no-data': return { scrollId: END_OF_SCROLL };
        case 'null': return { scrollId: null };
        case 'missing': return {};
        case 'fresh-id': return { scrollId: encodeScrollId(['end', (this.#ends += 1), 1, 0]) };
      }
    };
    const meta: { readonly scrollId?: unknown } = marker();
    // A count that denies the end is believed, unless the end is marked.
    const ends = !wrongCount || meta.scrollId === END_OF_SCROLL;
    return this.#answerWith({ meta: { totalRecordCount, ...meta }, data: [] }, () => {
      if (ends) scan.endedMs = this.#parts.time.nowMs();
    });
  }

  #answerWith(body: object, onRead: () => void): WireAnswer {
    const { status, headers, pieces } = jsonAnswer(200, body);
    if (pieces[0]!.length > this.#parts.plan.bodyMaxBytes) count(this.#parts.trace, 'answer-too-large');
    return { status, headers, pieces, delivery: 'whole', onRead };
  }

  #noteRead(scan: Scan, row: ShownRow): void {
    scan.served.delete(row); // so that what was served last comes last
    scan.served.add(row);
    if (row.bad) count(this.#parts.trace, 'poison-row');
    if ('sentiment' in row.json) count(this.#parts.trace, 'odd-row');
    if (row.timeMs === scan.window.from || row.timeMs === scan.window.to) count(this.#parts.trace, 'row-in-a-seam');
  }
}

function walkName({ host, url }: Asked, { report, fromMs, toMs }: PageQuery): string {
  return [host.number, report, url.searchParams.get('pbxId'), fromMs, toMs].join(' ');
}
