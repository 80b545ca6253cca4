import { CHILD, POISON } from './row-bucket.ts';
import type { RowBucket } from './row-bucket.ts';
import type { JsonRow, Report } from './rows.ts';
import type { TimeZone } from './time-zone.ts';

/** One row of a report as it can be read at one moment. */
export class Row {
  readonly bucket: RowBucket;
  readonly index: number;
  /** Which content: 0 is the first, and the last has the number of revisions. */
  readonly revision: number;

  constructor(bucket: RowBucket, index: number, nowMs: number) {
    this.bucket = bucket;
    this.index = index;
    this.revision = revisionAt(bucket, index, nowMs);
  }

  get report(): Report {
    return this.bucket.report;
  }

  get pbxId(): string {
    return this.bucket.pbxId;
  }

  /** `pbxId/callId/legId` of a leg, `pbxId/callId` of a record: the true one, also of a poison row. */
  get key(): string {
    const { pbxId, callId, legId, report } = this.bucket;
    const callKey = `${pbxId}/${callId[this.index]!}`;
    return report === 'call-legs' ? `${callKey}/${legId[this.index]!}` : callKey;
  }

  get startMs(): number {
    return this.bucket.startMs[this.index]!;
  }

  get disconnectMs(): number {
    return this.bucket.disconnectMs[this.index]!;
  }

  get poison(): boolean {
    return (this.bucket.marks[this.index]! & POISON) !== 0;
  }

  get child(): boolean {
    return (this.bucket.marks[this.index]! & CHILD) !== 0;
  }

  /** When each content becomes readable, epoch milliseconds, also those still to come. */
  get visibleFromMs(): readonly number[] {
    const earlier = this.bucket.earlier.get(this.index) ?? [];
    return [...earlier.map((content) => content.visibleFromMs), this.bucket.settledMs[this.index]!];
  }

  /** The row in JSON, its text times in UTC. The bytes are shared: not to be written to. */
  get json(): Buffer {
    const earlier = this.bucket.earlier.get(this.index)?.[this.revision];
    if (earlier !== undefined) return earlier.json;
    return this.bucket.json.subarray(this.bucket.jsonFrom[this.index]!, this.bucket.jsonFrom[this.index + 1]! - 1);
  }

  /** The row as an object of the caller's own, its text times in `zone`. */
  value(zone?: TimeZone): JsonRow {
    const row = JSON.parse(this.json.toString()) as Record<string, unknown>;
    return zone === undefined || zone.name === 'UTC' ? row : withTextTimes(row, zone);
  }
}

/**
 * A page's rows in JSON with commas between, as buffers to be joined. Rows that lie side by side in a
 * bucket become one piece, which is what makes large pages cheap.
 */
export function rowPieces(rows: readonly (Row | Buffer)[], zone?: TimeZone): readonly Buffer[] {
  const pieces: Buffer[] = [];
  const plain = zone === undefined || zone.name === 'UTC';
  for (let at = 0; at < rows.length; at += 1) {
    if (at > 0) pieces.push(COMMA);
    const row = rows[at]!;
    if (!(row instanceof Row)) pieces.push(row);
    else if (!plain) pieces.push(Buffer.from(JSON.stringify(row.value(zone))));
    else if (row.bucket.earlier.get(row.index)?.[row.revision] !== undefined) pieces.push(row.json);
    else {
      let last = row.index;
      while (follows(rows[at + 1], row.bucket, last + 1)) {
        at += 1;
        last += 1;
      }
      pieces.push(row.bucket.json.subarray(row.bucket.jsonFrom[row.index]!, row.bucket.jsonFrom[last + 1]! - 1));
    }
  }
  return pieces;
}

const COMMA = Buffer.from(',');

function follows(row: Row | Buffer | undefined, bucket: RowBucket, index: number): boolean {
  return row instanceof Row && row.bucket === bucket && row.index === index
    && bucket.earlier.get(index)?.[row.revision] === undefined;
}

function revisionAt(bucket: RowBucket, index: number, nowMs: number): number {
  const earlier = bucket.earlier.get(index);
  if (earlier === undefined) return 0;
  if (bucket.settledMs[index]! <= nowMs) return earlier.length;
  return Math.max(0, earlier.findLastIndex((content) => content.visibleFromMs <= nowMs));
}

/** Only fields that are times stay times: a poison row keeps its damage. */
function withTextTimes(row: Record<string, unknown>, zone: TimeZone): JsonRow {
  const changed = { ...row };
  for (const name of ['startTime', 'connectTime', 'disconnectedTime']) {
    const ms = row[`${name}UTC`];
    if (typeof ms === 'number' && ms !== 0) changed[name] = zone.format(ms);
  }
  return changed;
}
