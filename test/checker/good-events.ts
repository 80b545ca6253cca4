import { createHash } from 'node:crypto';
import type { Row } from './dumps.ts';
import { seconds, type GoodRow } from './good-rows.ts';

const PARTITION = 1;

/** An event on its way into a commit. */
export interface PlannedEvent {
  topic: 'call-legs' | 'call-records' | 'rejected' | 'ledger' | 'watermarks' | 'calls';
  subject: string;
  id: string;
  key: string;
  partition: number;
  timestamp: number;
  value: Row;
  headers: Record<string, string>;
  /** The commit that its header names, where it is not its own. */
  commit?: string;
}

/** A row as the connector publishes it. */
export function published({ ledger, subject, endMs, event }: GoodRow, observedS: number): PlannedEvent {
  const id = idOf(`${ledger.report} ${subject}`);
  const type = ledger.report === 'call-legs' ? 'com.8x8.work.call-leg.v1' : 'com.8x8.work.call-record.v1';
  return {
    topic: ledger.report, subject, id, key: subject.split('/').slice(0, 2).join('/'), partition: PARTITION,
    timestamp: endMs,
    value: {
      eventId: id, revision: 1, changeKind: 'new', changedFields: [], observedAt: seconds(observedS), pass: 'live',
      ...event,
    },
    headers: { ce_type: type, ce_time: new Date(endMs).toISOString() },
  };
}

/** The row once more, as its next revision. */
export function corrected(row: GoodRow, observedS: number, change: Row): PlannedEvent {
  const first = published(row, observedS);
  const id = idOf(`${row.subject} ${JSON.stringify(change)}`);
  const own = { eventId: id, revision: 2, changeKind: 'corrected', changedFields: Object.keys(change) };
  return { ...first, id, value: { ...first.value, ...own, ...change } };
}

/** A row that is shown with a talk time that is no number, as a dead letter. */
export function deadLetter(row: GoodRow, { from, to }: { from: number; to: number }, observedS: number): PlannedEvent {
  const id = idOf(`rejected ${row.subject}`);
  const { pbxId, callId, legId } = row.event;
  return {
    topic: 'rejected', subject: `rejected/${id}`, id, key: 'acme/104', partition: PARTITION, timestamp: to,
    value: {
      eventId: id, stream: row.ledger.report, pbxId, callId, legId,
      code: 'BAD_FIELD', field: 'talkTimeMS', reason: 'why',
      windowFrom: from, windowTo: to, observedAt: seconds(observedS), payload: null,
    },
    headers: { ce_type: 'com.8x8.work.rejected.v1', ce_time: new Date(to).toISOString() },
  };
}

export function idOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
