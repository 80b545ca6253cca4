import { isDeep } from './deep-sweep.ts';
import { isObject, misfit, oneOf, TEXT, TIME, wholeNumber, type Expected } from './expected.ts';
import { feedNamed, type FeedId } from './feed.ts';
import type { OffsetChange, OffsetState, SeenEntry } from './offset.ts';
import { LIVE, readToMs, TOPIC_NAME, type FeedState, type PassPlan } from './pass.ts';
import { RETENTION_MS } from './window.ts';

/** Version of what a file of offsets means. */
const VERSION = 1;

/** All that an offset is, apart from the records that hold it. */
export interface SavedOffset {
  readonly feed: FeedId;
  readonly watermarkMs: number;
  readonly seenFromMs: number;
  readonly originMs: number;
  readonly state: FeedState;
  readonly pass: PassPlan | undefined;
  readonly drift: readonly string[];
  readonly seen: readonly SeenEntry[];
}

/** The offsets of a connector in a file; there is nothing in it that the offsets topic does not hold. */
export interface SavedFile {
  readonly connector: string;
  readonly offsets: readonly SavedOffset[];
}

export function saveOffset(offset: OffsetState): SavedOffset {
  const { feed, watermarkMs, seenFromMs, originMs, state, pass, drift } = offset;
  return { feed, watermarkMs, seenFromMs, originMs, state, pass, drift: [...drift], seen: [...offset.entries()] };
}

/** Everything of an offset is set, whatever it was before. */
export function restoring({ watermarkMs, seenFromMs, originMs, state, pass, drift, seen }: SavedOffset): OffsetChange {
  return { watermarkMs, seenFromMs, originMs, state, pass, drift, seen };
}

/** A feed keeps its spelling here, for a pass asks 8x8 by it. The time of a key may be one that no calendar has. */
export function writeSaved({ connector, offsets }: SavedFile, exportedAtMs: number): string {
  const feeds = offsets.map(({ feed, watermarkMs, seenFromMs, originMs, state, pass, drift, seen }) => ({
    feed: `${feed.pass}/${feed.stream}/${feed.pbxId}`,
    watermark: iso(watermarkMs),
    seenFrom: iso(seenFromMs),
    origin: iso(originMs),
    state,
    plan: pass === undefined ? null
      : { from: iso(pass.fromMs), end: iso(pass.endMs), replay: pass.replay, topic: pass.topic ?? null },
    drift,
    seen: seen.map(({ timeMs: time, key, ...entry }) => ({ key, time, ...entry })),
  }));
  return JSON.stringify({ version: VERSION, connector, exportedAt: iso(exportedAtMs), feeds });
}

interface RawPlan {
  readonly from: string;
  readonly end: string;
  readonly replay: boolean;
  /** Absent in files of before. */
  readonly topic?: string | null;
}

interface RawFeed {
  readonly feed: string;
  readonly watermark: string;
  readonly seenFrom: string;
  readonly origin: string;
  readonly state: FeedState;
  readonly plan: RawPlan | null;
  readonly drift: readonly string[];
  readonly seen: readonly (Omit<SeenEntry, 'timeMs'> & { readonly time: number })[];
}

const BOOLEAN: Expected = ['true or false', (value) => typeof value === 'boolean'];
const LIST: Expected = ['a list', Array.isArray];

const FILE_FIELDS = {
  version: [`${VERSION}, the version that this connector knows`, (value: unknown) => value === VERSION],
  connector: TEXT, exportedAt: TIME, feeds: LIST,
} as const satisfies Record<string, Expected>;

const FEED_FIELDS: Readonly<Record<keyof RawFeed, Expected>> = {
  feed: ['the name of a feed, such as live/call-legs/acme', (value) =>
    typeof value === 'string' && feedNamed(value) !== undefined],
  watermark: TIME, seenFrom: TIME, origin: TIME,
  state: oneOf(['RUNNING', 'PAUSED', 'CANCELLED']),
  plan: ['null, or what a pass was asked for', (value) => value === null || isObject(value)],
  drift: ['a list of texts', (value) => Array.isArray(value) && value.every((name) => typeof name === 'string')],
  seen: LIST,
};

