import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Patch } from '../patches/patch.ts';
import { closingJourneys, type Journey } from '../road/journey.ts';
import { assertWhole } from '../road/verdict.ts';
import type { Worker } from '../road/worker.ts';
import { startStack, type Stack } from '../stack/stack.ts';
import { failpoint, PLACES, REACHED, type Action, type Place } from './failpoints.ts';

// Goal: whatever a worker is doing when it dies, nothing is lost or doubled. Method: the whole road on real parts;
// three workers at a time, each with a failpoint in its source, and when one has died, another with the next failpoint.

const { journey: open, closeAll } = closingJourneys();
let stack: Stack;
before(async () => {
  stack = await startStack({ ownBroker: true, properties: { 'group.min.session.timeout.ms': '1000' } });
});
after(async () => {
  await closeAll();
  await stack.stop();
});

/** A dead worker's shards are given away after two seconds, not six as they are at least: there are many to die. */
const quickGroup: Patch = { file: 'src/config.ts', find: 'kafka.sessionTimeoutMs < 6_000', replace: 'false' };
const settings = { EIGHT_PAGE_SIZE: '50', PACE_STEP_MAX: '1m' };
const pbxIds = ['acme', 'globex', 'initech', 'umbrella'];
const REACHED_MAX_MS = 60_000;

/** The passage at which it happens: not the first one, where there are more to come. */
const NTH: Readonly<Record<Place['phase'], number>> = {
  beginning: 2, opening: 1, reading: 3, publishing: 4, stopping: 1,
};

// Without it a place that is gone is found only by a worker that does not start.
test('every failpoint has its place in the product, once', () => {
  for (const { find, file } of PLACES.flatMap((place) => failpoint(place, 'kill'))) {
    assert.equal(readFileSync(file, 'utf8').split(find).length, 2, `${file}: ${find}`);
  }
});

test('a worker killed at any failpoint loses and doubles nothing', async () => {
  const journey = await open({ stack, settings, simulator: { pbxIds, tokenLifetimeS: 2 } });
  const [beginning = [], later = []] = [true, false].map((first) =>
    PLACES.filter(({ phase }) => (phase === 'beginning') === first));
  for (const place of beginning) await dieAt(journey, place);
  const waiting = [...later];
  const dieOneByOne = async (): Promise<void> => {
    for (let place = waiting.shift(); place !== undefined; place = waiting.shift()) await dieAt(journey, place);
  };
  await Promise.all([dieOneByOne(), dieOneByOne(), dieOneByOne()]);
  journey.start();
  assertWhole(await journey.settle());
});

/** Starts a worker and waits until it has died by its own hand at the place. */
async function dieAt(journey: Journey, place: Place): Promise<void> {
  const patches = [quickGroup, ...failpoint(place, 'kill', NTH[place.phase])];
  const worker = journey.start({ KAFKA_SESSION_TIMEOUT: '2s' }, patches);
  if (place.phase === 'stopping') {
    const polled = journey.line((line) => line.msg === 'polled' && line['worker'] === worker.pid);
    polled.then(() => worker.stop()).catch(() => undefined); // that it lives is told below
  }
  const late = sleep(REACHED_MAX_MS, 'it lives', { ref: false });
  const code = await Promise.race([worker.exited, late]);
  assert.equal(code, null, `killed at: ${place.name}; its log ends with ${endOfLog(journey, worker)}`);
  await journey.line(isReached(worker, place));
}

const inTransactions = PLACES.filter(({ file }) => file.endsWith('thread.ts'));
const actions: Readonly<Record<string, Action>> = {
  // Longer than our deadline for a transaction: it goes on when its session is dead and the next one has fenced.
  'goes on late': { waitMs: 5_000 },
  'fails': 'throw',
};
for (const [what, action] of Object.entries(actions)) {
  test(`a transaction that ${what} at any failpoint loses and doubles nothing`, async () => {
    const journey = await open({ stack, settings, simulator: { pbxIds } });
    const patches = inTransactions.flatMap((place) => failpoint(place, action, 2));
    const worker = journey.start({ KAFKA_TRANSACTION_TIMEOUT: '5s' }, patches);
    for (const place of inTransactions) await journey.line(isReached(worker, place));
    assertWhole(await journey.settle());
    assert.equal(await worker.exited, 0, `it went on to its end: ${endOfLog(journey, worker)}`);
  });
}

function isReached({ pid }: Worker, { name }: Place): Parameters<Journey['line']>[0] {
  return (line) => line.msg === REACHED && line['worker'] === pid && line['failpoint'] === name;
}

function endOfLog({ lines }: Journey, { pid }: Worker): string {
  return JSON.stringify(lines.filter((line) => line['worker'] === pid).slice(-9));
}
