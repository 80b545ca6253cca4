import type { LogEntry } from '../reader/segments.ts';
import type { ReadRecord } from '../reader/topics.ts';
import type { AnswerLine, Dumps, Report, Row, Run } from './dumps.ts';
import type { Head } from './feeds.ts';
import { auditsOf } from './good-audits.ts';
import { corrected, deadLetter, idOf, published, type PlannedEvent } from './good-events.ts';
import { makePoison, makeRow, seconds, START, type GoodRow } from './good-rows.ts';

/** A transaction of the hand-made run: a takeover, a reset, or a commit of a feed. */
export interface Step {
  kind: 'barrier' | 'reset' | 'commit';
  aborted?: boolean;
  /** What a reset does. */
  change: string;
  pass: string;
  /** Of a pass over history. */
  plan?: { from: number; end: number; replay: boolean };
  state: string;
  origin: number;
  report: Head['report'];
  number: number;
  generation: number;
  scan: number;
  atS: number;
  window?: { from: number; to: number };
  watermark: number;
  seenFrom: number;
  events: PlannedEvent[];
  /** A step whose keys are forgotten with this one. */
  forgets?: Step;
  /** Fingerprints of them are left. */
  seals?: boolean;
  /** From when on the feed knows all that it has published, if that is not where its keys begin. */
  remembered?: number;
  /** Events that the manifest counts, but that are not there. */
  lost?: PlannedEvent[];
  /** What it tells of its window, where that is not the truth. */
  tells?: (audits: readonly PlannedEvent[]) => readonly PlannedEvent[];
  /** What the manifest says instead of the truth. */
  says?: Row;
  /** What stands in place of the head's value. */
  value?: Row | null;
}

/** All that a run is made of; a bad one is a good one with a change. */
export interface Plan {
  run: Run;
  rows: GoodRow[];
  answers: AnswerLine[];
  steps: Step[];
}

const TOPICS: Run['topics'] = {
  'call-legs': 'c.call-legs', 'call-records': 'c.call-records', rejected: 'c.rejected',
  ledger: 'c.ledger', watermarks: 'c.watermarks', drift: 'c.drift', offsets: 'c.offsets',
};
/** Where whole calls are told, in a run that has them. */
export const CALLS_TOPIC = 'c.calls';
const SHARD = 3;

/**
 * Two feeds of one PBX, a shard that is taken over once, and three readings of each window. A row comes late, another
 * is shown damaged first, one is poison, one is changed after it was published, and a commit is aborted.
 */
export function goodPlan(): Plan {
  const [a, b, record] = [makeRow(101, 1, 10), makeRow(101, 2, 20), makeRow(101, 0, 21)];
  const first = makeRow(102, 1, 30).ledger.revisions[0]!.row;
  const revised = makeRow(102, 1, 30, {
    revisions: [
      { visibleFromMs: seconds(31), timesServed: 1, row: first },
      { visibleFromMs: seconds(330), timesServed: 1, row: { ...first, status: 'Changed' } },
    ],
  });
  const late = makeRow(103, 1, 40, { visibleFromMs: seconds(310) });
  const poison = makePoison(104, 50);
  const damaged = makeRow(105, 1, 200, { lastDamagedMs: seconds(301) });
  const damagedCopy = { ...damaged.ledger.revisions[0]!.row, talkTimeMS: 'a while' };
  const [one, two, three] = [window(0, 240), window(0, 290), window(0, 310)];
  return {
    run: makeRun(),
    rows: [a, b, record, revised, late, poison, damaged],
    answers: makeAnswers(damagedCopy),
    steps: [
      step({ kind: 'barrier', generation: 1, atS: 300 }),
      step({ number: 1, generation: 1, atS: 300, watermark: START }),
      step({ report: 'call-records', number: 1, generation: 1, atS: 300, watermark: START }),
      step({ number: 2, generation: 1, atS: 302, scan: 1, window: one, watermark: START, events: [
        published(a, 301), published(b, 301), published(revised, 301), deadLetter(poison, one, 301),
        deadLetter(damaged, one, 301),
      ] }),
      step({ number: 3, generation: 1, atS: 303, scan: 1, window: one }),
      step({ report: 'call-records', number: 2, generation: 1, atS: 304, scan: 1, window: one, watermark: START,
        events: [published(record, 303)] }),
      step({ report: 'call-records', number: 3, generation: 1, atS: 305, scan: 1, window: one }),
      step({ number: 4, generation: 1, atS: 313, scan: 3, window: two, aborted: true, events: [published(late, 312)] }),
      step({ kind: 'barrier', generation: 2, atS: 318 }),
      step({ number: 4, generation: 2, atS: 321, scan: 3, window: two, watermark: seconds(240),
        events: [published(late, 320), published(damaged, 320)] }),
      step({ number: 5, generation: 2, atS: 322, scan: 3, window: two }),
      step({ report: 'call-records', number: 4, generation: 2, atS: 323, scan: 3, window: two }),
      step({ number: 6, generation: 2, atS: 340, scan: 5, window: three, watermark: seconds(290),
        events: [corrected(revised, 340, { status: 'Changed' })] }),
      step({ number: 7, generation: 2, atS: 341, scan: 5, window: three }),
      step({ report: 'call-records', number: 5, generation: 2, atS: 342, scan: 4, window: three }),
      step({ kind: 'barrier', generation: 3, atS: 350 }),
      step({ kind: 'barrier', generation: 4, atS: 351, aborted: true }),
    ],
  };
}

