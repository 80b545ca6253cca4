import { after, before } from 'node:test';
import { randomUUID } from 'node:crypto';
import { KafkaSink, type KafkaSinkOptions } from '../../src/sink/kafka.ts';
import { readTopics } from '../reader/topics.ts';
import { startStack, type Stack } from '../stack/stack.ts';
import { testSink } from './sink.contract.ts';
import { smallSink } from './small-sink.ts';

let stack: Stack;
let opened = 0;
const run = randomUUID().slice(0, 8);

before(async () => {
  stack = await startStack();
});
after(() => stack.stop());

function options(): KafkaSinkOptions {
  return { ...smallSink(run, stack), partitions: 3, shards: 2 };
}

testSink('kafka', {
  async open() {
    // In a group of its own, so that it gets every shard while the sinks before it and their sessions live on: as
    // those of a process that was cut off, and does not know it.
    return new KafkaSink({ ...options(), groupId: `${run}.${opened++}` });
  },
  async readPublished() {
    const { topics } = options();
    const records = await readTopics(stack, [topics['call-legs'], topics['call-records'], topics.rejected]);
    return records.map(({ value }) => String(value!['eventId']));
  },
});
