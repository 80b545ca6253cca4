import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { KafkaSink } from '../../src/sink/kafka.ts';
import { startStack, type Stack } from '../stack/stack.ts';
import { isReopen, legEvent, ownsAll, step } from './sink.contract.ts';
import { CLIENT, smallSink } from './small-sink.ts';

// Goal: the death of the publishing thread costs a session, not the process. Method: terminate it under a session.

let stack: Stack;
before(async () => {
  stack = await startStack();
});
after(() => stack.stop());

const skip = CLIENT === 'librdkafka' && 'not tested: librdkafka publishes without that thread';

test('when the publishing thread dies, the session dies with it, and the next one goes on', { skip }, async (t) => {
  const threads: Worker[] = [];
  t.mock.method(Worker.prototype, 'postMessage', function postMessage(this: Worker, ...args: [unknown]) {
    if (!threads.includes(this)) threads.push(this);
    return original.apply(this, args as never);
  });
  const name = `thread-${randomUUID().slice(0, 8)}`;
  const sink = new KafkaSink(smallSink(name, stack));
  const stop = new AbortController();
  await sink.check();
  await ownsAll(sink, stop.signal);

  const session = await sink.openShard(0);
  await session.commit(step([legEvent('before')]));
  await threads[0]!.terminate();
  await assert.rejects(session.commit(step([legEvent('lost')])), isReopen);
  await session.close();

  const next = await sink.openShard(0);
  await next.commit(step([legEvent('after')]));
  assert.equal(threads.length, 2, 'closing the dead session has started no thread');
  await next.close();
  stop.abort();
  await sink.close();
});

const original = Worker.prototype.postMessage;
