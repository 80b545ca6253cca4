import type { LogEntry } from '../reader/segments.ts';
import { placeOf } from './evidence.ts';

/**
 * For each committed record, by its place, the transaction that it was part of in its partition: the place of the
 * marker that ended it, or null for a record outside of any transaction. A producer has one transaction open at a time,
 * whatever its epoch.
 */
export function committedTransactions(log: readonly LogEntry[]): ReadonlyMap<string, string | null> {
  const open = new Map<string, string[]>();
  const committed = new Map<string, string | null>();
  for (const entry of log) {
    const { topic, partition, producerId, transactional, marker } = entry;
    const producer = `${topic}-${partition} ${producerId}`;
    const pending = open.get(producer) ?? [];
    if (marker !== undefined) {
      if (marker === 'COMMIT') for (const place of pending) committed.set(place, placeOf(entry));
      open.delete(producer);
    } else if (transactional) {
      pending.push(placeOf(entry));
      open.set(producer, pending);
    } else committed.set(placeOf(entry), null);
  }
  return committed;
}
