import type { Call } from './call.ts';
import { hashNumbers, Random } from './random.ts';
import { damageRow, earlierContents, legRow, recordRow } from './rows.ts';
import type { JsonRow, LegCountRule, Report } from './rows.ts';

/** How rows of a PBX come to light. Shares are 0 to 1, times milliseconds. */
export interface RowFates {
  readonly seed: number;
  readonly pbxHash: number;
  /** From disconnect until a row that is not late can be read. */
  readonly latencyMs: number;
  readonly lateShare: number;
  /** Most that a late row waits beyond the latency. Most late rows wait a small part of it. */
  readonly lateMaxMs: number;
  readonly revisedShare: number;
  /** Most that a revision waits after the content before it. */
  readonly revisedMaxMs: number;
  readonly poisonShare: number;
  readonly legCount: LegCountRule;
}

/** A content that a later one replaced. */
export interface EarlierContent {
  readonly visibleFromMs: number;
  readonly json: Buffer;
}

/**
 * The rows of one report of one PBX whose start time lies in one stretch of time, newest first: by start
 * time, then call id, then leg id, all falling. Columns instead of objects, so that a million rows fit; the
 * JSON of all rows stands ready in one buffer, so that a page is cut and not built.
 */
export interface RowBucket {
  readonly id: string;
  readonly report: Report;
  readonly pbxId: string;
  readonly count: number;
  readonly startMs: Float64Array;
  readonly connectMs: Float64Array;
  readonly disconnectMs: Float64Array;
  readonly callId: Float64Array;
  /** 0 for a record. */
  readonly legId: Uint16Array;
  /** When the row is first seen, and when its last content is. Equal unless the row is revised. */
  readonly visibleMs: Float64Array;
  readonly settledMs: Float64Array;
  /** Bits: {@link CHILD} and {@link POISON}. */
  readonly marks: Uint8Array;
  readonly earlier: ReadonlyMap<number, readonly EarlierContent[]>;
  /** `json` holds row i from `jsonFrom[i]` to `jsonFrom[i + 1] - 1`; a comma stands between rows. */
  readonly json: Buffer;
  readonly jsonFrom: Uint32Array;
  readonly settledMaxMs: number;
  readonly spans: Readonly<Record<TimeOf, { readonly minMs: number; readonly maxMs: number }>>;
}

/** The times of a row that a window can mean. */
export type TimeOf = 'disconnect' | 'start' | 'connect';

/** `isSimplified=true` leaves the row out: the leg of a child call, a fork or a recording. */
export const CHILD = 1;
/** The row cannot be mapped, see rows.ts. */
export const POISON = 2;

export function columnOf(bucket: RowBucket, timeOf: TimeOf): Float64Array {
  switch (timeOf) {
    case 'disconnect': return bucket.disconnectMs;
    case 'start': return bucket.startMs;
    case 'connect': return bucket.connectMs;
  }
}

/** What a bucket is made of. `calls` may hold more than belongs in it: rows outside the stretch are left. */
export interface BucketPlan {
  readonly id: string;
  readonly report: Report;
  readonly pbxId: string;
  readonly fromMs: number;
  readonly toMs: number;
}

export function makeRowBucket(plan: BucketPlan, calls: Iterable<Call>, fates: RowFates): RowBucket {
  const drafts = [...draftRows(plan, calls)].sort(newestFirst);
  const count = drafts.length;
  const visibleMs = new Float64Array(count);
  const settledMs = new Float64Array(count);
  const marks = new Uint8Array(count);
  const earlier = new Map<number, readonly EarlierContent[]>();
  const jsonFrom = new Uint32Array(count + 1);
  const json = new GrowingText();

  drafts.forEach((draft, index) => {
    const fate = decideFate(plan.report, draft, fates);
    const row = draft.makeRow(plan.pbxId, fates.legCount);
    const show = (content: JsonRow): string =>
      JSON.stringify(fate.poison === undefined ? content : damageRow(content, fate.poison));
    json.append(index === 0 ? show(row) : `,${show(row)}`);
    jsonFrom[index + 1] = json.size + 1;
    visibleMs[index] = fate.visibleFromMs[0]!;
    settledMs[index] = fate.visibleFromMs.at(-1)!;
    marks[index] = (draft.child ? CHILD : 0) | (fate.poison === undefined ? 0 : POISON);
    const revisions = fate.visibleFromMs.length - 1;
    if (revisions === 0) return;
    earlier.set(index, earlierContents(row, revisions === 1 ? 1 : 2)
      .map((content, at) => ({ visibleFromMs: fate.visibleFromMs[at]!, json: Buffer.from(show(content)) })));
  });

  const startMs = Float64Array.from(drafts, (draft) => draft.startMs);
  const connectMs = Float64Array.from(drafts, (draft) => draft.connectMs);
  const disconnectMs = Float64Array.from(drafts, (draft) => draft.disconnectMs);
  return {
    id: plan.id, report: plan.report, pbxId: plan.pbxId, count,
    startMs, connectMs, disconnectMs, visibleMs, settledMs, marks, earlier,
    callId: Float64Array.from(drafts, (draft) => draft.callId),
    legId: Uint16Array.from(drafts, (draft) => draft.legId),
    jsonFrom,
    json: json.toBuffer(),
    settledMaxMs: spanOf(settledMs).maxMs,
    spans: { start: spanOf(startMs), connect: spanOf(connectMs), disconnect: spanOf(disconnectMs) },
  };
}

