import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Host } from './host.ts';
import { drawPlan } from './plan.ts';
import { createTrace } from './trace.ts';
import { VirtualTime } from './virtual-time.ts';
import { Wire, type WireAnswer } from './wire.ts';

const LIMIT_MS = 120_000;

// Goal: the wire behaves as Node's fetch does, and all that can happen has happened when virtual time stands still.
// Method: each kind of delivery, a reader with a deadline, and what has come of it when the deadline is over.
const deliveries: { readonly delivery: WireAnswer['delivery']; readonly outcome: string; readonly read: boolean }[] = [
  { delivery: 'whole', outcome: 'one two', read: true },
  { delivery: 'slow', outcome: 'one two', read: true },
  { delivery: 'cut', outcome: 'fetch failed', read: false },
  { delivery: 'stalled', outcome: 'too late', read: false },
  { delivery: 'none', outcome: 'too late', read: false },
  { delivery: 'reset', outcome: 'fetch failed', read: false },
];

for (const { delivery, outcome, read } of deliveries) {
  test(`an answer that comes as '${delivery}' ends with '${outcome}'`, async () => {
    const { time, host, exchange, reads } = startWire({ delivery });
    const text = exchange(host.deadline(LIMIT_MS).signal);
    await time.advanceTo(LIMIT_MS);
    assert.equal(await text, outcome);
    assert.equal(reads(), read ? 1 : 0);
  });
}

test('an answer for a paused host waits until it runs again; one for a dead host is never read', async () => {
  for (const end of ['thaw', 'kill'] as const) {
    const { time, host, exchange, reads } = startWire({ delivery: 'whole' });
    void exchange(new AbortController().signal);
    host.freeze();
    await time.advanceTo(LIMIT_MS);
    assert.equal(reads(), 0);
    host[end]();
    await time.advanceTo(2 * LIMIT_MS);
    assert.equal(reads(), end === 'thaw' ? 1 : 0);
  }
});

function startWire({ delivery }: Pick<WireAnswer, 'delivery'>) {
  const time = new VirtualTime(0);
  const host = new Host(1, time);
  let read = 0;
  const answer: WireAnswer = {
    status: 200, headers: {}, pieces: [Buffer.from('one '), Buffer.from('two')], delivery, onRead: () => (read += 1),
  };
  const wire = new Wire(drawPlan(1), time, createTrace(), () => answer);
  const exchange = (signal: AbortSignal): Promise<string> =>
    wire.fetchOf(host)('https://8x8.world/', { signal }).then((response) => response.text())
      .catch((error: Error) => error.message);
  return { time, host, exchange, reads: () => read };
}
