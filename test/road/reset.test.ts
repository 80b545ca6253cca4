import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Kafka, logLevel } from 'kafkajs';
import { readTopics } from '../reader/topics.ts';
import { command } from './command.ts';
import { closingJourneys, type Journey } from './journey.ts';
import { assertWhole } from './verdict.ts';

// Goal: offsets that cannot be true stop the connector with the command that mends them, and that command does.
// Method: the whole road on real parts; somebody writes into the offsets topic what does not belong there.

const { journey, closeAll } = closingJourneys();
after(closeAll);

const FEED = 'live/call-legs/acme';

/** `8x8-connector offsets reset`, as a person would call it. */
async function reset(one: Journey, to: Date): Promise<string> {
  const args = ['--feed', FEED, '--to', to.toISOString(), '--reason', 'a test'];
  return (await command(one, 'offsets', 'reset', ...args)).stdout;
}

/** Writes over the feed's head, past all transactions. */
async function writeHead({ stack, prefix }: Journey, offsets: number, value: Buffer | null): Promise<void> {
  const kafka = new Kafka({ clientId: 'vandal', brokers: stack.brokers.split(','), logLevel: logLevel.NOTHING });
  const producer = kafka.producer({ createPartitioner: () => () => offsets });
  await producer.connect();
  await producer.send({ topic: `${prefix}.offsets`, messages: [{ key: `${prefix}/${FEED}`, value }] });
  await producer.disconnect();
}

const polled = (feed: string) => ({ msg, feed: of }: { msg: string; feed?: unknown }): boolean =>
  msg === 'polled' && of === feed;

const damages = { 'a tombstone': null, 'garbage': Buffer.from('not Avro') };
for (const [name, value] of Object.entries(damages)) {
  test(`${name} in place of a watermark stops the connector, and a reset mends it without loss or double`, async () => {
    const one = await journey();
    const worker = one.start();
    await one.line(polled(FEED));
    await worker.stop();
    const records = await readTopics(one.stack, [`${one.prefix}.offsets`]);
    const head = records.findLast(({ key }) => key === `${one.prefix}/${FEED}`)!;
    await writeHead(one, head.partition, value);

    const refused = one.start();
    assert.equal(await refused.exited, 4);
    const { msg } = one.lines.at(-1)!;
    assert.match(msg, /OFFSETS_INVALID.*live\/call-legs\/acme at log offset \d+ (is unreadable|has been deleted)/);
    assert.match(msg, /cure: 8x8-connector offsets reset --feed live\/call-legs\/acme/);

    const told = await reset(one, new Date(Number(head.value!['watermark'])));
    assert.match(told, /continues from .* \(before: unknown\)/);
    assert.match(told, /nobody could read, now deleted: 1/);
    one.start();
    assertWhole(await one.settle({ except: ['I9'] })); // the vandal has written past all transactions
  });
}

test('a feed that is set back while its worker runs reads again, and publishes only what is new', async () => {
  const one = await journey();
  one.start();
  const { time } = await one.line(polled(FEED));
  const told = await reset(one, new Date(Date.now() - 5 * 60_000));
  assert.match(told, /before: \d{4}-/);
  await one.line((line) => line.msg === 'shard opened' && String(line['time']) > String(time));
  assertWhole(await one.settle());
  const records = await readTopics(one.stack, [`${one.prefix}.offsets`]);
  const entry = records.find(({ value }) => value?.['kind'] === 'RESET')!;
  assert.equal(entry.value!['reason'], 'a test');
});