interface RowDraft {
  readonly startMs: number;
  readonly connectMs: number;
  readonly disconnectMs: number;
  readonly callId: number;
  readonly legId: number;
  readonly child: boolean;
  makeRow(pbxId: string, legCount: LegCountRule): JsonRow;
}

function* draftRows({ report, fromMs, toMs }: BucketPlan, calls: Iterable<Call>): Generator<RowDraft> {
  for (const call of calls) {
    if (report === 'call-records') {
      if (call.story.length === 0 || call.startMs < fromMs || call.startMs >= toMs) continue;
      const connectMs = call.story.find((leg) => leg.talkMs > 0)?.connectMs ?? 0;
      yield {
        startMs: call.startMs, connectMs, disconnectMs: call.endMs, callId: call.callId, legId: 0, child: false,
        makeRow: (pbxId, legCount) => recordRow(call, pbxId, legCount),
      };
      continue;
    }
    for (const leg of call.legs) {
      if (leg.startMs < fromMs || leg.startMs >= toMs) continue;
      yield {
        startMs: leg.startMs, connectMs: leg.connectMs, disconnectMs: leg.endMs, callId: call.callId, legId: leg.legId,
        child: call.parentCallId !== null || /^Call(Forking|Recording)/.test(leg.callee),
        makeRow: (pbxId) => legRow(call, leg, pbxId),
      };
    }
  }
}

function newestFirst(left: RowDraft, right: RowDraft): number {
  return right.startMs - left.startMs || right.callId - left.callId || right.legId - left.legId;
}

interface Fate {
  /** One moment per content, rising; three at most. */
  readonly visibleFromMs: readonly number[];
  /** How the row is damaged, if it is. */
  readonly poison: number | undefined;
}

/** By the row's key and the seed alone, so that neither order nor paging nor memory can change it. */
function decideFate(report: Report, draft: RowDraft, fates: RowFates): Fate {
  const reportTag = report === 'call-legs' ? 1 : 2;
  const random = new Random(hashNumbers([fates.seed, fates.pbxHash, reportTag, draft.callId, draft.legId]));
  const late = random.chance(fates.lateShare);
  // The cube gives a heavy tail: half of the late rows come within an eighth of the longest wait.
  const latenessMs = Math.floor(random.next() ** 3 * fates.lateMaxMs);
  const visibleFromMs = [draft.disconnectMs + fates.latencyMs + (late ? latenessMs : 0)];
  if (random.chance(fates.revisedShare)) {
    const revisions = random.chance(0.25) ? 2 : 1;
    for (let made = 0; made < revisions; made += 1) {
      visibleFromMs.push(visibleFromMs.at(-1)! + 1 + Math.floor(random.next() * fates.revisedMaxMs));
    }
  }
  return { visibleFromMs, poison: random.chance(fates.poisonShare) ? random.whole(0, 1_000) : undefined };
}

/** Text put together as UTF-8. Each piece dies young: megabytes of live strings would keep the collector busy. */
class GrowingText {
  size = 0;
  #bytes = Buffer.allocUnsafe(65_536);

  append(text: string): void {
    // UTF-8 takes at most three bytes for a UTF-16 unit.
    if (this.size + 3 * text.length > this.#bytes.length) {
      const wider = Buffer.allocUnsafe(2 * this.#bytes.length + 3 * text.length);
      this.#bytes.copy(wider, 0, 0, this.size);
      this.#bytes = wider;
    }
    this.size += this.#bytes.write(text, this.size);
  }

  toBuffer(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.size));
  }
}

function spanOf(column: Float64Array): { readonly minMs: number; readonly maxMs: number } {
  let minMs = Infinity;
  let maxMs = -Infinity;
  for (const ms of column) {
    if (ms < minMs) minMs = ms;
    if (ms > maxMs) maxMs = ms;
  }
  return { minMs, maxMs };
}
