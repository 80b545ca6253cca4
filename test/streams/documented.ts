import type { RawRow } from '../../src/streams/stream.ts';
import { readFixture } from '../fixtures/read-fixture.ts';

/** The rows of 8x8's own documentation. */
export const documentedLegs = rowsOf('call-legs');
export const documentedRecords = rowsOf('call-records');

function rowsOf(report: string): readonly RawRow[] {
  return readFixture<{ body: { data: readonly RawRow[] } }>(report).body.data;
}
