import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isReopen, legEvent, step } from '../sink/sink.contract.ts';
import type { Api, Frame } from './proxy.ts';
import { openRange, publish, type Range } from './proxy-sink.ts';

// Goal: a request that arrives when its session is long dead changes nothing. Method: the proxy holds it until the next
// session is in the middle of a transaction of its own, the worst moment, and reads what the broker says to it.

let range: Range;
before(async () => {
  range = await openRange();
});
after(() => range.close());

const { feed } = step([]);
/** Kafka's INVALID_PRODUCER_EPOCH. */
const FENCED = 47;
const CONCURRENT_TRANSACTIONS = 51;
const ANSWER_MAX_MS = 5_000;

/** Kafka's answer to a request that was held, once it is released. */
async function answerTo(frame: Frame): Promise<number> {
  const { proxy } = range.stack;
  proxy.release((held) => held === frame);
  for (let waitedMs = 0; waitedMs < ANSWER_MAX_MS; waitedMs += 20) {
    const answer = proxy.lateAnswers.find((late) => late.frame === frame);
    if (answer !== undefined) return answer.error;
    await sleep(20);
  }
  throw new Error(`no answer to ${frame.api} in ${ANSWER_MAX_MS} ms`);
}

/** What was ever written beside what is visible: only a transaction whose records had arrived leaves any behind. */
const left: Readonly<Record<Exclude<Api, 'InitProducerId'>, readonly string[]>> = {
  AddPartitionsToTxn: [],
  Produce: [],
  EndTxn: ['late'],
};
for (const [api, written] of Object.entries(left) as [Api, readonly string[]][]) {
  test(`${api} that arrives in a transaction of the next session is refused, and never visible`, async () => {
    const sink = await range.openSink();
    const first = await sink.openShard();
    const holdingLate = range.strikeNext(api, 'hold-request');
    await assert.rejects(first.commit(step([legEvent('late')])), isReopen);
    await first.close();

    const next = await sink.openShard();
    assert.equal(next.offsetOf(feed), undefined, 'what was held has not happened');
    const holdingNext = range.strikeNext('EndTxn', 'hold-request');
    const committed = next.commit(step([legEvent('next')]));
    const late = await holdingLate;
    const end = await holdingNext;
    assert.equal(await answerTo(late), FENCED);
    assert.equal(await answerTo(end), 0, 'the next session goes on');
    await committed;

    assert.deepEqual(await sink.calls(), ['next']);
    assert.deepEqual(await sink.calls('read_uncommitted'), [...written, 'next']);
  });
}

test('InitProducerId that arrives in a transaction of the next session fences it; the one after goes on', async () => {
  const sink = await range.openSink();
  const holdingLate = range.strikeNext('InitProducerId', 'hold-request');
  await assert.rejects(sink.openShard(), isReopen);
  const next = await sink.openShard();
  await next.commit(step([legEvent('before')]));
  const holdingNext = range.strikeNext('EndTxn', 'hold-request');
  const refused = assert.rejects(next.commit(step([legEvent('again')])), { code: 'SINK_FENCED' });
  const late = await holdingLate;
  const end = await holdingNext;
  assert.equal(await answerTo(late), CONCURRENT_TRANSACTIONS, 'it has the open transaction aborted');
  assert.equal(await answerTo(end), FENCED);
  await refused;
  await next.close();

  // The client that had sent it may still be there, and try again for that answer: more than one session may be fenced.
  await publish(sink, legEvent('again'));
  assert.deepEqual(await sink.calls(), ['before', 'again']);
});
