import type { ReadRecord } from '../reader/topics.ts';
import type { Report, Run } from './dumps.ts';

/** How many, and their sum modulo 2^48. */
export interface Tally {
  readonly count: number;
  readonly sum: number;
}

/** A HEAD of the offsets topic: where a feed stood after a commit, and what that commit held. */
export interface Head {
  readonly record: ReadRecord;
  /** Its key, which names the feed. */
  readonly feed: string;
  readonly report: Report;
  /** What a request asks for: a PBX, several with commas, or `allpbxes`; in lower case. */
  readonly pbxs: string;
  readonly watermark: number;
  readonly seenFrom: number;
  readonly generation: number;
  readonly commit: number;
  readonly scan: number;
  /** The window that was being read; absent where a feed begins or is reset. */
  readonly window: { readonly from: number; readonly to: number } | undefined;
  readonly published: number;
  readonly rejected: number;
  readonly told: number;
  readonly digest: number;
  /** What it says of all keys that are remembered. */
  readonly seenSaid: Tally;
  /** The head of the feed before it. */
  readonly before: Head | undefined;
  /** The RESET that came right before it. */
  readonly reset: ReadRecord | undefined;
  /** Barriers of the partition that came before it: its owner's number. */
  readonly owner: number;
}

/** What the SEEN records of a feed come to after a commit. */
export interface SeenAfter {
  readonly head: Head;
  readonly tally: Tally;
}

/** The offsets topic as a history. */
export interface Feeds {
  /** All heads in the order of their partitions. */
  readonly heads: readonly Head[];
  /** Heads of each feed, in the order of their writing. */
  readonly byFeed: ReadonlyMap<string, readonly Head[]>;
  readonly seen: readonly SeenAfter[];
  /** Keys that a feed still remembered when it was reset, by the place of the head. */
  readonly knownAtReset: ReadonlyMap<Head, ReadonlySet<string>>;
  /** Records of ours that no connector has written so: garbage, or a watermark deleted. No reset has mended them. */
  readonly broken: readonly ReadRecord[];
}

/** All that is being learned of one feed. */
interface Feed {
  readonly heads: Head[];
  readonly pages: Map<string, Page>;
  reset: ReadRecord | undefined;
  broken: ReadRecord[];
}

/** The keys of one commit. */
interface Page {
  readonly keys: readonly string[];
  readonly tally: Tally;
}

const MODULUS = 2 ** 48;

export function readFeeds({ connector }: Run, records: readonly ReadRecord[]): Feeds {
  const feeds = new Map<string, Feed>();
  const owners = new Map<number, number>();
  const heads: Head[] = [];
  const seen: SeenAfter[] = [];
  const knownAtReset = new Map<Head, ReadonlySet<string>>();

  const feedOf = (name: string): Feed => {
    const feed = feeds.get(name) ?? { heads: [], pages: new Map(), reset: undefined, broken: [] };
    feeds.set(name, feed);
    return feed;
  };
  // A head comes before the SEEN records of its transaction, so they are counted when the next one comes.
  const closeSeen = (feed: Feed): void => {
    const head = feed.heads.at(-1);
    if (head !== undefined) seen.push({ head, tally: sumOf([...feed.pages.values()].map(({ tally }) => tally)) });
  };

  for (const record of records) {
    const key = record.key ?? '';
    if (!key.startsWith(`${connector}/`)) continue;
    if (key.endsWith('/barrier')) {
      owners.set(record.partition, (owners.get(record.partition) ?? 0) + 1);
      continue;
    }
    const [name = '', page] = key.replace(/\/reset$/, '').split('/seen/');
    const feed = feedOf(name);
    if (page !== undefined) {
      if (record.value === null) feed.pages.delete(page);
      else feed.pages.set(page, readPage(record.value));
      if (record.unreadable !== undefined) feed.broken.push(record);
    } else if (record.value === null) {
      feed.broken.push(record);
    } else if (record.value['kind'] === 'RESET') {
      feed.reset = record;
    } else {
      const head = readHead(record, feed, owners.get(record.partition) ?? 0);
      if (feed.reset === undefined) closeSeen(feed); // else what was deleted for the reset would be missing
      else feed.broken = [];
      feed.heads.push(head);
      heads.push(head);
      if (feed.reset !== undefined) knownAtReset.set(head, keysOf(feed));
      feed.reset = undefined;
    }
  }
  for (const feed of feeds.values()) if (feed.reset === undefined && feed.broken.length === 0) closeSeen(feed);
  const byFeed = new Map([...feeds].map(([name, feed]) => [name, feed.heads]));
  return { heads, byFeed, seen, knownAtReset, broken: [...feeds.values()].flatMap(({ broken }) => broken) };
}

function keysOf({ pages }: Feed): ReadonlySet<string> {
  return new Set([...pages.values()].flatMap(({ keys }) => keys));
}

function readHead(record: ReadRecord, feed: Feed, owner: number): Head {
  const value = record.value!;
  const manifest = value['manifest'] as Readonly<Record<string, number | null>>;
  const number = (name: string): number => Number(manifest[name]);
  const { windowFrom: from, windowTo: to } = manifest as Record<string, number | null>;
  return {
    record,
    feed: record.key!,
    report: value['stream'] as Report,
    pbxs: String(value['pbxId']).toLowerCase(),
    watermark: Number(value['watermark']),
    seenFrom: Number(value['seenFrom']),
    generation: number('generation'),
    commit: number('commit'),
    scan: number('scan'),
    window: from === null || to === null ? undefined : { from: from!, to: to! },
    published: number('published'),
    rejected: number('rejected'),
    told: number('told'),
    digest: number('digest'),
    seenSaid: { count: number('seenKeys'), sum: number('seenDigest') },
    before: feed.heads.at(-1),
    reset: feed.reset,
    owner,
  };
}

function readPage(value: Readonly<Record<string, unknown>>): Page {
  const entries = value['entries'] as readonly { readonly key: string; readonly hash: number }[];
  return { keys: entries.map(({ key }) => key), tally: tallyOf(entries.map(({ hash }) => hash)) };
}

function sumOf(tallies: readonly Tally[]): Tally {
  const count = tallies.reduce((all, tally) => all + tally.count, 0);
  return { count, sum: tallyOf(tallies.map(({ sum }) => sum)).sum };
}

/** Numbers below 2^48 stay exact when two of them are added. */
export function tallyOf(numbers: readonly number[]): Tally {
  return { count: numbers.length, sum: numbers.reduce((sum, number) => (sum + number) % MODULUS, 0) };
}
