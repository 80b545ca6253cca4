import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, test } from 'node:test';
import { readTopics, type ReadRecord } from '../reader/topics.ts';
import { command } from './command.ts';
import { closingJourneys, type Journey } from './journey.ts';
import { readLedger } from './verdict.ts';

// Goal: a PBX that 8x8 calls by another name goes on under it, and no row of before comes twice. Method: the whole road
// on real parts; the simulator gives all rows of a PBX another name, as it is believed that 8x8 does.

const { journey, closeAll } = closingJourneys();
const folder = mkdtempSync(join(tmpdir(), '8x8-rename-'));
after(async () => {
  await closeAll();
  rmSync(folder, { recursive: true });
});

const STREAMS = ['call-legs', 'call-records'];
const bothPolled = async (one: Journey, pbx: string): Promise<void> => {
  for (const stream of STREAMS) {
    await one.line(({ msg, feed }) => msg === 'polled' && feed === `live/${stream}/${pbx}`);
  }
};

/** A row by what it is, whatever its PBX is called. */
const rowOf = (topic: string, key: string): string => `${topic} ${key.replace(/^(globex|umbrella)\//, '')}`;

async function eventsOf(
  { stack, prefix }: Journey, topics: readonly string[],
): Promise<readonly { row: string; event: ReadRecord }[]> {
  const records = await readTopics(stack, topics.map((topic) => `${prefix}.${topic}`));
  return records.map((event) =>
    ({ row: rowOf(event.topic.slice(prefix.length + 1), event.headers['ce_subject']!), event }));
}

test('a PBX goes on under its new name, in another shard, and no row of before comes twice', async () => {
  const one = await journey({ calls: true });
  const file = join(folder, 'settings.json');
  const write = (...pbxIds: readonly string[]): void => {
    writeFileSync(`${file}.new`, JSON.stringify({ source: { pbxIds } }));
    renameSync(`${file}.new`, file);
  };
  write('acme', 'globex');
  one.start({ EIGHT_PBX_IDS: undefined as unknown as string }, [], ['--config', file]);
  await bothPolled(one, 'acme');
  await bothPolled(one, 'globex');

  const dry = await command(one, 'offsets', 'rename', 'globex', 'umbrella', '--dry-run');
  assert.match(dry.stdout, /^live\/call-legs\/umbrella would continue from .*\d+\.\n(.*\n)+Nothing/);
  one.account.system.rename('globex', 'umbrella');
  const { code, stdout, stderr } = await command(one, 'offsets', 'rename', 'globex', 'umbrella', '--reason', 'a test');
  assert.equal(code, 0, stderr);
  assert.match(stdout, /live\/call-records\/umbrella continues from .*, keys: [1-9]\d*\.\n(.*\n)?globex stands/);
  const shown = await command(one, 'offsets', 'show');
  assert.match(shown.stdout, /live\/call-legs\/globex.*paused/);
  write('acme', 'umbrella');
  await one.line(({ msg }) => msg === 'settings read anew');
  await bothPolled(one, 'umbrella');

  const untilMs = Date.now();
  const expected = (await readLedger(one.account.origin, untilMs - 8 * 60_000, untilMs))
    .map(({ report, key }) => rowOf(report, key));
  let events = await eventsOf(one, STREAMS);
  for (let tries = 0; tries < 60 && expected.some((row) => !events.some((event) => event.row === row)); tries += 1) {
    await sleep(500);
    events = await eventsOf(one, STREAMS);
  }
  const byRow = Map.groupBy(events, ({ row }) => row);
  assert.deepEqual(expected.filter((row) => !byRow.has(row)), [], 'nothing is lost');
  assert.deepEqual([...byRow].filter(([, alike]) => alike.length > 1).map(([row]) => row), [], 'nothing is doubled');
  const under = (pbxId: string): number => events.filter(({ event }) => event.value!['pbxId'] === pbxId).length;
  assert.ok(under('globex') > 100 && under('umbrella') > 0, `${under('globex')}, ${under('umbrella')}`);

  const calls = await eventsOf(one, ['calls']);
  const told = Map.groupBy(calls, ({ row, event }) => `${row} ${String(event.value!['revision'])}`);
  assert.ok(calls.some(({ event }) => event.value!['pbxId'] === 'umbrella'));
  assert.deepEqual([...told].filter(([, alike]) => alike.length > 1).map(([call]) => call), [], 'no call comes twice');

  const records = await readTopics(one.stack, [`${one.prefix}.offsets`]);
  const resets = records.flatMap(({ value }) => (value?.['kind'] === 'RESET' ? [value] : []))
    .toSorted((a, b) => Number(a['at']) - Number(b['at']));
  assert.deepEqual(resets.map(({ change, stream, pbxId, reason }) => [change, stream, pbxId, reason]), [
    ...STREAMS.map((stream) => ['pause', stream, 'globex', 'renamed to umbrella: a test']),
    ...[...STREAMS, 'calls'].map((stream) => ['import', stream, 'umbrella', 'renamed from globex: a test']),
  ]);

  const again = await command(one, 'offsets', 'rename', 'globex', 'umbrella');
  assert.equal(again.code, 2);
  assert.match(again.stderr, /live\/call-legs\/umbrella: it has read something already, so nothing is copied over it/);
});

const refusals: readonly (readonly [args: readonly string[], says: RegExp])[] = [
  [['globex', 'GLOBEX'], /both names are the same feed/],
  [['globex', 'a,b'], /Expected one name as in EIGHT_PBX_IDS/],
  [['nobody', 'umbrella'], /neither nobody nor umbrella is in EIGHT_PBX_IDS/],
  [['globex', 'umbrella'], /globex has no offset to copy/],
];
test('a rename says what it does not take, and changes nothing', async () => {
  const one = await journey();
  const worker = one.start({ EIGHT_PBX_IDS: 'acme' });
  await bothPolled(one, 'acme');
  await worker.stop();
  for (const [args, says] of refusals) {
    const { code, stdout, stderr } = await command(one, 'offsets', 'rename', ...args);
    assert.deepEqual([code, stdout], [2, ''], args.join(' '));
    assert.match(stderr, says);
  }
  const { stdout } = await command(one, 'offsets', 'show');
  assert.doesNotMatch(stdout, /paused|umbrella/);
});
