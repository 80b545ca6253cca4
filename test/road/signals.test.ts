import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Kafka, logLevel } from 'kafkajs';
import { readTopics } from '../reader/topics.ts';
import { command } from './command.ts';
import { closingJourneys, type Journey, type JourneyOptions } from './journey.ts';
import { assertWhole } from './verdict.ts';
import type { LogLine } from './worker.ts';

// Goal: a running connector does what a record on a topic asks, once, on real parts. Method: a producer as any other.

const { journey, closeAll } = closingJourneys();
after(closeAll);

const MINUTE = 60_000;
const TOKEN = 'token-of-a-test-7f3a';

interface Signalled {
  readonly one: Journey;
  /** Sends a text to the topic; resolves to the line of the log that tells what became of it. */
  signal(text: string): Promise<LogLine>;
}

const HISTORY = { simulator: { historyMs: 60 * MINUTE, callsPerHour: 600 } };

/** A journey whose four live feeds have begun. */
async function signalled(options: JourneyOptions = {}): Promise<Signalled> {
  const one = await journey(options);
  const topic = `${one.prefix}.signals`;
  one.start({ KAFKA_TOPIC_SIGNALS: topic, HTTP_TOKEN: TOKEN });
  for (const feed of ['call-legs/acme', 'call-records/acme', 'call-legs/globex', 'call-records/globex']) {
    await one.line((line) => line.msg === 'polled' && line['feed'] === `live/${feed}`);
  }
  const kafka = new Kafka({ clientId: 'person', brokers: one.stack.brokers.split(','), logLevel: logLevel.NOTHING });
  const producer = kafka.producer();
  await producer.connect();
  after(() => producer.disconnect());
  return {
    one,
    async signal(value) {
      const [sent] = await producer.send({ topic, messages: [{ value }] });
      return one.line((line) => line['signal'] === `${topic}-0@${sent!.baseOffset}`);
    },
  };
}

const feedsOf = (line: LogLine): Readonly<Record<string, string>> => line['feeds'] as Record<string, string>;
const json = (type: string, data: object): string => JSON.stringify({ id: `the-${type}`, type, data, who: 'a test' });

test('feeds are paused, resumed and rewound by signals, without loss or double', async () => {
  const { one, signal } = await signalled();
  const paused = await signal(json('pause', { pass: 'live', pbx: 'acme' }));
  assert.equal(paused.msg, 'signal obeyed');
  assert.equal(paused['id'], 'the-pause');
  assert.deepEqual(feedsOf(paused), {
    'live/call-legs/acme': 'stands still', 'live/call-records/acme': 'stands still',
  });
  assert.deepEqual(Object.values(feedsOf(await signal(json('resume', { pass: 'live', pbx: 'acme' })))),
    ['goes on', 'goes on']);
  const rewound = await signal(json('rewind', { pass: 'live', pbx: 'globex', stream: 'call-legs', by: '1m' }));
  const [, to] = /^continues from (.+)$/.exec(feedsOf(rewound)['live/call-legs/globex']!)!;
  await one.line(({ msg, feed, fromWatermark }) =>
    msg === 'polled' && feed === 'live/call-legs/globex' && fromWatermark === to);
  const records = await readTopics(one.stack, [`${one.prefix}.offsets`]);
  const resets = records.filter(({ value }) => value?.['kind'] === 'RESET');
  assert.deepEqual([...new Set(resets.map(({ value }) => value!['who']))], ['a test']);
  assert.ok(resets.every(({ value }) => /\.signals-0@\d$/.test(String(value!['signal']))));
  assertWhole(await one.settle());
});

test('signals that nobody can obey are told, and the next one begins a backfill', async () => {
  const { one, signal } = await signalled(HISTORY);
  const canary = 'canary-7f3a';
  for (const [text, outcome, problem] of [
    [`{ "${canary}`, 'unreadable', /^it is not JSON$/],
    [json('pause', { pass: 'live', pbx: canary }), 'refused', /^data\.pbx: there are only acme, globex$/],
    [json('cancel', { pass: 'live' }), 'unchanged', /^undefined$/],
  ] as const) {
    const line = await signal(text);
    assert.deepEqual([line.msg, line['outcome']], ['signal not obeyed', outcome]);
    assert.match(String(line['problem']), problem);
  }
  const [from, end] = [new Date(Date.now() - 40 * MINUTE), new Date()];
  const begun = await signal(json('backfill', { name: 'old', from: from.toISOString(), to: end.toISOString() }));
  assert.deepEqual([begun.msg, Object.keys(feedsOf(begun)).length], ['signal obeyed', 4]);
  await one.line(({ msg, feed }) => msg === 'polled' && feed === 'old/call-records/globex');
  assert.doesNotMatch(JSON.stringify(one.lines), new RegExp(canary));
  const { http } = await one.line(({ msg }) => msg === 'starting');
  const metrics = await (await fetch(`${String(http)}/metrics`)).text();
  for (const outcome of ['unreadable', 'refused', 'unchanged', 'obeyed']) {
    assert.match(metrics, new RegExp(`^connector_signals_total{outcome="${outcome}"} 1$`, 'm'));
  }
});

test('a signal over HTTP is obeyed, if it bears the token', async () => {
  const { one } = await signalled();
  const { http } = await one.line(({ msg }) => msg === 'starting');
  const body = json('pause', { pass: 'live', pbx: 'acme', stream: 'call-legs' });
  const post = (authorization: string) =>
    fetch(`${String(http)}/signals`, { method: 'POST', body, headers: { authorization } });
  assert.equal((await post('Bearer x')).status, 401);
  const answer = await post(`Bearer ${TOKEN}`);
  const { feeds } = await answer.json() as { readonly feeds: unknown };
  assert.deepEqual([answer.status, feeds], [200, { 'live/call-legs/acme': 'stands still' }]);
});

test('a signal that is received again, after its change and before its commit, changes nothing', async () => {
  const { one, signal } = await signalled();
  const first = await signal(json('rewind', { pass: 'live', pbx: 'acme', stream: 'call-legs', by: '1m' }));
  assert.equal(first.msg, 'signal obeyed');
  await one.drain();
  const byCommand = ['--feed', 'live/call-legs/acme', '--by', '1m'];
  assert.equal((await command(one, 'offsets', 'rewind', ...byCommand)).code, 0); // it passes the signal's name on
  const group = `${one.prefix}.signals`;
  const kafka = new Kafka({ clientId: 'thief', brokers: one.stack.brokers.split(','), logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  await admin.setOffsets({ groupId: group, topic: group, partitions: [{ partition: 0, offset: '0' }] });
  await admin.disconnect();
  one.start({ KAFKA_TOPIC_SIGNALS: group });
  const again = await one.line((line) => line['signal'] === first['signal'] && line.msg === 'signal not obeyed');
  assert.deepEqual(feedsOf(again), { 'live/call-legs/acme': 'obeyed before' });
  const records = await readTopics(one.stack, [`${one.prefix}.offsets`]);
  const names = records.flatMap(({ value }) => (value?.['kind'] === 'RESET' ? [value['signal']] : []));
  assert.deepEqual(names, [first['signal'], first['signal']]);
});
