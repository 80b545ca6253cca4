import type { Call } from './call.ts';
import { bucketSpanMs, CALL_LENGTHS, makeCalls } from './calls.ts';
import type { CallLength } from './calls.ts';
import { hashText } from './random.ts';
import { makeRowBucket } from './row-bucket.ts';
import type { RowBucket } from './row-bucket.ts';
import type { LegCountRule, Report } from './rows.ts';

/** A world of calls. Shares are 0 to 1, times epoch milliseconds, spans milliseconds. */
export interface PhoneSystemOptions {
  /** Equal seeds and options make equal worlds. */
  readonly seed: number;
  /** Names of the PBXes. */
  readonly pbxIds: readonly string[];
  /** Root calls per hour of each PBX, 1 to 1,000,000. With their legs, about 2.6 rows each. */
  readonly callsPerHour: number;
  /** Calls begin at `startedAtMs - historyMs` at the earliest, and before `endsAtMs`. */
  readonly startedAtMs: number;
  readonly historyMs: number;
  readonly endsAtMs: number;
  /** From disconnect until a row can be read. NOT DOCUMENTED by 8x8. */
  readonly latencyMs: number;
  /** Share of rows that come later than that, and how much later at most. */
  readonly lateShare: number;
  readonly lateMaxMs: number;
  /** Share of rows whose content changes after it was first seen (once or twice), and how long each change waits. */
  readonly revisedShare: number;
  readonly revisedMaxMs: number;
  /** Share of rows that nobody can map, for ever. */
  readonly poisonShare: number;
  /** Share of calls that have a record but no legs. */
  readonly leglessShare: number;
  readonly legCount: LegCountRule;
  /** Rows kept ready in memory; others are made again when asked for. A row takes about 1.6 kB. */
  readonly rowsCachedMax: number;
}

export const PHONE_SYSTEM_DEFAULTS: Omit<PhoneSystemOptions, 'startedAtMs'> = {
  seed: 1,
  pbxIds: ['acme', 'globex'],
  callsPerHour: 100,
  historyMs: 24 * 3_600_000,
  endsAtMs: Infinity,
  latencyMs: 30_000,
  lateShare: 0,
  lateMaxMs: 600_000,
  revisedShare: 0,
  revisedMaxMs: 600_000,
  poisonShare: 0,
  leglessShare: 0.02,
  legCount: 'own',
  rowsCachedMax: 1_500_000,
};

/** The calls of one length of one PBX. Its rows lie in buckets of equal span, by their start time. */
export interface Line {
  readonly name: string;
  readonly pbxId: string;
  readonly pbxHash: number;
  readonly length: CallLength;
  readonly spanMs: number;
  /** No row ends later than this after its start. */
  readonly rowMaxMs: number;
}

/**
 * The truth of the simulator: what calls there are, and from when each row of them can be read. Knows no
 * clock: whoever asks says what time it is. Made lazily, bucket by bucket, so its size is that of what was asked for.
 */
export interface PhoneSystem {
  readonly options: PhoneSystemOptions;
  /** Names of the PBXes by now. */
  pbxIds(): readonly string[];
  /**
   * All rows of a PBX, also those of before, have its new name from now on, and nobody has the old one.
   *
   * UNVERIFIED: what 8x8 does with the rows of before is not documented. A tenant that renames a PBX would show it.
   */
  rename(from: string, to: string): void;
  /** The lines of the named PBXes; a name nobody has adds none. */
  lines(pbxIds: readonly string[]): readonly Line[];
  /** The rows that start in `[index * spanMs, (index + 1) * spanMs)`; undefined where no call can be. */
  rows(line: Line, report: Report, index: number): RowBucket | undefined;
  /** What `queryPage` knows of the size of a window, so that paging through it does not count it again. */
  readonly counts: Map<string, WindowCount>;
}

