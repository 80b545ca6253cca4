import type { Line, PhoneSystem, WindowCount } from './phone-system.ts';
import { CHILD, columnOf } from './row-bucket.ts';
import type { RowBucket, TimeOf } from './row-bucket.ts';
import { Row } from './row.ts';
import type { JsonRow, Report } from './rows.ts';

/** Which rows to go over. Times are epoch milliseconds; both bounds belong to the span. */
export interface Span {
  readonly report: Report;
  readonly pbxIds: readonly string[];
  readonly timeOf: TimeOf;
  readonly lowMs: number;
  readonly highMs: number;
  /** Only what can be read at this moment, in the content of this moment. */
  readonly nowMs: number;
  /** Leaves out child calls, forks and recordings. */
  readonly simplified: boolean;
  readonly matches: ((row: JsonRow) => boolean) | undefined;
}

/** Where a row stands in the order of a report. */
export interface Place {
  readonly startMs: number;
  readonly pbxId: string;
  readonly callId: number;
  /** 0 for a record. */
  readonly legId: number;
}

/**
 * Rows newest first by start time, from behind `after` on; ties by PBX, call id and leg id, all falling.
 * The first is seen in 8x8's samples; the ties are ours. UNVERIFIED: how rows of several PBXes interleave.
 */
export function* walkRows(system: PhoneSystem, span: Span, after?: Place): Generator<Row> {
  const heads = new Heads();
  for (const line of system.lines(span.pbxIds)) {
    const walk = new LineWalk(system, line, span, after);
    if (walk.advance()) heads.push(walk);
  }
  for (let head = heads.first; head !== undefined; head = heads.first) {
    yield new Row(head.bucket!, head.index, span.nowMs);
    if (head.advance()) heads.sinkFirst();
    else heads.dropFirst();
  }
}

/** How many rows {@link walkRows} gives, and how long that stays true. */
export function countRows(system: PhoneSystem, span: Span): WindowCount {
  let count = 0;
  let untilMs = Infinity;
  for (const line of system.lines(span.pbxIds)) {
    const { first, last } = bucketsOf(line, span);
    // The next bucket may show its first row as soon as it begins.
    if (last < Math.floor(span.highMs / line.spanMs)) untilMs = Math.min(untilMs, (last + 1) * line.spanMs);
    for (let index = first; index <= last; index += 1) {
      const bucket = system.rows(line, span.report, index);
      if (bucket === undefined) continue;
      if (liesInside(bucket, span)) {
        count += bucket.count;
        continue;
      }
      for (let row = 0; row < bucket.count; row += 1) {
        if (!passesFilters(bucket, row, span)) continue;
        if (bucket.visibleMs[row]! <= span.nowMs) count += 1;
        else untilMs = Math.min(untilMs, bucket.visibleMs[row]!);
        // A revision can change what `matches` says.
        if (span.matches !== undefined && bucket.settledMs[row]! > span.nowMs) untilMs = span.nowMs + 1;
      }
    }
  }
  return { count, fromMs: span.nowMs, untilMs };
}

/** Goes over the rows of one line that belong to a span. */
class LineWalk {
  readonly line: Line;
  bucket: RowBucket | undefined;
  index = -1;
  readonly #system: PhoneSystem;
  readonly #span: Span;
  readonly #firstBucket: number;
  #nextBucket: number;

  constructor(system: PhoneSystem, line: Line, span: Span, after: Place | undefined) {
    const { first, last } = bucketsOf(line, span);
    this.line = line;
    this.#system = system;
    this.#span = span;
    this.#firstBucket = first;
    this.#nextBucket = after === undefined ? last : Math.min(last, Math.floor(after.startMs / line.spanMs));
    if (after === undefined || this.#nextBucket < first) return;
    this.bucket = system.rows(line, span.report, this.#nextBucket);
    this.#nextBucket -= 1;
    if (this.bucket !== undefined) this.index = lastAtOrBefore(this.bucket, after);
  }

  /** To the next row that passes; false if there is none. */
  advance(): boolean {
    for (;;) {
      const { bucket } = this;
      if (bucket !== undefined) {
        for (this.index += 1; this.index < bucket.count; this.index += 1) {
          if (bucket.visibleMs[this.index]! > this.#span.nowMs) continue;
          if (passesFilters(bucket, this.index, this.#span)) return true;
        }
      }
      if (this.#nextBucket < this.#firstBucket) return false;
      this.bucket = this.#system.rows(this.line, this.#span.report, this.#nextBucket);
      this.index = -1;
      this.#nextBucket -= 1;
    }
  }
}

/** A binary heap of walks; the one whose row comes first stands on top. */
class Heads {
  readonly #walks: LineWalk[] = [];

  get first(): LineWalk | undefined {
    return this.#walks[0];
  }

  push(walk: LineWalk): void {
    let at = this.#walks.push(walk) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (comesBefore(this.#walks[parent]!, this.#walks[at]!)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  dropFirst(): void {
    const last = this.#walks.pop()!;
    if (this.#walks.length === 0) return;
    this.#walks[0] = last;
    this.sinkFirst();
  }

  sinkFirst(): void {
    for (let at = 0; ;) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < this.#walks.length && comesBefore(this.#walks[child]!, this.#walks[least]!)) least = child;
      }
      if (least === at) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #swap(left: number, right: number): void {
    [this.#walks[left], this.#walks[right]] = [this.#walks[right]!, this.#walks[left]!];
  }
}

function comesBefore(left: LineWalk, right: LineWalk): boolean {
  const a = placeOf(left.bucket!, left.index);
  return comparePlaces(a, placeOf(right.bucket!, right.index)) < 0;
}

/** Negative if `left` is listed before `right`. */
function comparePlaces(left: Place, right: Place): number {
  if (left.startMs !== right.startMs) return right.startMs - left.startMs;
  if (left.pbxId !== right.pbxId) return left.pbxId > right.pbxId ? -1 : 1;
  return right.callId - left.callId || right.legId - left.legId;
}

export function placeOf(bucket: RowBucket, index: number): Place {
  const { startMs, callId, legId, pbxId } = bucket;
  return { startMs: startMs[index]!, pbxId, callId: callId[index]!, legId: legId[index]! };
}

/** Index of the last row that is listed at or before a place, -1 if all come after. */
function lastAtOrBefore(bucket: RowBucket, place: Place): number {
  let low = 0;
  let high = bucket.count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (comparePlaces(placeOf(bucket, middle), place) <= 0) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** A row starts at most `rowMaxMs` before the time that a window means, and nothing of the future is visible. */
function bucketsOf(line: Line, span: Span): { readonly first: number; readonly last: number } {
  return {
    first: Math.floor((span.lowMs - line.rowMaxMs) / line.spanMs),
    last: Math.floor(Math.min(span.highMs, span.nowMs) / line.spanMs),
  };
}

function liesInside(bucket: RowBucket, span: Span): boolean {
  const { minMs, maxMs } = bucket.spans[span.timeOf];
  return minMs >= span.lowMs && maxMs <= span.highMs && bucket.settledMaxMs <= span.nowMs
    && !span.simplified && span.matches === undefined;
}

function passesFilters(bucket: RowBucket, index: number, span: Span): boolean {
  const timeMs = columnOf(bucket, span.timeOf)[index]!;
  if (timeMs < span.lowMs || timeMs > span.highMs) return false;
  if (span.timeOf === 'connect' && timeMs === 0) return false;
  if (span.simplified && (bucket.marks[index]! & CHILD) !== 0) return false;
  return span.matches === undefined || span.matches(new Row(bucket, index, span.nowMs).value());
}
