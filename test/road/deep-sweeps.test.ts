import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { readTopics } from '../reader/topics.ts';
import { command } from './command.ts';
import { closingJourneys, type Journey } from './journey.ts';
import { assertWhole } from './verdict.ts';

// Goal: on real parts, rows that come later than the lookback are found, once, by a deep sweep, also behind a crash.
// Method: short ages; a phone system that shows a third of its rows up to 28 seconds late, and a worker that is killed.

const { journey, closeAll } = closingJourneys();
after(closeAll);

const LATE = { lateShare: 0.3, lateMaxMs: 28_000 };
const SHORT = { PACE_LOOKBACK: '5s', PACE_SWEEP_EVERY: '2s', PACE_STEP_MAX: '30s', PACE_DEEP_SWEEPS: '12s,30s' };

async function rowsByPass({ stack, prefix }: Journey): Promise<ReadonlyMap<string, readonly string[]>> {
  const records = await readTopics(stack, ['call-legs', 'call-records'].map((name) => `${prefix}.${name}`));
  const named = records.map(({ value, headers }) =>
    ({ pass: String(value!['pass']), name: `${headers['ce_type']} ${headers['ce_subject']}` }));
  return new Map([...Map.groupBy(named, ({ pass }) => pass)].map(([pass, all]) => [pass, all.map(({ name }) => name)]));
}

test('rows later than the lookback are found by a deep sweep, once, though a worker is killed', async () => {
  const one = await journey({ simulator: LATE, settings: SHORT });
  const worker = one.start();
  const found = (pass: string) => one.line(({ msg, feed, beyond }) =>
    msg.startsWith('BEYOND') && String(feed).startsWith(`${pass}/`) && Number(beyond) > 0);
  await found('deep-12s');
  await worker.kill();
  one.start();
  await found('deep-30s');

  const { stdout } = await command(one, 'passes', 'show', '--json');
  const shown = stdout.trim().split('\n').map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  assert.deepEqual([shown.length, ...new Set(shown.map(({ kind, percent }) => `${kind} ${percent}`))],
    [8, 'deep sweep null']);
  const cancelled = await command(one, 'passes', 'cancel', '--name', 'deep-12s');
  assert.deepEqual([cancelled.code, /a deep sweep has no end; pause it/.test(cancelled.stdout)], [2, true]);
  for (const deed of ['pause', 'resume']) {
    const { code, stderr } = await command(one, 'passes', deed, '--name', 'deep-30s', '--pbx', 'acme');
    assert.equal(code, 0, stderr);
  }

  assertWhole(await one.settle());
  const { live = [], ...deep } = Object.fromEntries(await rowsByPass(one));
  assert.deepEqual(Object.keys(deep).sort(), ['deep-12s', 'deep-30s']);
  const finds = Object.values(deep).flat();
  assert.ok(finds.length > 5, `${finds.length} rows were found`);
  assert.equal(new Set([...live, ...finds]).size, live.length + finds.length);
});