export function window(fromS: number, toS: number): { from: number; to: number } {
  return { from: seconds(fromS), to: seconds(toS) };
}

export function step(some: Partial<Step> & Pick<Step, 'generation' | 'atS'>): Step {
  return {
    kind: 'commit', change: 'reset', pass: 'live', state: 'RUNNING', origin: START, report: 'call-legs', number: 0,
    scan: 0, seenFrom: START, events: [], watermark: some.window?.to ?? START, ...some,
  };
}

/** The dumps of a run that went as planned. */
export function dumpsOf({ run, rows, answers, steps }: Plan): Dumps {
  const ends = new Map<string, number>();
  const [committed, uncommitted, log]: [ReadRecord[], ReadRecord[], LogEntry[]] = [[], [], []];
  const pages: Pages = new Map();
  for (const [index, one] of steps.entries()) {
    const producer = { producerId: 7, producerEpoch: one.generation, transactional: true };
    const truth = auditsOf(one, steps.slice(0, index));
    const audits = one.tells?.(truth) ?? truth;
    const records = [...eventRecords(one, audits), ...offsetRecords(one, audits, pages)].map((record) => {
      const place = `${record.topic}-${record.partition}`;
      const offset = ends.get(place) ?? 0;
      ends.set(place, offset + 1);
      return { ...record, offset };
    });
    uncommitted.push(...records);
    if (!one.aborted) committed.push(...records);
    for (const { topic, partition, offset } of records) log.push({ topic, partition, offset, ...producer });
    for (const place of new Set(records.map(({ topic, partition }) => `${topic}-${partition}`))) {
      const offset = ends.get(place)!;
      ends.set(place, offset + 1);
      const [topic, partition] = [place.slice(0, -2), Number(place.slice(-1))];
      log.push({ topic, partition, offset, ...producer, marker: one.aborted ? 'ABORT' : 'COMMIT' });
    }
  }
  return {
    run,
    ledger: rows.map(({ ledger }) => ledger),
    answers,
    committed,
    uncommitted,
    log,
    ends: [...ends].map(([place, end]) => ({
      topic: place.slice(0, -2), partition: Number(place.slice(-1)), stableEnd: end, end, segments: true,
    })),
    prefix: committed.filter(({ topic, offset }) => topic !== TOPICS.offsets && offset < 4),
    artefacts: { log: '{"msg":"polled"}\n' },
  };
}

type Placed = Omit<ReadRecord, 'offset'>;

function eventRecords({ events, number, ...feed }: Step, audits: readonly PlannedEvent[]): readonly Placed[] {
  return [...events, ...audits].map(({ topic, subject, id, key, partition, timestamp, value, headers, commit }) => ({
    topic: topic === 'calls' ? CALLS_TOPIC : TOPICS[topic], partition, timestamp, key, value: { ...value },
    headers: { ce_id: id, ce_subject: subject, ce_commit: commit ?? `${feedOf(feed)}/${number}`, ...headers },
  }));
}

/** Hashes of the keys that are remembered, by the step that added them. */
type Pages = Map<Step, readonly number[]>;