const PLAN_FIELDS: Readonly<Record<keyof RawPlan, Expected>> = {
  from: TIME, end: TIME, replay: BOOLEAN,
  topic: ['null, or the name of a topic', (value) =>
    value === undefined || value === null || (typeof value === 'string' && TOPIC_NAME.test(value))],
};

const ENTRY_FIELDS: Readonly<Record<keyof RawFeed['seen'][number], Expected>> = {
  key: TEXT,
  time: wholeNumber(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
  hash: wholeNumber(0, 2 ** 48 - 1),
  revision: wholeNumber(1, 2 ** 31 - 1),
  marks: ['a text', (value) => typeof value === 'string'],
};

/** The offsets that a file holds, or why they cannot be taken: the place, and never what stands there. */
export function readSaved(text: string, nowMs: number): SavedFile | { readonly problem: string } {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    return { problem: 'it is not JSON; a JSON checker tells where' };
  }
  const foreign = misfit(file, FILE_FIELDS, 'its content');
  if (foreign !== undefined) return { problem: foreign };
  const { connector, feeds } = file as { readonly connector: string; readonly feeds: readonly RawFeed[] };
  const names = new Set<string>();
  for (const [index, feed] of feeds.entries()) {
    const place = `feeds[${index}]`;
    const problem = misshapen(feed, place) ?? untrue(feed, place, nowMs);
    if (problem !== undefined) return { problem };
    if (names.size === names.add(feed.feed.toLowerCase()).size) return { problem: `${place} is there twice` };
  }
  return { connector, offsets: feeds.map(readFeed) };
}

function misshapen(feed: RawFeed, place: string): string | undefined {
  const problem = misfit(feed, FEED_FIELDS, place)
    ?? (feed.plan === null ? undefined : misfit(feed.plan, PLAN_FIELDS, `${place}.plan`));
  if (problem !== undefined) return problem;
  const keys = new Set<string>();
  for (const [index, entry] of feed.seen.entries()) {
    const wrong = misfit(entry, ENTRY_FIELDS, `${place}.seen[${index}]`);
    if (wrong !== undefined) return wrong;
    if (keys.size === keys.add(entry.key).size) return `${place}.seen[${index}] has the key of another`;
  }
  return undefined;
}

/** What no field can be blamed for alone. What is not read any more may lie beyond what 8x8 keeps. */
function untrue(raw: RawFeed, place: string, nowMs: number): string | undefined {
  const { feed: { pass: name }, watermarkMs, seenFromMs, originMs, pass, state } = readFeed(raw);
  const ended = state === 'CANCELLED' || (pass !== undefined && watermarkMs >= readToMs(pass));
  const rules: readonly (readonly [boolean, string])[] = [
    [watermarkMs > nowMs, 'watermark lies in the future: calls would be skipped'],
    [!ended && watermarkMs < nowMs - RETENTION_MS, 'watermark lies more than two years back, 8x8 keeps no more'],
    [seenFromMs > watermarkMs, 'seenFrom must not lie behind watermark'],
    [originMs > seenFromMs, 'origin must not lie behind seenFrom'],
    [pass?.topic !== undefined && !pass.replay, 'plan.topic must be null, unless it is a replay'],
    [(name === LIVE || isDeep(name)) !== (pass === undefined),
      'plan must be null for the live pass and deep sweeps, and only for them'],
    [pass !== undefined && pass.fromMs >= pass.endMs, 'plan.from must lie before plan.end'],
    [pass === undefined && state === 'CANCELLED', 'state: the live pass and deep sweeps have no end'],
  ];
  const broken = rules.find(([wrong]) => wrong);
  return broken && `${place}.${broken[1]}`;
}

function readFeed({ feed, watermark, seenFrom, origin, plan, seen, drift, state }: RawFeed): SavedOffset {
  return {
    feed: feedNamed(feed)!,
    watermarkMs: Date.parse(watermark),
    seenFromMs: Date.parse(seenFrom),
    originMs: Date.parse(origin),
    state,
    pass: plan === null ? undefined : readPlan(plan),
    drift,
    seen: seen.map(({ key, time, hash, revision, marks }) => ({ key, timeMs: time, hash, revision, marks })),
  };
}

function readPlan({ from, end, replay, topic = null }: RawPlan): PassPlan {
  return { fromMs: Date.parse(from), endMs: Date.parse(end), replay, ...topic === null ? {} : { topic } };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
