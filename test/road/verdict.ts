import assert from 'node:assert/strict';
import type { ReadRecord } from '../reader/topics.ts';

/** What the verdict needs of the simulator's ledger: a row that could be read by then. */
export interface ShownRow {
  readonly report: string;
  readonly key: string;
  /** Nobody can map it: it belongs into the dead-letter topic. */
  readonly poison: boolean;
}

/** What became of the rows that 8x8 has shown. */
export interface Verdict {
  readonly shown: number;
  /** How many of them were read from the bus. */
  readonly published: number;
  readonly lost: readonly string[];
  /** Every revision of a row that stands more than once on the bus, shown or not, dead letters too. */
  readonly doubled: readonly string[];
  readonly rejected: number;
}

/** A verdict, and what speaks against the journey by any other invariant, a line each. */
export interface Judgement extends Verdict {
  readonly complaints: readonly string[];
}

/** Compares the simulator's ledger with what an independent reader has read. */
export function judge(shown: readonly ShownRow[], records: readonly ReadRecord[]): Verdict {
  const names = new Set<string>();
  const counts = new Map<string, number>();
  let rejected = 0;
  for (const record of records) {
    const name = nameOf(record);
    if (name.startsWith('rejected/')) rejected += 1;
    names.add(name);
    const revision = `${name}/revision ${record.value!['revision'] ?? 1}`;
    counts.set(revision, (counts.get(revision) ?? 0) + 1);
  }
  const expected = shown.filter(({ poison }) => !poison).map(({ report, key }) => `${report}/${key}`);
  const lost = expected.filter((name) => !names.has(name));
  const doubled = [...counts].filter(([, count]) => count > 1).map(([name]) => name);
  return { shown: expected.length, published: expected.length - lost.length, lost, doubled, rejected };
}

/** What every journey comes to: all that was shown is there, once; every invariant holds; enough was shown to tell. */
export function assertWhole({ shown, lost, doubled, complaints }: Judgement): void {
  assert.deepEqual(lost, [], 'nothing is lost');
  assert.deepEqual(doubled, [], 'nothing is doubled');
  assert.deepEqual(complaints, [], 'every invariant holds');
  assert.ok(shown > 500, `the phone system has shown enough to tell: ${shown}`);
}

/** Every row of both reports that can be read by now and disconnected in `[fromMs, toMs)`. */
export async function readLedger(origin: string, fromMs: number, toMs: number): Promise<readonly ShownRow[]> {
  const rows: ShownRow[] = [];
  for (const report of ['call-legs', 'call-records']) {
    const response = await fetch(`${origin}/simulator/ledger?report=${report}&from=${fromMs}&to=${toMs}`);
    const text = await response.text();
    rows.push(...text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as ShownRow));
  }
  return rows;
}

/** By the fields of the value, not by the key that the connector has made of them. */
function nameOf({ headers, value }: ReadRecord): string {
  const { pbxId, callId, legId, eventId } = value as Record<string, string>;
  const type = headers['ce_type'];
  if (type === 'com.8x8.work.call-leg.v1') return `call-legs/${pbxId}/${callId}/${legId}`;
  if (type === 'com.8x8.work.call-record.v1') return `call-records/${pbxId}/${callId}`;
  return `rejected/${eventId}`;
}
