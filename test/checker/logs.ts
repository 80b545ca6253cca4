import type { PartitionEnd, ReadRecord } from '../reader/topics.ts';
import { placeOf, type Evidence } from './evidence.ts';
import type { Finding } from './invariant.ts';

/**
 * I9 No aborted read: what a reader of committed records has read is what the markers on the broker's disk say is
 * committed; it is the same that a reader of all records has read; and all of it was written in transactions.
 */
export function nothingAborted({ committed, uncommitted, ends, log, transactions, run }: Evidence): Finding {
  const all = new Map(uncommitted.map((record) => [placeOf(record), record]));
  const violations = committed.filter((record) => !isEqual(record, all.get(placeOf(record))))
    .map((record) => `${placeOf(record)} is not what a reader of uncommitted records sees there`);
  const onDisk = new Set(ends.filter(({ segments }) => segments).map(partitionOf));
  const read = new Map(committed.map((record) => [placeOf(record), record]));
  for (const [place, record] of read) {
    if (!onDisk.has(partitionOf(record)) || transactions.has(place)) continue;
    violations.push(`${place} was read, but no marker says that it is committed`);
  }
  const records = log.filter(({ marker }) => marker === undefined);
  for (const entry of records) {
    const place = placeOf(entry);
    const by = `producer ${entry.producerId}, epoch ${entry.producerEpoch}`;
    const isMissed = transactions.has(place) && !read.has(place);
    if (isMissed) violations.push(`${place} of ${by} is committed, but was not read`);
    const foreign = entry.topic === run.topics.offsets && !read.get(place)?.key?.startsWith(`${run.connector}/`);
    if (!entry.transactional && !foreign) violations.push(`${place} of ${by} was written outside of any transaction`);
  }
  return { looked: records.length, at: 'records on the disk of the broker', violations };
}

/**
 * I10 Stable history: whoever has read all the while has seen, in each partition, the beginning of what is there at the
 * end. Of the offsets, compaction may have taken away what a later record has replaced.
 */
export function historyIsStable({ prefix, committed, run: { topics } }: Evidence): Finding {
  const byPartition = (records: readonly ReadRecord[]): Map<string, ReadRecord[]> =>
    Map.groupBy(records, partitionOf);
  const final = byPartition(committed);
  const violations: string[] = [];
  for (const [name, seen] of byPartition(prefix)) {
    const there = (final.get(name) ?? []).toSorted((a, b) => a.offset - b.offset);
    const lastPlaces = new Map(there.map(({ key, offset }) => [key, offset]));
    const compacted = ({ topic, key, offset }: ReadRecord): boolean =>
      topic === topics.offsets && (lastPlaces.get(key) ?? -1) > offset;
    let at = 0;
    for (const record of seen) {
      if (isEqual(record, there[at])) at += 1;
      else if (!compacted(record)) {
        const next = there[at];
        const found = next === undefined ? 'nothing' : placeOf(next);
        violations.push(`${placeOf(record)} was read during the run; at its end ${found} stands in that place`);
        break;
      }
    }
  }
  return { looked: prefix.length, at: 'records read during the run', violations };
}

function partitionOf({ topic, partition }: Pick<ReadRecord, 'topic' | 'partition'>): string {
  return `${topic}-${partition}`;
}

function isEqual(record: ReadRecord, other: ReadRecord | undefined): boolean {
  return other !== undefined && JSON.stringify(record) === JSON.stringify(other);
}

/** Partitions whose logs do not end where their committed records do. */
export function openPartitions(ends: readonly PartitionEnd[]): readonly string[] {
  return ends.filter(({ stableEnd, end }) => stableEnd !== end).map(({ topic, partition, stableEnd, end }) =>
    `${topic}-${partition} has an open transaction: its committed records end at ${stableEnd}, the log at ${end}`);
}
