import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { readTopics } from '../reader/topics.ts';
import { withAdmin } from '../stack/admin.ts';
import { command } from './command.ts';
import { closingJourneys, type Journey } from './journey.ts';
import { assertWhole } from './verdict.ts';

// Goal: a person reads history beside the live feeds, on real parts. Method: the commands themselves, with a worker
// that runs, one that is killed, and one that is not there.

const { journey, closeAll } = closingJourneys();
after(closeAll);

const MINUTE = 60_000;
// In one shard, whose owner notices at its next commit that an offset was changed: with all feeds of its own paused it
// would ask once a minute.
const HISTORY = { simulator: { historyMs: 60 * MINUTE, callsPerHour: 600 }, settings: { KAFKA_SHARDS: '1' } };

/** A journey whose live feeds have begun ten minutes ago, with fifty minutes of calls before. */
async function begun() {
  const one = await journey(HISTORY);
  const worker = one.start();
  for (const feed of ['call-legs/acme', 'call-records/acme', 'call-legs/globex', 'call-records/globex']) {
    await one.line((line) => line.msg === 'polled' && line['feed'] === `live/${feed}`);
  }
  const now = Date.now();
  return { one, worker, from: new Date(now - 40 * MINUTE).toISOString(), to: new Date(now).toISOString() };
}

/** Events of rows by the pass that has published them. */
async function eventsByPass({ stack, prefix }: Journey): Promise<ReadonlyMap<string, readonly string[]>> {
  const records = await readTopics(stack, ['call-legs', 'call-records'].map((name) => `${prefix}.${name}`));
  const named = records.map(({ value, headers }) =>
    ({ pass: String(value!['pass']), name: `${headers['ce_type']} ${headers['ce_subject']}` }));
  return new Map([...Map.groupBy(named, ({ pass }) => pass)].map(([pass, all]) => [pass, all.map(({ name }) => name)]));
}

/** How many rows the ledger says a pass has published, with nothing missing. */
async function newOf(one: Journey, from: string, pass: string): Promise<number> {
  const { code, stdout, stderr } = await command(one, 'ledger', '--json', '--from', from, '--pass', pass);
  assert.deepEqual([code, stderr], [0, '']);
  const lines = stdout.trim().split('\n').map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  assert.deepEqual(lines.filter((line) => line['pass'] !== pass), []);
  if (pass !== 'live') assert.deepEqual(lines.filter(({ pendingFrom }) => pendingFrom !== null), []);
  const counts = ['new', 'corrected', 'recovered'];
  return lines.reduce((sum, line) => counts.reduce((all, name) => all + Number(line[name]), sum), 0);
}

test('a backfill reads what lies before the live pass, shows how it goes, and publishes nothing twice', async () => {
  const { one, from, to } = await begun();
  const { code, stdout, stderr } = await command(one, 'backfill', '--name', 'first-year', '--from', from, '--to', to);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /first-year\/call-legs\/acme: reads from .* to .*\.\n/);
  assert.match(stdout, /█ 100\.0 %, \d+ events, \d+ a second, done\n$/);

  const shown = await command(one, 'passes', 'show', '--json');
  const passes = shown.stdout.trim().split('\n').map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  assert.deepEqual(passes.map(({ kind, state, percent }) => [kind, state, percent]),
    Array.from({ length: 4 }, () => ['backfill', 'done', 100]));

  const again = await command(one, 'backfill', '--name', 'first-year', '--from', from, '--to', to);
  assert.match(again.stdout, /has begun before, and goes on/);
  const twice = await command(one, 'backfill', '--name', 'second', '--from', from, '--to', to);
  assert.deepEqual([twice.code, /the pass first-year reads a part of it/.test(twice.stdout)], [2, true]);

  assertWhole(await one.settle());
  const events = await eventsByPass(one);
  const [live, old] = [events.get('live')!, events.get('first-year')!];
  assert.equal(await newOf(one, from, 'first-year'), old.length);
  // A worker that is stopped in the middle of a window has published pages of which no entry tells yet.
  assert.ok(await newOf(one, from, 'live') <= live.length);
  assert.ok(live.length > 0 && old.length > 0);
  assert.deepEqual(old.filter((name) => live.includes(name)), []);
});

test('a backfill goes on after its worker was killed, can be paused, resumed and ended', async () => {
  const { one, worker: first, from, to } = await begun();
  await first.stop(); // else the pass may be done before it is paused
  const args = ['--name', 'old', '--from', from, '--to', to];
  assert.equal((await command(one, 'backfill', ...args, '--detach')).code, 0);
  assert.equal((await command(one, 'passes', 'pause', '--name', 'old', '--stream', 'call-legs')).code, 0);
  const second = one.start();
  await one.line((line) => line.msg === 'polled' && /^old[/]call-records[/]/.test(String(line['feed'])));
  await second.kill();
  const paused = await command(one, 'passes', 'show');
  assert.match(paused.stdout, /old\/call-legs\/acme.*paused/);
  assert.equal((await command(one, 'passes', 'resume', '--name', 'old', '--stream', 'call-legs')).code, 0);
  one.start();
  const { stdout } = await command(one, 'backfill', ...args);
  assert.match(stdout, /100\.0 %.*done\n$/);
  const ended = await command(one, 'passes', 'cancel', '--name', 'old');
  assert.deepEqual([ended.code, /has come to its end/.test(ended.stdout)], [2, true]);
  assertWhole(await one.settle());
});

