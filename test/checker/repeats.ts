import type { CallsTopic, Evidence, PublishedEvent } from './evidence.ts';
import { setsAnew, type Feeds, type Head } from './feeds.ts';
import { deepAgeMs } from './rules.ts';

/**
 * Whether a row that was published may be published anew: who has published it had forgotten it by then, and
 *
 * - a person has set the feed that does it to a time or to what a file says, or
 * - 8x8 has moved the row over the seam of two passes, or it is a dead letter of the seam, which both have read.
 *
 * To a deep sweep also a row is known of which only the fingerprint is left.
 */
export function mayComeAnew<Topic extends PublishedEvent['topic'] | CallsTopic>(
  { feeds, headOf }: Evidence, first: PublishedEvent<Topic>, second: PublishedEvent<Topic>,
): boolean {
  const [before, after] = [headOf(first), headOf(second)];
  if (before === undefined || after === undefined || !isSameShard(before, after)) return false;
  const reset = (feeds.byFeed.get(after.feed) ?? []).findLast((head) =>
    setsAnew(head) && isAfter(head.record, before) && !isAfter(head.record, after));
  if (reset !== undefined) return !feeds.knows(before.feed, first.subject, reset.record);
  if (before.feed === after.feed || feeds.knows(before.feed, first.subject, after.record)) return false;
  if (deepAgeMs(after.pass) !== undefined && feeds.seals(before.feed, first.subject, after.record)) return false;
  return first.topic === 'rejected' ? windowsMeet(first.value, second.value)
    : first.value['disconnectedTimeUTC'] !== second.value['disconnectedTimeUTC'];
}

/** In the order in which they were committed, as far as that can be told. */
export function inCommitOrder({ headOf }: Evidence, events: readonly PublishedEvent[]): readonly PublishedEvent[] {
  const placeOf = (event: PublishedEvent): number => headOf(event)?.record.offset ?? -1;
  return events.toSorted((a, b) => a.feed === b.feed ? a.commit - b.commit : placeOf(a) - placeOf(b));
}

/** Of the same stream and PBXs, be it on two passes. */
export function isSameShard(a: Head, b: Head): boolean {
  return a.report === b.report && a.pbxs === b.pbxs && a.record.partition === b.record.partition;
}

/** Where the live feed of the same stood when a head was written. */
export function liveBeside({ byFeed }: Feeds, head: Head): Head | undefined {
  const lives = [...byFeed.values()].find(([live]) => live?.pass === 'live' && isSameShard(live, head)) ?? [];
  return lives.findLast((live) => isAfter(head.record, live));
}

function isAfter(record: Head['record'], head: Head): boolean {
  return record.offset > head.record.offset;
}

function windowsMeet(a: PublishedEvent['value'], b: PublishedEvent['value']): boolean {
  return Number(a['windowFrom']) < Number(b['windowTo']) && Number(b['windowFrom']) < Number(a['windowTo']);
}