/** How many rows a window shows, and from when to when that holds. */
export interface WindowCount {
  readonly count: number;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** @param options all but `startedAtMs` have defaults: {@link PHONE_SYSTEM_DEFAULTS} */
export function createPhoneSystem(
  options: Partial<PhoneSystemOptions> & Pick<PhoneSystemOptions, 'startedAtMs'>,
): PhoneSystem {
  const settled: PhoneSystemOptions = { ...PHONE_SYSTEM_DEFAULTS, ...options };
  const firstCallMs = settled.startedAtMs - settled.historyMs;
  const linesByPbx = new Map<string, readonly Line[]>(settled.pbxIds.map((pbxId) =>
    [pbxId, makeLines(pbxId, settled.callsPerHour)]));
  const callCaches = new Map<string, RecentCache<readonly Call[]>>();
  const rowCache = new RecentCache<RowBucket>(settled.rowsCachedMax, (bucket) => bucket.count);

  const callCacheOf = (line: Line): RecentCache<readonly Call[]> => {
    // Just enough for both reports to look behind without making calls twice.
    const known = callCaches.get(line.name) ?? new RecentCache(2 * (lookBehind(line) + 2), () => 1);
    callCaches.set(line.name, known);
    return known;
  };

  const calls = (line: Line, index: number): readonly Call[] =>
    (index + 1) * line.spanMs <= firstCallMs ? [] : makeCallsOf(line, index);

  const makeCallsOf = (line: Line, index: number): readonly Call[] => callCacheOf(line).get(`${index}`, () => {
    const { seed, callsPerHour, leglessShare } = settled;
    const { pbxHash, length, spanMs } = line;
    return makeCalls({ seed, pbxHash, length, spanMs, fromMs: index * spanMs, callsPerHour, leglessShare,
      notBeforeMs: firstCallMs, beforeMs: settled.endsAtMs });
  });

  const callsReaching = function* (line: Line, index: number): Generator<Call> {
    // A leg may start long after its call: its bucket must look at calls of earlier buckets, too.
    for (let from = index - lookBehind(line); from <= index; from += 1) yield* calls(line, from);
  };

  return {
    options: settled,
    counts: new Map(),
    pbxIds: () => [...linesByPbx.keys()],
    rename(from, to) {
      const lines = linesByPbx.get(from)!.map((line) => ({ ...line, name: `${to}/${line.length}`, pbxId: to }));
      linesByPbx.delete(from);
      linesByPbx.set(to, lines);
    },
    lines: (pbxIds) => pbxIds.flatMap((pbxId) => linesByPbx.get(pbxId) ?? []),

    rows(line, report, index) {
      const fromMs = index * line.spanMs;
      const toMs = fromMs + line.spanMs;
      if (toMs <= firstCallMs || fromMs > settled.endsAtMs + line.rowMaxMs) return undefined;
      const id = `${line.name}/${report}/${index}`;
      return rowCache.get(id, () => makeRowBucket({ id, report, pbxId: line.pbxId, fromMs, toMs },
        callsReaching(line, index), { ...settled, pbxHash: line.pbxHash }));
    },
  };
}

/** Buckets before a row's own in which its call may have begun. */
function lookBehind(line: Line): number {
  return Math.ceil(line.rowMaxMs / line.spanMs);
}

function makeLines(pbxId: string, callsPerHour: number): readonly Line[] {
  return (['short', 'long'] as const).map((length) => ({
    name: `${pbxId}/${length}`,
    pbxId,
    pbxHash: hashText(pbxId),
    length,
    spanMs: bucketSpanMs(length, callsPerHour),
    // One millisecond more, because a record may end after its last leg.
    rowMaxMs: CALL_LENGTHS[length].lifeMaxMs + 1,
  }));
}

/** Keeps what was used last, up to a total weight; the newest entry always stays. */
class RecentCache<T> {
  readonly #entries = new Map<string, T>();
  readonly #weightMax: number;
  readonly #weigh: (entry: T) => number;
  #weight = 0;

  constructor(weightMax: number, weigh: (entry: T) => number) {
    this.#weightMax = weightMax;
    this.#weigh = weigh;
  }

  get(key: string, make: () => T): T {
    const known = this.#entries.get(key);
    if (known !== undefined) {
      this.#entries.delete(key);
      this.#entries.set(key, known);
      return known;
    }
    const made = make();
    this.#entries.set(key, made);
    this.#weight += this.#weigh(made);
    for (const [oldKey, oldEntry] of this.#entries) {
      if (this.#weight <= this.#weightMax || oldKey === key) break;
      this.#entries.delete(oldKey);
      this.#weight -= this.#weigh(oldEntry);
    }
    return made;
  }
}
