/** The 8x8 reports we read. */
export const STREAM_NAMES = ['call-legs', 'call-records'] as const;
export type StreamName = (typeof STREAM_NAMES)[number];

/** The stream of whole calls: made of what the feeds of a PBX have read, not read itself. */
export const DERIVED = 'calls';

/** One stream of one PBX on one pass. */
export interface FeedId {
  readonly stream: StreamName | typeof DERIVED;
  /** A PBX name, several joined by commas, or `allpbxes`: what one request asks for. */
  readonly pbxId: string;
  /** `live`, or the name of a backfill. */
  readonly pass: string;
}

/** A fixed share of all feeds, owned by one worker at a time. On Kafka: a partition of the offsets topic. */
export type Shard = number;

/** `live/call-legs/acme`: names a feed in offsets and logs. However the PBX is spelt, it is the same feed. */
export function feedName(feed: FeedId): string {
  return `${feed.pass}/${feed.stream}/${feed.pbxId.toLowerCase()}`;
}

/** The feed of a name, in the name's spelling. A PBX name may hold a slash, a pass may not. */
export function feedNamed(name: string): FeedId | undefined {
  const [, pass, stream, pbxId] = /^([^/]+)\/([^/]+)\/(.+)$/.exec(name) ?? [];
  const known = ([...STREAM_NAMES, DERIVED] as const).find((one) => one === stream);
  return known === undefined ? undefined : { pass: pass!, stream: known, pbxId: pbxId! };
}

/** Whether both read the same, be it on two passes. */
export function isSameFeed(a: FeedId, b: FeedId): boolean {
  return feedName({ ...a, pass: b.pass }) === feedName(b);
}

/** All streams of a PBX fall in one shard, so the legs and the record of a call have one writer. */
export function shardOf(feed: FeedId, shardCount: number): Shard {
  return fnv1a(feed.pbxId.toLowerCase()) % shardCount;
}

/** Small, stable and well spread on short names. http://www.isthe.com/chongo/tech/comp/fnv/ */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}
