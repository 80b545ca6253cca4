import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { closingJourneys } from '../road/journey.ts';
import { assertWhole } from '../road/verdict.ts';
import type { LogLine } from '../road/worker.ts';

// Goal: the checker reads a real run, and has no false alarm. Method: the road on real parts with all that 8x8 can do
// to rows, and a worker that is killed.

const { journey, closeAll } = closingJourneys();
after(closeAll);

test('a run with bad, late, damaged and changed rows and a worker killed holds every invariant', async () => {
  const road = await journey({
    simulator: {
      poisonShare: 0.02, revisedShare: 0.1, revisedMaxMs: 10_000, lateShare: 0.3, lateMaxMs: 12_000,
      windowRules: { bounds: 'exclusive' },
      faults: {
        seed: 5,
        probabilities: {
          'throttled': 0.02, 'server-error': 0.02, 'cut': 0.02, 'token-expired': 0.03, 'outside-rows': 0.05,
          'damaged-row': 0.05, 'duplicate-rows': 0.03, 'empty-page': 0.02, 'foreign-row': 0.02, 'scroll-expired': 0.02,
        },
      },
    },
    settings: { EIGHT_PAGE_SIZE: '50', EIGHT_REQUEST_TIMEOUT: '5s' },
  });
  const { line, start, settle } = road;
  const [one] = [start(), start()];
  await line((entry: LogLine) => entry.msg === 'polled' && entry['worker'] === one.pid);
  await one.kill();
  await sleep(8_000);
  assertWhole(await settle());
});
