import type { Random } from '../../src/simulator/random.ts';
import type { PageFault } from './faults.ts';
import type { PageRequest, ShownRow, Truth, TruthPage } from './truth.ts';
import type { GivenPage } from './world-report.ts';

/** A page that is about to be shown. */
export interface SpoilContext {
  readonly request: PageRequest;
  readonly page: TruthPage;
  readonly before: GivenPage | undefined;
}

export interface SpoilTools {
  readonly truth: Truth;
  readonly random: Random;
  /** Whether a name comes for the first time. */
  readonly isFirst: (name: string) => boolean;
}

/** A page with something wrong; without a scrollId it is the end, and a total above 0 denies that. */
export interface SpoiledPage extends TruthPage {
  /** The good rows of which a damaged copy is shown. */
  readonly damaged?: readonly ShownRow[];
}

/** The page with what is wrong with it; `undefined` where the kind makes no sense. */
export function spoilPage(fault: PageFault, context: SpoilContext, tools: SpoilTools): SpoiledPage | undefined {
  const { page } = context;
  if (fault === 'wrong-count') return { ...page, total: page.total + 1_000 };
  if (page.rows.length === 0) return undefined;
  return SPOILS[fault](context, tools);
}

type Spoil = (context: SpoilContext, tools: SpoilTools) => SpoiledPage | undefined;

const SPOILS: Readonly<Record<Exclude<PageFault, 'wrong-count'>, Spoil>> = {
  'repeated-page': ({ request, before }, { truth }) =>
    before === undefined ? undefined : truth.page({ ...request, scrollId: before.scrollId }),

  'repeated-rows': ({ page, before }) =>
    before === undefined ? undefined : withRows(page, [...before.rows, ...page.rows]),

  'duplicate-rows': ({ page }, { random }) => {
    const chosen = random.whole(0, page.rows.length - 1);
    return withRows(page, [...page.rows, page.rows[chosen]!, ...page.rows.slice(0, chosen)]);
  },

  'rows-out-of-order': ({ page }, { random }) => {
    if (page.rows.length < 2) return undefined;
    const order = page.rows.map((row) => ({ row, place: random.next() }));
    return withRows(page, order.sort((left, right) => left.place - right.place).map(({ row }) => row));
  },

  'outside-rows': ({ request, page }, { truth }) => {
    const outside = truth.around(request);
    return outside.length === 0 ? undefined : withRows(page, [...outside, ...page.rows]);
  },

  'damaged-row': ({ page }, { truth, random, isFirst }) => {
    const chosen = random.whole(0, page.rows.length - 1);
    const row = page.rows[chosen]!;
    if (row.bad || !isFirst(`damaged ${row.report} ${row.trueKey}`)) return undefined;
    const rows = page.rows.with(chosen, truth.damage(row, random.whole(0, 1_000)));
    return { ...withRows(page, rows), damaged: [row] };
  },

  'foreign-row': ({ request, page }, { truth, random, isFirst }) => {
    const row = random.pick(page.rows);
    if (row.bad || request.anyPbx || !isFirst(`foreign ${row.report} ${row.trueKey}`)) return undefined;
    return withRows(page, [...page.rows, truth.estrange(row)]);
  },

  // A row that is hidden is the same as one that is shown late. So it is hidden only while it may still be late.
  'empty-page': ({ request }, { truth }) => {
    const { rows } = truth.page({ ...request, pageSize: 1_000_000 });
    return rows.every((row) => mayBeLate(row, request)) ? END : undefined;
  },

  'skipped-page': ({ request, page }, { truth }) => {
    const after = truth.page({ ...request, scrollId: page.nextScrollId });
    if (after.rows.length === 0 || !page.rows.every((row) => mayBeLate(row, request))) return undefined;
    return { ...after, walked: page.walked + after.walked };
  },
};

const END: SpoiledPage = { rows: [], nextScrollId: undefined, walked: 0, total: 0 };

function withRows(page: TruthPage, rows: readonly ShownRow[]): SpoiledPage {
  return { ...page, rows };
}

function mayBeLate({ lateUntilMs }: ShownRow, { nowMs }: PageRequest): boolean {
  return nowMs < lateUntilMs;
}
