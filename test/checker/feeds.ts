import { createHash } from 'node:crypto';
import type { ReadRecord } from '../reader/topics.ts';
import type { Report, Run } from './dumps.ts';

/** How many, and their sum modulo 2^48. */
export interface Tally {
  readonly count: number;
  readonly sum: number;
}

/** What a pass over history was asked for: calls that ended within `[from, end)`. */
export interface PassPlan {
  readonly from: number;
  readonly end: number;
  readonly replay: boolean;
  /** Where a replay puts its rows; absent or null for the topic of their stream. */
  readonly topic?: string | null;
}

/** A HEAD of the offsets topic: where a feed stood after a commit, and what that commit held. */
export interface Head {
  readonly record: ReadRecord;
  /** Its key, which names the feed. */
  readonly feed: string;
  /** `live`, or the name of a pass over history. */
  readonly pass: string;
  /** What it reads; or `calls`, which are put together of what others read. */
  readonly report: Report | typeof CALLS;
  /** What a request asks for: a PBX, several with commas, or `allpbxes`; in lower case. */
  readonly pbxs: string;
  readonly watermark: number;
  readonly seenFrom: number;
  /** From when on it knows all that it has published, whole or by a fingerprint. */
  readonly remembered: number;
  /** The first time of which the feed publishes. */
  readonly origin: number;
  readonly state: 'RUNNING' | 'PAUSED' | 'CANCELLED';
  /** Absent for the live pass, and for a deep sweep. */
  readonly plan: PassPlan | undefined;
  readonly generation: number;
  readonly commit: number;
  readonly scan: number;
  /** The window that was being read; absent where nothing is read. */
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
  /** What that has done: `reset`, `begin`, `pause`, `resume` or `cancel`. */
  readonly change: string | undefined;
  /** It is the reset that has mended records that nobody could read. */
  readonly mends: boolean;
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
  /** Whether the feed remembered the key when the record of the offsets topic was written. */
  readonly knows: (feed: string, key: string, at: ReadRecord) => boolean;
  /** Whether all that the feed had of the key then was its fingerprint, or that of another. */
  readonly seals: (feed: string, key: string, at: ReadRecord) => boolean;
  /** Records of ours that no connector has written so: garbage, or a watermark deleted. No reset has mended them. */
  readonly broken: readonly ReadRecord[];
}

/** All that is being learned of one feed. */
interface Feed {
  readonly heads: Head[];
  readonly pages: Map<string, Page>;
  /** By key; of fingerprints by their number. */
  readonly lives: Map<string | number, Life[]>;
  reset: ReadRecord | undefined;
  broken: ReadRecord[];
}

/** The keys of one commit. */
interface Page {
  readonly lives: readonly Life[];
  readonly tally: Tally;
}

/** From when to when a key of a page was remembered, as log offsets. */
interface Life {
  readonly from: number;
  until: number;
}

/** Who has written a record. */
interface Writer {
  readonly connector: string;
  readonly owner: number;
}

/** The stream that is no report. */
export const CALLS = 'calls';

const MODULUS = 2 ** 48;

export function readFeeds({ connector }: Run, records: readonly ReadRecord[]): Feeds {
  const feeds = new Map<string, Feed>();
  const owners = new Map<number, number>();
  const heads: Head[] = [];
  const seen: SeenAfter[] = [];

  const feedOf = (name: string): Feed => {
    const feed = feeds.get(name) ?? { heads: [], pages: new Map(), lives: new Map(), reset: undefined, broken: [] };
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
      turnPage(feed, page, record);
      if (record.unreadable !== undefined) feed.broken.push(record);
    } else if (record.value === null) {
      feed.broken.push(record);
    } else if (record.value['kind'] === 'RESET') {
      feed.reset = record;
    } else {
      const head = readHead(record, feed, { connector, owner: owners.get(record.partition) ?? 0 });
      if (setsAnew(head)) feed.broken = [];
      else closeSeen(feed); // of a reset, what was deleted for it would be missing
      feed.heads.push(head);
      heads.push(head);
      feed.reset = undefined;
    }
  }
  for (const feed of feeds.values()) if (feed.reset === undefined && feed.broken.length === 0) closeSeen(feed);
  const byFeed = new Map([...feeds].map(([name, feed]) => [name, feed.heads]));
  const lived = (name: string, key: string | number, { offset }: ReadRecord): boolean =>
    feeds.get(name)?.lives.get(key)?.some(({ from, until }) => from < offset && offset < until) ?? false;
  const knows: Feeds['knows'] = lived;
  const seals: Feeds['seals'] = (name, key, at) => lived(name, fingerprintOf(key), at) && !lived(name, key, at);
  return { heads, byFeed, seen, knows, seals, broken: [...feeds.values()].flatMap(({ broken }) => broken) };
}

