import type { ReadRecord } from '../reader/topics.ts';
import type { Dumps, LedgerRow, Report } from './dumps.ts';
import { readFeeds, type Feeds, type Head } from './feeds.ts';
import { rulesOf, subjectOf, type Rules } from './rules.ts';
import { findScans, type Scans } from './scans.ts';
import { committedTransactions } from './transactions.ts';

/** What is told of windows. */
export type AuditTopic = 'ledger' | 'watermarks' | 'drift';

/** Where whole calls are told. */
export type CallsTopic = 'calls';

/** A record of a topic of events: of rows, unless said otherwise. */
export interface PublishedEvent<Topic = Report | 'rejected'> {
  readonly record: ReadRecord;
  readonly topic: Topic;
  /** Event id, subject and the rest, as its headers and value have them. */
  readonly id: string;
  readonly subject: string;
  readonly value: Readonly<Record<string, unknown>>;
  /** Key of its feed's head, and number of its commit; undefined if its header does not tell. */
  readonly feed: string | undefined;
  readonly commit: number;
}

/** A row of the ledger, under the names that events have. */
export interface ShownRow extends LedgerRow {
  readonly subject: string;
}

/** The dumps, and what follows from them. */
export interface Evidence extends Dumps {
  readonly rules: Rules;
  /** Committed events of rows, dead letters included, in the order of their partitions. */
  readonly events: readonly PublishedEvent[];
  /** What is told of windows: the ledger and the watermarks. */
  readonly audits: readonly PublishedEvent<AuditTopic>[];
  readonly auditsOf: (feed: string, commit: number) => readonly PublishedEvent<AuditTopic>[];
  /** Committed events of whole calls, in the order of their partitions. */
  readonly calls: readonly PublishedEvent<CallsTopic>[];
  readonly callsOf: (feed: string, commit: number) => readonly PublishedEvent<CallsTopic>[];
  readonly eventsOf: (feed: string, commit: number) => readonly PublishedEvent[];
  /** Committed events of a row, not dead letters. */
  readonly eventsAbout: (report: Report, subject: string) => readonly PublishedEvent[];
  readonly rows: readonly ShownRow[];
  /** The head of a commit; undefined if it is not there. */
  readonly headOf: (commit: Pick<PublishedEvent, 'feed' | 'commit'>) => Head | undefined;
  /**
   * Names what may be published once: all that live feeds and backfills publish has one line, with the empty name.
   * A replay publishes again on purpose, in a line of its own.
   */
  readonly lineOf: (feed: string | undefined) => string;
  /** The dead letter with which a head moves over what 8x8 no longer keeps; undefined for any other head. */
  readonly gapLetterOf: (head: Head) => PublishedEvent | undefined;
  readonly feeds: Feeds;
  readonly scans: Scans;
  /** By place of a committed record: see {@link committedTransactions}. */
  readonly transactions: ReadonlyMap<string, string | null>;
}

export function evidenceOf(dumps: Dumps): Evidence {
  const { run, committed, prefix } = dumps;
  const inTopics = inOrder(committed);
  const events = inTopics.flatMap((record) => publishedEvent(run, ROW_TOPICS, record));
  const audits = inTopics.flatMap((record) => publishedEvent(run, AUDIT_TOPICS, record));
  const calls = inTopics.flatMap((record) => publishedEvent(run, CALLS_TOPICS, record));
  const auditsByCommit = Map.groupBy(audits, commitOf);
  const callsByCommit = Map.groupBy(calls, commitOf);
  const byCommit = Map.groupBy(events, commitOf);
  const byRow = Map.groupBy(events, ({ topic, subject }) => `${topic} ${subject}`);
  const isOffset = ({ topic }: ReadRecord): boolean => topic === run.topics.offsets;
  const rules = rulesOf(run);
  const rows = dumps.ledger.map((row) => ({ ...row, subject: subjectOf(row.key) }));
  // Compaction takes heads away; whoever read all the while has seen them.
  const feeds = readFeeds(run, inOrder(withoutRepeats([...committed, ...prefix].filter(isOffset))));
  const eventsOf: Evidence['eventsOf'] = (feed, commit) => byCommit.get(`${feed}/${commit}`) ?? [];
  const headsByCommit = new Map(feeds.heads.map((head) => [`${head.feed}/${head.commit}`, head]));
  const gapLetterOf: Evidence['gapLetterOf'] = ({ feed, commit }) =>
    eventsOf(feed, commit).find(({ value }) => value['code'] === 'RETENTION_GAP');
  return {
    ...dumps,
    rules,
    events,
    audits,
    auditsOf: (feed, commit) => auditsByCommit.get(`${feed}/${commit}`) ?? [],
    calls,
    callsOf: (feed, commit) => callsByCommit.get(`${feed}/${commit}`) ?? [],
    eventsOf,
    gapLetterOf,
    eventsAbout: (report, subject) => byRow.get(`${report} ${subject}`) ?? [],
    rows,
    headOf: ({ feed, commit }) => headsByCommit.get(`${feed}/${commit}`),
    lineOf: (feed = '') => (feeds.byFeed.get(feed)?.[0]?.plan?.replay === true ? feed : ''),
    feeds,
    transactions: committedTransactions(dumps.log),
    scans: findScans(dumps, feeds, (head) => gapLetterOf(head) === undefined),
  };
}

/** Where a record stands: `topic-partition@offset`. */
export function placeOf({ topic, partition, offset }: Pick<ReadRecord, 'topic' | 'partition' | 'offset'>): string {
  return `${topic}-${partition}@${offset}`;
}

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

const ROW_TOPICS = ['call-legs', 'call-records', 'rejected'] as const;
const AUDIT_TOPICS = ['ledger', 'watermarks', 'drift'] as const;
const CALLS_TOPICS = ['calls'] as const;

function commitOf({ feed, commit }: Pick<PublishedEvent, 'feed' | 'commit'>): string {
  return `${feed}/${commit}`;
}

function publishedEvent<Topic extends Report | 'rejected' | AuditTopic | CallsTopic>(
  { topics, replayTopics }: Dumps['run'], among: readonly Topic[], record: ReadRecord,
): readonly PublishedEvent<Topic>[] {
  const topic = among.find((name) => topics[name] === record.topic || replayTopics?.[record.topic] === name);
  if (topic === undefined) return [];
  const { headers } = record;
  const [, feed, commit] = /^(.+)\/(\d+)$/.exec(headers['ce_commit'] ?? '') ?? [];
  return [{
    record,
    topic,
    id: headers['ce_id'] ?? '',
    subject: headers['ce_subject'] ?? '',
    value: record.value ?? {},
    feed,
    commit: Number(commit ?? -1),
  }];
}

function inOrder(records: readonly ReadRecord[]): readonly ReadRecord[] {
  return records.toSorted((a, b) =>
    (a.topic < b.topic ? -1 : Number(a.topic > b.topic)) || a.partition - b.partition || a.offset - b.offset);
}

function withoutRepeats(records: readonly ReadRecord[]): readonly ReadRecord[] {
  return [...new Map(records.map((record) => [placeOf(record), record])).values()];
}
