import { after, before } from 'node:test';
import { randomUUID } from 'node:crypto';
import { KafkaSink, type KafkaSinkOptions } from '../../src/sink/kafka.ts';
import { readTopics } from '../reader/topics.ts';
import { startStack, type Stack } from '../stack/stack.ts';
import { testSink } from './sink.contract.ts';

let stack: Stack;
let opened = 0;
const run = randomUUID().slice(0, 8);
const topics = {
  callLegs: `${run}.call-legs`,
  callRecords: `${run}.call-records`,
  rejected: `${run}.rejected`,
  offsets: `${run}.offsets`,
};

before(async () => {
  stack = await startStack();
});
after(() => stack.stop());

function options(): KafkaSinkOptions {
  return {
    brokers: stack.brokers.split(','),
    topics,
    create: true,
    partitions: 3,
    shards: 2,
    replicationFactor: 1,
    retentionMs: -1,
    connector: run,
    pass: 'live',
    registry: { url: stack.registryUrl, register: true, compatibility: 'BACKWARD' },
    compression: 'none',
    transactionTimeoutMs: 10_000,
    sessionTimeoutMs: 6_000,
  };
}

testSink('kafka', {
  async open() {
    // In a group of its own, so that it gets every shard while the sinks before it and their sessions live on: as
    // those of a process that was cut off, and does not know it.
    return new KafkaSink({ ...options(), groupId: `${run}.${opened++}` });
  },
  async readPublished() {
    const records = await readTopics(stack, [topics.callLegs, topics.callRecords, topics.rejected]);
    return records.map(({ value }) => String(value!['eventId']));
  },
});