test('the live pass stands still while it is paused, and goes on without loss', async () => {
  const { one } = await begun();
  const paused = await command(one, 'passes', 'pause', '--name', 'live', '--pbx', 'acme');
  assert.equal(paused.code, 0, paused.stderr + paused.stdout);
  const { stdout } = await command(one, 'offsets', 'show');
  assert.match(stdout, /live\/call-legs\/acme.*paused/);
  assert.match(stdout, /live\/call-legs\/globex.*running/);
  assert.equal((await command(one, 'passes', 'resume', '--name', 'live')).code, 0);
  assertWhole(await one.settle());
});

test('a replay publishes again what the live pass has published, marked by its name', async () => {
  const { one } = await begun();
  const [from, to] = [new Date(Date.now() - 8 * MINUTE), new Date(Date.now() - 4 * MINUTE)];
  const { code, stderr } = await command(one, 'replay', '--name', 'again',
    '--from', from.toISOString(), '--to', to.toISOString());
  assert.equal(code, 0, stderr);
  const events = await eventsByPass(one);
  const [live, again] = [events.get('live')!, events.get('again')!];
  assert.ok(again.length > 0);
  assert.deepEqual(again.filter((name) => !live.includes(name)), []);
  assert.equal(new Set(again).size, again.length);
});

test('a replay to a topic of its own puts its rows there alone, once it can be used', async () => {
  const one = await journey(HISTORY);
  const first = one.start();
  await one.line((line) => line.msg === 'polled' && line['feed'] === 'live/call-legs/acme');
  await first.stop();
  const topic = `${one.prefix}.again`;
  const [from, to] = [9, 7].map((minutes) => new Date(Date.now() - minutes * MINUTE).toISOString()) as [string, string];
  const args = ['--name', 'again', '--from', from, '--to', to, '--pbx', 'acme', '--stream', 'call-legs', '--topic'];
  const own = await command(one, 'replay', ...args, `${one.prefix}.ledger`);
  assert.deepEqual([own.code, /it is a topic of the connector/.test(own.stderr)], [2, true]);
  assert.equal((await command(one, 'replay', ...args, topic, '--detach')).code, 0);
  await withAdmin(one.stack.brokers, (admin) => admin.deleteTopics({ topics: [topic] }));

  one.start({ KAFKA_CREATE_TOPICS: 'false' });
  const { msg, feed } = await one.line((line) => line['code'] === 'SINK_TOPIC_REFUSED');
  assert.equal(feed, 'again/call-legs/acme');
  assert.match(msg, new RegExp(`topic ${topic} of a replay: .*topics are missing.*--topic ${topic} `, 's'));
  const polls = one.lines.length;
  await one.line((line) => one.lines.indexOf(line) > polls && line['feed'] === 'live/call-legs/acme');
  await withAdmin(one.stack.brokers, (admin) => admin.createTopics({ topics: [{ topic, numPartitions: 2 }] }));
  const { stdout, stderr } = await command(one, 'replay', ...args, topic);
  assert.match(stdout, /100\.0 %.*done\n$/, stderr);
  assert.match((await command(one, 'passes', 'show')).stdout, new RegExp(`replay .*${topic} .*done`));

  assertWhole(await one.settle({ replayTopics: { [topic]: 'call-legs' } }));
  const there = await readTopics(one.stack, [topic]);
  assert.ok(there.length > 5 && there.every(({ value }) => value!['pass'] === 'again'));
  assert.deepEqual([...(await eventsByPass(one)).keys()], ['live']);
});

const [FROM, TO] = ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'];
const refusals: readonly (readonly [args: readonly string[], says: RegExp])[] = [
  [['backfill', '--name', 'x', '--from', FROM, '--to', '2999-01-01T00:00:00Z'], /--to lies in the future/],
  [['backfill', '--name', 'x', '--from', TO, '--to', FROM], /--from must lie before --to/],
  [['backfill', '--name', 'x', '--from', '2001-01-01T00:00:00Z', '--to', FROM], /8x8 keeps two years/],
  [['backfill', '--name', 'live', '--from', FROM, '--to', TO], /--name: .* not "live"/],
  [['backfill', '--name', 'A/b', '--from', FROM, '--to', TO], /--name: 1 to 64 of/],
  [['backfill', '--name', 'x', '--from', FROM, '--to', TO, '--pbx', 'nobody'], /--pbx: there are only acme/],
  [['replay', '--name', 'x', '--from', FROM, '--to', TO, '--stream', 'mails'], /--stream: there are only call-/],
  [['replay', '--name', 'x', '--from', FROM, '--to', TO, '--topic', 't'], /--topic needs one --stream/],
  [['replay', '--name', 'x', '--from', FROM, '--to', TO, '--stream', 'call-legs', '--topic', 'a b'], /--topic: a t/],
  [['backfill', '--name', 'x', '--from', 'some day', '--to', TO], /some day/],
];
for (const [args, says] of refusals) {
  test(`${args.join(' ')} is refused, and changes nothing`, async () => {
    const { code, stdout, stderr } = await command(await journey(), ...args);
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, says);
  });
}