function offsetRecords(one: Step, audits: readonly PlannedEvent[], pages: Pages): readonly Placed[] {
  const { kind, pass, report, number, generation, scan, window: read, events, lost = [], watermark, origin } = one;
  const record = (key: string, value: Row | null): Placed =>
    ({ topic: TOPICS.offsets, partition: SHARD, timestamp: seconds(one.atS), key, value, headers: {} });
  const rest = { pass, stream: report, pbxId: 'Acme' };
  if (kind === 'barrier') return [record('c/live/barrier', { kind: 'BARRIER', barrier: `${one.atS}` })];
  const living = new Map([...pages, [one, events.map(({ id }) => hashOf(id))]]);
  const sealed = one.seals ? one.forgets!.events.map(({ subject }) => hashOf(idOf(subject))).sort((a, b) => a - b) : [];
  if (one.forgets !== undefined) setOrDelete(living, one.forgets, one.seals ? sealed : undefined);
  if (!one.aborted) for (const step of [one, one.forgets ?? one]) setOrDelete(pages, step, living.get(step));
  const known = [...living].filter(([step]) => isSameFeed(step, one)).flatMap(([, hashes]) => hashes);
  const counted = [...events, ...lost, ...audits.filter(({ topic }) => topic === 'ledger')];
  const manifest = {
    generation, commit: number, scan, windowFrom: read?.from ?? null, windowTo: read?.to ?? null,
    published: counted.filter(({ topic }) => /^call-/.test(topic)).length,
    rejected: counted.filter(({ topic }) => topic === 'rejected').length,
    told: counted.filter(({ topic }) => topic === 'ledger' || topic === 'calls').length,
    digest: sum(counted.map(({ id }) => hashOf(id))), seenKeys: known.length,
    seenDigest: sum(known), ...one.says,
  };
  const name = feedOf(one);
  const { seenFrom, remembered: rememberedFrom = null, state, plan = null, value } = one;
  const head = record(name, value === undefined
    ? { kind: 'HEAD', ...rest, watermark, seenFrom, rememberedFrom, origin, state, plan, manifest } : value);
  const entries = events.map(({ subject, id, timestamp }) => ({ key: subject, timeMs: timestamp, hash: hashOf(id) }));
  const seen = record(`${name}/seen/${one.atS}`, { kind: 'SEEN', ...rest, page: one.atS, entries });
  const left = { kind: 'SEEN', ...rest, page: one.forgets?.atS, entries: [], fingerprints: bytesOf(sealed) };
  const forgotten = record(`${name}/seen/${one.forgets?.atS}`, one.seals ? left : null);
  const note = { change: one.change, who: 'somebody', at: seconds(one.atS), reason: 'a test' };
  const reset = record(`${name}/reset`, { kind: 'RESET', ...rest, watermark, ...note });
  return [
    ...(kind === 'reset' ? [reset] : []), head, ...(one.forgets === undefined ? [] : [forgotten]),
    ...(entries.length > 0 ? [seen] : []),
  ];
}

/** Six bytes each. */
function bytesOf(numbers: readonly number[]): Buffer {
  return Buffer.from(numbers.map((number) => number.toString(16).padStart(12, '0')).join(''), 'hex');
}

function setOrDelete<K, V>(map: Map<K, V>, key: K, value: V | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}

function makeRun(): Run {
  return {
    connector: 'c',
    topics: TOPICS,
    settings: {
      START_FROM: new Date(START).toISOString(), EIGHT_PBX_IDS: 'acme', EIGHT_REQUESTS_PER_MINUTE: '60',
      PACE_STEP_MIN: '1s', PACE_LOOKBACK: '15m', PACE_SWEEP_EVERY: '5s',
    },
    repeat: 'SEED=1 node run.ts',
    workersStarted: 2,
    drainedAtMs: seconds(341),
    caughtUpToMs: seconds(300),
    skewMs: 0,
    tokenLifetimeS: 1_800,
    forbiddenPbxIds: [],
    recordsFilter: 'disconnect',
    canaries: [{ name: 'name', pattern: 'SMITH' }, { name: 'secret', pattern: 'hunter2' }],
  };
}

function makeAnswers(damagedCopy: Row): AnswerLine[] {
  const token = (atS: number): AnswerLine => answer({ endpoint: 'token', atMs: seconds(atS), query: {}, token: null });
  return [
    token(300),
    asked('call-legs', 301, [0, 240], { rows: 5, strange: [damagedCopy], fault: 'damaged-row' }),
    asked('call-legs', 301, [0, 240], { scrolling: true }),
    asked('call-records', 303, [0, 240], { rows: 1 }),
    asked('call-records', 303, [0, 240], { scrolling: true }),
    asked('call-legs', 312, [0, 290], { rows: 6 }),
    token(316),
    asked('call-legs', 317, [0, 290], { status: 429, fault: 'throttled', silentUntilMs: seconds(319) }),
    asked('call-legs', 320, [0, 290], { rows: 6 }),
    asked('call-records', 322, [0, 290], { rows: 1 }),
    asked('call-legs', 340, [0, 310], { rows: 6 }),
    asked('call-records', 341, [0, 310], { rows: 1 }),
  ].map((line, index) => ({ ...line, number: index + 1 }));
}

/** A request for a window, in seconds from the start; a worker has a token of its own. */
export function asked(
  endpoint: Report, atS: number, [fromS, toS]: readonly [number, number], more: Partial<AnswerLine> = {},
): AnswerLine {
  const text = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
  const query = {
    pbxId: 'acme', startTime: text(seconds(fromS)), endTime: text(seconds(toS)), timeZone: 'UTC', pageSize: '1000',
  };
  return answer({ endpoint, atMs: seconds(atS), query, token: atS < 316 ? 'simulated-1' : 'simulated-2', ...more });
}

function answer(some: Pick<AnswerLine, 'endpoint' | 'atMs' | 'query' | 'token'> & Partial<AnswerLine>): AnswerLine {
  return { number: 0, scrolling: false, status: 200, fault: null, rows: 0, strange: [], silentUntilMs: null, ...some };
}

function feedOf({ pass, report }: Pick<Step, 'pass' | 'report'>): string {
  return `c/${pass}/${report}/acme`;
}

export function isSameFeed(a: Step, b: Step): boolean {
  return feedOf(a) === feedOf(b);
}

function hashOf(id: string): number {
  return Number.parseInt(id.slice(0, 12), 16);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => (total + number) % 2 ** 48, 0);
}
