import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { closingJourneys } from './journey.ts';
import { assertWhole } from './verdict.ts';
import type { LogLine } from './worker.ts';

// Goal: no crash of any part loses or doubles a call. Method: the whole road on real parts, killed on the way.

const { journey, closeAll } = closingJourneys();
after(closeAll);

const polledBy = (pid: number) => (line: LogLine): boolean => line.msg === 'polled' && line['worker'] === pid;

// Pages of 50 and slow answers: at any moment a window is half read.
const slowPages = { simulator: { faults: 'off' }, settings: { EIGHT_PAGE_SIZE: '50', PACE_STEP_MAX: '10m' } } as const;

test('a worker killed in the middle of a window continues without loss or double', async () => {
  const { start, line, settle, account } = await journey(slowPages);
  for (const afterPages of [4, 11, 17]) {
    const worker = start();
    await line((entry) => entry.msg === 'shard opened' && entry['worker'] === worker.pid);
    const served = account.stats().pagesServed;
    while (account.stats().pagesServed < served + afterPages) await sleep(2);
    await worker.kill();
  }
  start();
  assertWhole(await settle());
});

test('two workers share the shards, and one takes over what the other held when it was killed', async () => {
  const pbxIds = ['acme', 'globex', 'initech', 'umbrella'];
  const { start, line, settle, lines } = await journey({ simulator: { pbxIds } });
  const [one, other] = [start(), start()];
  await line(polledBy(one.pid));
  await line(polledBy(other.pid));
  await one.kill();
  const before = lines.length;
  assertWhole(await settle());
  const owned = lines.slice(before).findLast(({ msg }) => msg === 'shards owned');
  assert.equal((owned!['shards'] as unknown[]).length, owned!['of'], 'the survivor owns every shard that has feeds');
});

test('a broker that crashes and one that is restarted lose and double nothing', async () => {
  const { start, line, settle, stack } = await journey({ ownBroker: true, settings: { EIGHT_PAGE_SIZE: '50' } });
  const worker = start();
  await line(polledBy(worker.pid));
  await stack.broker!.kill();
  await sleep(1_000);
  await stack.broker!.start();
  await sleep(3_000);
  await stack.broker!.stop();
  await stack.broker!.start();
  assertWhole(await settle());
});
