import type { Window } from './window.ts';

/** One reading of a window. Its transactions share it; a window that is read anew is another one. */
export interface Scan {
  readonly window: Window;
  /** How many commits the feed had when the reading began: no two readings that commit anything have the same. */
  readonly after: number;
}

/** What a transaction holds beside its offset. */
export interface Contents {
  /** Counts the owners of the shard, from 1: of those that have committed, no two have the same. */
  readonly generation: number;
  /** Events in the topics of the streams, and in that of the dead letters. */
  readonly published: number;
  readonly rejected: number;
  /** Events in the topics of ledger and drift. Not of watermarks: theirs is compacted, so nobody could look. */
  readonly told: number;
  /** Sum of the first 48 bits of all their ids, modulo 2^48: whatever their order. */
  readonly digest: number;
}

/**
 * What a head says of the transaction it came with, and of all keys that are remembered after it.
 *
 * Nobody can see from outside whether a transaction on the bus is whole. With this any reader can: a part of it
 * that is missing, or one that is there twice, does not add up.
 */
export interface Manifest extends Contents {
  /** Counts the commits of the feed, from 1. */
  readonly commit: number;
  /** Absent where a feed begins: nothing has been read then. */
  readonly scan: Scan | undefined;
  /** Rows published and rejected since the last window was done: by this reading, and by those that came to no end. */
  readonly unfinished: number;
  /** Of all pages of seen keys that are not forgotten, entry by entry. */
  readonly seen: Tally;
}

/** How many, and the sum of what identifies them, modulo 2^48. */
export interface Tally {
  readonly count: number;
  readonly sum: number;
}

export const EMPTY: Tally = { count: 0, sum: 0 };

const MODULUS = 2 ** 48;

export function tallyOf(numbers: Iterable<number>): Tally {
  let [count, sum] = [0, 0];
  for (const number of numbers) {
    count += 1;
    sum = (sum + number) % MODULUS;
  }
  return { count, sum };
}

export function plus(a: Tally, b: Tally): Tally {
  return { count: a.count + b.count, sum: (a.sum + b.sum) % MODULUS };
}

export function minus(a: Tally, b: Tally): Tally {
  return { count: a.count - b.count, sum: (a.sum - b.sum + MODULUS) % MODULUS };
}

interface Published {
  readonly channel: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/** What a transaction of these events holds. An event id is 32 hex characters. */
export function contentsOf(generation: number, events: readonly Published[]): Contents {
  const kept = events.filter(({ channel }) => channel !== 'watermarks');
  const countOf = (of: string): number => kept.filter(({ channel }) => channel === of).length;
  const { sum } = tallyOf(kept.map(({ value }) => Number.parseInt(String(value['eventId']).slice(0, 12), 16)));
  const [published, rejected] = [countOf('accepted'), countOf('rejected')];
  return { generation, published, rejected, told: kept.length - published - rejected, digest: sum };
}
