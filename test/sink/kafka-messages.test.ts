import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Message } from 'kafkajs';
import { planSends, type PlacedMessage } from '../../src/sink/kafka-messages.ts';

const LIMIT = 1_048_588; // a broker's message.max.bytes

const message = (partition: number, bytes: number, number: number): PlacedMessage => ({
  topic: 'legs',
  partition,
  key: `acme/${number}`,
  value: new Uint8Array(bytes),
  timestampMs: 1,
  event: {
    id: 'f'.repeat(32),
    kind: 'call-legs',
    source: '/8x8/work/call-legs',
    subject: `acme/${number}/1`,
    timeMs: 1,
  },
});

const anyMessages = fc.array(fc.tuple(fc.nat(5), fc.nat(200_000)), { maxLength: 60 })
  .map((list) => list.map(([partition, bytes], number) => message(partition, bytes, number)));

/** Everything kafkajs puts on the wire for a message, give or take the frame. */
function wireBytes({ key, value, headers }: Message): number {
  const texts = Object.entries(headers ?? {}).flatMap(([name, text]) => [name, String(text)]);
  return String(key).length + (value?.length ?? 0) + texts.join('').length + 4 * texts.length + 20;
}

test('a send goes to one broker, keeps the order of a partition, and loses nothing', () => {
  fc.assert(fc.property(anyMessages, fc.integer({ min: 1, max: 3 }), (messages, brokers) => {
    const sends = planSends(messages, (_, partition) => partition % brokers);
    for (const send of sends) {
      const leaders = new Set(send.flatMap((topic) => topic.messages.map(({ partition }) => partition! % brokers)));
      assert.equal(leaders.size, 1);
    }
    for (let partition = 0; partition <= 5; partition += 1) {
      const sent = sends.flat().flatMap((topic) => topic.messages).filter((each) => each.partition === partition);
      const asked = messages.filter((each) => each.partition === partition);
      assert.deepEqual(sent.map(({ key }) => key), asked.map(({ key }) => key));
    }
  }));
});

test('no batch of a partition is larger than a broker takes, headers and all', () => {
  const lean = Array.from({ length: 7_000 }, (_, number) => message(0, 60, number));
  for (const send of planSends(lean, () => 1)) {
    const bytes = send[0]!.messages.reduce((sum, each) => sum + wireBytes(each), 0);
    assert.ok(bytes < LIMIT, `${bytes}`);
  }
});

test('an event has the headers of the CloudEvents binding, and a tombstone none', () => {
  const tombstone: PlacedMessage = { topic: 'offsets', partition: 0, key: 'x', value: null };
  const sends = planSends([message(0, 5, 1), tombstone], () => 1, { ce_commit: '8x8/live/call-legs/acme/17' });
  const [event, other] = sends[0]!.map(({ messages }) => messages[0]!);
  const texts = Object.fromEntries(Object.entries(event!.headers!).map(([name, text]) => [name, String(text)]));
  assert.deepEqual(texts, {
    'ce_specversion': '1.0',
    'ce_type': 'com.8x8.work.call-leg.v1',
    'content-type': 'application/avro',
    'ce_id': 'f'.repeat(32),
    'ce_source': '/8x8/work/call-legs',
    'ce_subject': 'acme/1/1',
    'ce_time': '1970-01-01T00:00:00.001Z',
    'ce_commit': '8x8/live/call-legs/acme/17',
  });
  assert.deepEqual(other, { partition: 0, key: 'x', value: null });
});
