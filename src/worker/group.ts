import { ConnectorError } from '../errors.ts';
import { LIVE } from '../feed/pass.ts';
import type { Candidate, FeedTurn, ReadTurn } from '../feed/schedule.ts';
import { isShort } from '../feed/window.ts';
import type { Reading, Source } from '../source/source.ts';
import { readId } from '../streams/kinds.ts';
import { foldPbx, wasAskedFor } from '../streams/pbx.ts';
import type { RawRow } from '../streams/stream.ts';
import type { Feed, Io } from './poll.ts';

/** More rows are not held for feeds that wait until those before them have committed theirs. */
const ROWS_MAX = 7_000;

/** One PBX may be refused, or so many of them. */
const REFUSALS: ReadonlySet<string> = new Set(['SOURCE_REFUSED', 'SOURCE_PBX_REFUSED']);

/** After a group of two has failed, that long every feed is read alone. */
const REST_MS = 10 * 60_000;

/**
 * Reads the windows of several feeds by one request, when requests are what is short: when a feed has waited longer
 * than its step for its turn, and others of its stream wait for the same time.
 *
 * Each feed then goes through its own window as if it had asked alone; nothing of a feed is different but who has
 * asked. That a request can name several PBXs is documented, but not how many, nor what becomes of all if one is
 * refused. So the group grows by one while all goes well, and is halved when its rows are too many, when 8x8 counts
 * others, refuses it, or shows a row that is nobody's: then who had the turn is read alone.
 */
export class Groups {
  readonly #max: number;
  #size = 2;
  #restUntilMs = -Infinity;

  /** @param max how many feeds one request reads at most; 1: each is read alone */
  constructor(max: number) {
    this.#max = max;
  }

  /** Who can be read with the one whose turn it is; nobody if requests are not short. */
  besides(turn: ReadTurn<Feed>, candidates: readonly GroupCandidate[], nowMs: number): readonly ReadTurn<Feed>[] {
    const { feed, window: { to }, sweep } = turn;
    const watermarkMs = candidates.find((other) => other.feed === feed)!.watermarkMs;
    const isShortOfRequests = to - watermarkMs >= 2 * feed.pace.stepMinMs;
    const size = nowMs < this.#restUntilMs ? 1 : Math.min(this.#size, this.#max);
    if (size < 2 || !isShortOfRequests || !isGroupable(feed)) return [];
    const longestFirst = candidates.toSorted((a, b) => a.lastTurn - b.lastTurn);
    const others = longestFirst.flatMap(({ feed: other, plan, notBeforeMs, ...at }): readonly ReadTurn<Feed>[] => {
      if (other === feed || other.stream !== feed.stream || !isGroupable(other)) return [];
      if (plan.kind !== 'read' || plan.sweep !== sweep || notBeforeMs > nowMs) return [];
      // Not beyond where it has settled, and not to where it has been.
      if (plan.window.to < to || at.watermarkMs >= to) return [];
      return [{ ...plan, feed: other, window: { from: plan.window.from, to } }];
    });
    return others.slice(0, size - 1);
  }

  /**
   * Reads them all; undefined where it cannot be done at once, and each must ask for itself.
   *
   * @throws ConnectorError `retry`, as of one feed that is read alone.
   */
  async read(readers: readonly FeedTurn<Feed>[], { source, clock, signal }: Io): Promise<Source | undefined> {
    const { feed: { stream }, window: { to } } = readers[0]!;
    const from = Math.min(...readers.map(({ window }) => window.from));
    const pbxId = readers.map(({ feed }) => feed.id.pbxId).join(',');
    const rows = await allRows(source.readPages({ stream, pbxId, window: { from, to } }, signal), pbxId);
    if (rows === undefined) {
      this.#size = Math.max(2, Math.floor(readers.length / 2));
      if (readers.length === 2) this.#restUntilMs = clock.nowMs() + REST_MS;
      return undefined;
    }
    this.#size = Math.max(this.#size, Math.min(readers.length + 1, this.#max));
    return {
      check: (inner) => source.check(inner),
      aheadMs: () => source.aheadMs(),
      async *readPages({ pbxId: own }) {
        const ofFeed = rows.all.filter((row) => wasAskedFor(own, pbxOf(row)));
        const received = ofFeed.length;
        yield { rows: ofFeed, reading: { total: rows.counted ? received : undefined, received, attempts: 1 } };
      },
    };
  }
}

/** A feed that may have its turn now, and where it stands. */
export interface GroupCandidate extends Candidate<Feed> {
  readonly watermarkMs: number;
}

/** `allpbxes` has nobody beside it, and a pass over history is not to hinder another one. */
function isGroupable({ id }: Feed): boolean {
  return id.pass === LIVE && foldPbx(id.pbxId) !== 'allpbxes';
}

interface GroupRows {
  readonly all: readonly RawRow[];
  /** 8x8 has counted them, and has shown as many. */
  readonly counted: boolean;
}

async function allRows(pages: ReturnType<Source['readPages']>, asked: string): Promise<GroupRows | undefined> {
  let all: RawRow[] = [];
  let reading: Reading = { total: undefined, received: 0, attempts: 1 };
  try {
    for await (const page of pages) {
      if (page.reading.attempts > reading.attempts) all = []; // the window is read anew
      reading = page.reading;
      all.push(...page.rows);
      if (Math.max(all.length, reading.total ?? 0) > ROWS_MAX) return undefined;
    }
  } catch (error) {
    if (error instanceof ConnectorError && REFUSALS.has(error.code)) return undefined;
    throw error;
  }
  const isNobodys = (row: RawRow): boolean => !wasAskedFor(asked, pbxOf(row));
  return isShort(reading) || all.some(isNobodys) ? undefined : { all, counted: reading.total !== undefined };
}

/** As {@link wasAskedFor} wants it; empty if the row does not say. */
function pbxOf({ pbxId }: RawRow): string {
  return foldPbx(readId(pbxId) ?? '');
}