/** Puts the keys or fingerprints of a SEEN record in the place of what its page had; a tombstone forgets them. */
function turnPage({ pages, lives }: Feed, name: string, { value, offset }: ReadRecord): void {
  for (const life of pages.get(name)?.lives ?? []) life.until = offset;
  pages.delete(name);
  if (value === null) return;
  const entries = value['entries'] as readonly { readonly key: string; readonly hash: number }[];
  const fingerprints = fingerprintsOf(value);
  const added = [...entries.map(({ key }) => key), ...fingerprints].map((key) => {
    const life = { from: offset, until: Infinity };
    lives.set(key, [...lives.get(key) ?? [], life]);
    return life;
  });
  pages.set(name, { lives: added, tally: tallyOf([...entries.map(({ hash }) => hash), ...fingerprints]) });
}

/** 48 bits of the SHA-256 of a key. */
export function fingerprintOf(key: string): number {
  return createHash('sha256').update(key).digest().readUIntBE(0, 6);
}

function fingerprintsOf({ fingerprints = Buffer.alloc(0) }: NonNullable<ReadRecord['value']>): readonly number[] {
  const bytes = Buffer.from(fingerprints as Buffer); // out of JSON, too
  return Array.from({ length: bytes.length / 6 }, (_, index) => bytes.readUIntBE(index * 6, 6));
}

function readHead(record: ReadRecord, feed: Feed, { connector, owner }: Writer): Head {
  const value = record.value!;
  const manifest = value['manifest'] as Readonly<Record<string, number | null>>;
  const number = (name: string): number => Number(manifest[name]);
  const { windowFrom: from, windowTo: to } = manifest as Record<string, number | null>;
  return {
    record,
    feed: record.key!,
    pass: record.key!.slice(connector.length + 1).split('/')[0]!,
    report: value['stream'] as Head['report'],
    pbxs: String(value['pbxId']).toLowerCase(),
    watermark: Number(value['watermark']),
    seenFrom: Number(value['seenFrom']),
    remembered: Number(value['rememberedFrom'] ?? value['seenFrom']),
    origin: Number(value['origin'] ?? value['seenFrom']),
    state: (value['state'] ?? 'RUNNING') as Head['state'],
    plan: (value['plan'] ?? undefined) as PassPlan | undefined,
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
    mends: feed.reset !== undefined && feed.broken.length > 0,
    change: feed.reset && String(feed.reset.value!['change'] ?? 'reset'),
    owner,
  };
}

/** A person has said where the feed stands, whatever it was before: by a time, or by a file. */
export function setsAnew({ change }: Pick<Head, 'change'>): boolean {
  return change === 'reset' || change === 'import';
}

function sumOf(tallies: readonly Tally[]): Tally {
  const count = tallies.reduce((all, tally) => all + tally.count, 0);
  return { count, sum: tallyOf(tallies.map(({ sum }) => sum)).sum };
}

/** Numbers below 2^48 stay exact when two of them are added. */
export function tallyOf(numbers: readonly number[]): Tally {
  return { count: numbers.length, sum: numbers.reduce((sum, number) => (sum + number) % MODULUS, 0) };
}
