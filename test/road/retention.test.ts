import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { closingJourneys } from './journey.ts';
import type { LogLine } from './worker.ts';

// Goal: calls that 8x8 no longer keeps are not passed in silence. Method: the whole road on real parts; a phone
// system that was in use for a week, on whose third day 8x8's two years begin, and a connector that is asked for all.

const { journey, closeAll } = closingJourneys();
after(closeAll);

const DAY = 24 * 3_600_000;
const KEPT = 2 * 365 * DAY;
const FEEDS = ['call-legs/acme', 'call-legs/globex', 'call-records/acme', 'call-records/globex'];
const startedMs = Date.now();
const account = { callsPerHour: 10, historyMs: KEPT + 3 * DAY, endsAtMs: startedMs - KEPT + 4 * DAY };
const settings = { START_FROM: '735d', PACE_STEP_MAX: '100d' };

test('each feed publishes one gap, goes on behind it, and says so; also when it starts again', async () => {
  const { start, drain, line, lines, records } = await journey({ simulator: account, settings });
  const isGap = ({ msg }: LogLine): boolean => msg.startsWith('GAP: ');
  const first = start();
  for (const feed of FEEDS) await line((entry) => isGap(entry) && entry['feed'] === `live/${feed}`);
  await first.kill();
  start();
  const ends = lines.filter(isGap).map(({ to }) => Date.parse(String(to)));
  const { shown, lost, doubled } = await drain(Math.max(...ends));

  const gaps = records.map(({ value }) => value!).filter(({ code }) => code === 'RETENTION_GAP');
  assert.deepEqual(gaps.map(({ stream, pbxId }) => `${String(stream)}/${String(pbxId)}`).sort(), FEEDS);
  assert.deepEqual(gaps.map(({ windowTo }) => windowTo).sort(), ends.sort());
  for (const { windowFrom, windowTo } of gaps) {
    assert.ok(Number(windowTo) > startedMs - KEPT && Number(windowTo) < Date.now() - KEPT + DAY, 'to what 8x8 keeps');
    assert.ok(Math.abs(Number(windowFrom) - (startedMs - 735 * DAY)) < DAY, 'from where it was to begin');
  }
  assert.ok(shown > 300, `${shown} rows behind the gap`);
  assert.deepEqual({ lost, doubled }, { lost: [], doubled: [] });
});
