import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Patch } from '../patches/patch.ts';
import { closingJourneys } from './journey.ts';
import type { LogLine } from './worker.ts';

// Goal: calls that 8x8 no longer keeps are not passed in silence. Method: the whole road on real parts, with an 8x8
// that is said to keep eight minutes instead of two years; the connector begins ten minutes back.

const { journey, closeAll } = closingJourneys();
after(closeAll);

const FEEDS = ['call-legs/acme', 'call-legs/globex', 'call-records/acme', 'call-records/globex'];

const file = 'src/feed/window.ts';
const shortRetention: readonly Patch[] = [
  { file, find: 'RETENTION_MS = 2 * 365 * 24 * 3_600_000', replace: 'RETENTION_MS = 8 * 60_000' },
  { file, find: 'RETENTION_GUARD_MS = 3_600_000', replace: 'RETENTION_GUARD_MS = 60_000' },
  { file: 'src/config.ts', find: 'if (ms < nowMs - RETENTION_MS)', replace: 'if (false)' },
];

test('each feed publishes one gap, goes on behind it, and says so', async () => {
  const { start, settle, line, lines, records } = await journey();
  start({}, shortRetention);
  const isGap = ({ msg }: LogLine): boolean => msg.startsWith('GAP: ');
  for (const feed of FEEDS) await line((entry) => isGap(entry) && entry['feed'] === `live/${feed}`);
  const ends = lines.filter(isGap).map(({ to }) => Date.parse(String(to)));
  const { shown, lost, doubled } = await settle(Math.max(...ends));

  const gaps = records.filter(({ value }) => value!['code'] === 'RETENTION_GAP');
  assert.deepEqual(gaps.map(({ value }) => `${value!['stream']}/${value!['pbxId']}`).sort(), FEEDS);
  assert.deepEqual(gaps.map(({ value }) => value!['windowTo']).sort(), ends.sort());
  assert.ok(shown > 300, `${shown} rows behind the gap`);
  assert.deepEqual({ lost, doubled }, { lost: [], doubled: [] });
});
