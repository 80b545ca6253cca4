import { badParameter, jsonAnswer, Refusal } from './answers.ts';
import type { Answer } from './answers.ts';
import type { Fault, FaultKind } from './faults.ts';
import { encodeScrollId, END_OF_SCROLL, pagePieces, queryPage, ScrollIdError } from './query.ts';
import type { Page, PageQuery } from './query.ts';
import type { ReportRequest } from './report-request.ts';
import { Row } from './row.ts';
import { damageRow } from './rows.ts';
import type { JsonRow } from './rows.ts';
import type { World } from './world.ts';

/** Answers a report request that passed the gate; a fault here spoils the page, see {@link spoilPage}. */
export function answerReport(world: World, request: ReportRequest, fault: Fault | undefined): Answer {
  const { query, zone } = request;
  if (query.toMs > query.nowMs) world.counts.futureWindows += 1;
  const before = query.scrollId === undefined ? undefined : world.pages.find(pageKey(query, query.scrollId));
  const asked = fault?.kind === 'repeated-page' && before !== undefined
    ? { ...query, scrollId: before.requestedWith }
    : query;

  const page = fault?.kind === 'empty-page' ? EMPTY_PAGE : readPage(world, asked);
  if (page.rows.length === 0) return answerEmpty(world, query);

  const lastRows = page.rows.slice(-DUPLICATES);
  world.pages.remember(pageKey(query, page.scrollId), { requestedWith: asked.scrollId, lastRows });
  const shown = spoilPage(world, { query, page, earlierRows: before?.lastRows ?? [] }, fault);
  const meta = { totalRecordCount: shown.totalRecordCount, scrollId: page.scrollId };
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    pieces: pagePieces(meta, shown.rows, zone),
    delivery: 'whole',
    served: shown.rows.filter((row) => row instanceof Row),
    damaged: shown.damaged,
    strange: shown.strange,
  };
}

const DUPLICATES = 3;
const EMPTY_PAGE: Page = { totalRecordCount: 0, scrollId: END_OF_SCROLL, rows: [] };

/** @throws Refusal for a scroll id that is none */
function readPage(world: World, query: PageQuery): Page {
  try {
    return queryPage(world.system, query);
  } catch (error) {
    if (!(error instanceof ScrollIdError)) throw error;
    throw new Refusal(badParameter(world.options, query.report, 'Invalid scrollId'));
  }
}

/** A first page without rows is an empty window, a later one the end of a scroll. */
function answerEmpty({ options, counts }: World, { scrollId }: PageQuery): Answer {
  const answer = (meta: object, data: [] | null = []): Answer =>
    jsonAnswer(200, { meta: { totalRecordCount: 0, ...meta }, data });
  if (scrollId === undefined && options.emptyWindow === 'no-scroll-id') return answer({});
  if (scrollId === undefined && options.emptyWindow === 'null-data') return answer({ scrollId: END_OF_SCROLL }, null);
  switch (options.endMarker) {
    case 'no-data': return answer({ scrollId: END_OF_SCROLL });
    case 'null': return answer({ scrollId: null });
    case 'missing': return answer({});
    // A good id of a place behind all rows: who follows it, follows for ever.
    case 'fresh-id': return answer({ scrollId: encodeScrollId(['end', counts.number, 1, 0]) });
  }
}

interface SpoilContext {
  readonly query: PageQuery;
  readonly page: Page;
  /** The last rows of the page before. */
  readonly earlierRows: readonly Row[];
}

interface ShownPage {
  readonly totalRecordCount: number;
  /** A Buffer is the JSON of a row that does not count as served. */
  readonly rows: readonly (Row | Buffer)[];
  readonly damaged: readonly Row[];
  readonly strange: readonly JsonRow[];
}

/** The faults that lie in the rows. What they show of true rows is recorded as served all the same. */
function spoilPage(world: World, { query, page, earlierRows }: SpoilContext, fault: Fault | undefined): ShownPage {
  const { rows, totalRecordCount } = page;
  const good: ShownPage = { totalRecordCount, rows, damaged: [], strange: [] };
  if (fault === undefined) return good;
  const chosen = fault.choice % rows.length;
  const row = rows[chosen]!;
  const spoils: Partial<Record<FaultKind, () => ShownPage>> = {
    'outside-rows': () => ({ ...good, rows: [...readOutside(world, query), ...rows] }),
    'duplicate-rows': () =>
      ({ ...good, rows: [...earlierRows, ...rows, ...rows.slice(chosen, chosen + DUPLICATES)] }),
    'wrong-count': () => ({ ...good, totalRecordCount: totalRecordCount + 1 + (fault.choice % 7) }),
    'damaged-row': () => {
      if (row.poison) return good;
      const copy = damageRow(row.value(), fault.choice >>> 8);
      return { ...good, rows: replaceAt(rows, chosen, toJson(copy)), damaged: [row], strange: [copy] };
    },
    'foreign-row': () => {
      const copy = { ...row.value(), pbxId: FOREIGN_PBX };
      return { ...good, rows: [...rows, toJson(copy)], strange: [copy] };
    },
  };
  return spoils[fault.kind]?.() ?? good;
}

const FOREIGN_PBX = 'nobody-asked-for-this-pbx';

function replaceAt(rows: readonly Row[], index: number, json: Buffer): readonly (Row | Buffer)[] {
  return rows.map((row, at) => at === index ? json : row);
}

function toJson(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

const OUTSIDE_MS = 60_000;

/** Two rows of the minute before the window and two of the minute after, as far as there are any. */
function readOutside({ system }: World, query: PageQuery): readonly Row[] {
  const rules = { recordsFilter: 'disconnect', ...query.rules, bounds: 'exclusive' } as const;
  const around = { ...query, rules, scrollId: undefined, pageSize: 2 };
  const before = queryPage(system, { ...around, fromMs: query.fromMs - OUTSIDE_MS, toMs: query.fromMs });
  // A whole second later, because a rule may count that second in.
  const after = queryPage(system, { ...around, fromMs: query.toMs + 999, toMs: query.toMs + OUTSIDE_MS });
  return [...before.rows, ...after.rows];
}

/** A scroll id alone may come up in several windows. */
function pageKey({ report, pbxIds, fromMs, toMs, pageSize }: PageQuery, scrollId: string): string {
  return [report, pbxIds.join(','), fromMs, toMs, pageSize, scrollId].join('|');
}
