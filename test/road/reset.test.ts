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

test('offsets show and rewind tell where a feed stands, and a rewind publishes nothing twice', async () => {
  const one = await journey();
  one.start();
  await one.line(polled(FEED));
  interface Shown {
    readonly feed: string;
    readonly watermark: string;
    readonly seenKeys: number;
    readonly problem: string;
  }
  const shown = async (): Promise<readonly Shown[]> => {
    const { code, stdout, stderr } = await command(one, 'offsets', 'show', '--json');
    assert.equal(code, 0, stderr);
    return stdout.trim().split('\n').map((line) => JSON.parse(line) as Shown);
  };
  const before = await shown();
  assert.deepEqual(before.map(({ feed, problem }) => [feed, problem]), [
    ['live/call-legs/acme', ''], ['live/call-legs/globex', ''],
    ['live/call-records/acme', ''], ['live/call-records/globex', ''],
  ]);
  assert.ok(before[0]!.seenKeys > 0);
  assert.match((await command(one, 'offsets', 'show')).stdout, /│ live\/call-legs\/acme +│ +\d+/);

  const dry = await command(one, 'offsets', 'rewind', '--feed', FEED, '--by', '1m', '--dry-run');
  assert.match(dry.stdout, /would continue from .*\n.*read again: 1, .*again: [1-9]\d*\. Nothing was changed\.\n$/);
  const records = await readTopics(one.stack, [`${one.prefix}.offsets`]);
  assert.equal(records.filter(({ value }) => value?.['kind'] === 'RESET').length, 0);

  const { stdout } = await command(one, 'offsets', 'rewind', '--feed', FEED, '--by', '1m', '--reason', 'a test');
  const [, to, from] = /continues from (.+) \(before: (.+)\)\./.exec(stdout)!;
  assert.equal(Date.parse(from!) - Date.parse(to!), 60_000);
  await one.line(({ msg, feed, fromWatermark }) => msg === 'polled' && feed === FEED && fromWatermark === to);
  assertWhole(await one.settle());
});

const refusals: readonly (readonly [args: readonly string[], says: RegExp])[] = [
  [['reset', '--feed', FEED, '--to', '2999-01-01T00:00:00Z'], /--to lies in the future/],
  [['reset', '--feed', FEED, '--to', '2001-01-01T00:00:00Z'], /8x8 keeps two years/],
  [['rewind', '--feed', FEED, '--by', '900d'], /8x8 keeps two years/],
  [['rewind', '--feed', FEED, '--by', 'a while'], /a span such as 30m/],
  [['rewind', '--feed', 'live/emails/acme', '--by', '1h'], /the name of a feed/],
];
for (const [args, says] of refusals) {
  test(`offsets ${args.join(' ')} is refused, and changes nothing`, async () => {
    const { code, stdout, stderr } = await command(await journey(), 'offsets', ...args);
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, says);
  });
}
