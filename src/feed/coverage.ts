import type { Window } from './window.ts';

/** What the ledger says of a window. Times are epoch milliseconds. */
export interface WindowEntry {
  readonly windowFrom: number;
  readonly windowTo: number;
  /** A gap was passed over, not read. */
  readonly outcome: string;
  readonly new: number;
  readonly corrected: number;
  readonly late: number;
  readonly rejected: number;
  /** Of readings that came to no end. */
  readonly recovered: number;
}

/** A feed over a stretch of time, such as an hour. */
export interface Coverage {
  readonly span: Window;
  readonly windows: number;
  readonly short: number;
  readonly new: number;
  readonly corrected: number;
  readonly late: number;
  readonly rejected: number;
  /** Of readings that came to no end. */
  readonly recovered: number;
  /** What of it nobody has read, though the feed has passed it. */
  readonly holes: readonly Window[];
  /** Where the feed has not come yet; undefined if it has come to the end. */
  readonly pendingFromMs: number | undefined;
}

/** Spans that touch or overlap become one; in order. */
export function union(spans: readonly Window[]): readonly Window[] {
  const joined: Window[] = [];
  for (const span of spans.toSorted((a, b) => a.from - b.from)) {
    const last = joined.at(-1);
    if (last === undefined || last.to < span.from) joined.push(span);
    else if (span.to > last.to) joined[joined.length - 1] = { from: last.from, to: span.to };
  }
  return joined;
}

/** What of a span is in none of the others. */
export function missing(span: Window, others: readonly Window[]): readonly Window[] {
  const holes: Window[] = [];
  let from = span.from;
  for (const other of union(others)) {
    if (other.to <= from) continue;
    if (other.from >= span.to) break;
    if (other.from > from) holes.push({ from, to: other.from });
    from = other.to;
  }
  return from < span.to ? [...holes, { from, to: span.to }] : holes;
}

/** A stretch of time in pieces that begin at whole multiples of `sizeMs`; the first and the last may be shorter. */
export function pieces({ from, to }: Window, sizeMs: number): readonly Window[] {
  const all: Window[] = [];
  for (let at = from; at < to;) {
    const next = Math.min((Math.floor(at / sizeMs) + 1) * sizeMs, to);
    all.push({ from: at, to: next });
    at = next;
  }
  return all;
}

/**
 * A feed, piece by piece, as its entries tell. A window counts in the piece where it ends; what it has read, wherever
 * it lies. Nothing is missing before the first entry, for nobody knows where the feed began, nor behind the last one.
 */
export function coverageOf(entries: readonly WindowEntry[], spans: readonly Window[]): readonly Coverage[] {
  const read = union(entries.filter(({ outcome }) => outcome !== 'gap').map(windowOf));
  const known = union(entries.map(windowOf));
  const [beginMs, endMs] = [known[0]?.from ?? Infinity, known.at(-1)?.to ?? -Infinity];
  return spans.map((span) => {
    const ended = entries.filter(({ windowTo }) => windowTo > span.from && windowTo <= span.to);
    const sum = (name: 'new' | 'corrected' | 'late' | 'rejected' | 'recovered'): number =>
      ended.reduce((all, entry) => all + entry[name], 0);
    const passed = { from: Math.max(span.from, beginMs), to: Math.min(span.to, endMs) };
    return {
      span,
      windows: ended.length,
      short: ended.filter(({ outcome }) => outcome === 'short').length,
      new: sum('new'),
      corrected: sum('corrected'),
      late: sum('late'),
      rejected: sum('rejected'),
      recovered: sum('recovered'),
      holes: passed.from < passed.to ? missing(passed, read) : [],
      pendingFromMs: endMs >= span.to ? undefined : Math.max(endMs, span.from),
    };
  });
}

function windowOf({ windowFrom: from, windowTo: to }: WindowEntry): Window {
  return { from, to };
}
