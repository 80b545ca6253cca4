import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readTopics } from '../reader/topics.ts';
import { command } from './command.ts';
import { closingJourneys, type Journey } from './journey.ts';
import { assertWhole } from './verdict.ts';

// Goal: what is exported can be put back, on real parts. Method: the commands; the offsets are spoilt meanwhile.

const { journey, closeAll } = closingJourneys();
const folder = mkdtempSync(join(tmpdir(), 'saved-test-'));
after(async () => {
  rmSync(folder, { recursive: true });
  await closeAll();
});

const NAMES = ['call-legs/acme', 'call-legs/globex', 'call-records/acme', 'call-records/globex']
  .map((name) => `live/${name}`);
const FEED = NAMES[0]!;

interface File {
  readonly connector: string;
  readonly feeds: { readonly feed: string; readonly watermark: string; readonly seen: readonly unknown[] }[];
}

/** A journey whose worker has stopped after each feed has polled, and the file of its offsets. */
async function exported(): Promise<{ readonly one: Journey; readonly path: string; readonly file: File }> {
  const one = await journey();
  const worker = one.start();
  for (const feed of NAMES) await one.line((line) => line.msg === 'polled' && line['feed'] === feed);
  await worker.stop();
  const path = join(folder, `${one.prefix}.json`);
  const { code, stdout, stderr } = await command(one, 'offsets', 'export', '--file', path);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^Feeds: 4, keys of published rows: [1-9]\d*, left out as broken: 0\.\n$/);
  return { one, path, file: JSON.parse(readFileSync(path, 'utf8')) as File };
}

test('offsets that are exported, spoilt and imported go on without loss or double', async () => {
  const { one, path, file } = await exported();
  assert.deepEqual(file.feeds.map(({ feed }) => feed), NAMES);
  const { watermark, seen } = file.feeds[0]!;

  const spoil = ['--feed', FEED, '--to', new Date(Date.now() - 3_600_000).toISOString()];
  assert.equal((await command(one, 'offsets', 'reset', ...spoil)).code, 0);
  const dry = await command(one, 'offsets', 'import', '--file', path, '--dry-run');
  const would = `${FEED} would continue from ${watermark} \\(now: .*\\), keys: ${seen.length}, `;
  assert.match(dry.stdout, new RegExp(would));
  assert.match(dry.stdout, /Nothing was changed\.\n$/);
  const told = await command(one, 'offsets', 'import', '--file', path, '--reason', 'a test');
  assert.equal(told.code, 0, told.stderr);
  assert.match(told.stdout, new RegExp(`${FEED} continues from ${watermark} \\(before: .*, forgotten: 0\\.\n`));

  const again = await command(one, 'offsets', 'export');
  assert.deepEqual(byKey((JSON.parse(again.stdout) as File).feeds), byKey(file.feeds));
  const records = await readTopics(one.stack, [`${one.prefix}.offsets`]);
  const resets = records.filter(({ value }) => value?.['kind'] === 'RESET' && value['change'] === 'import');
  assert.deepEqual(resets.map(({ value }) => value!['reason']), NAMES.map(() => 'a test'));
  one.start();
  assertWhole(await one.settle());
});

test('offsets are imported also where nobody has written any yet', async () => {
  const { one, path, file } = await exported();
  const empty = { ...one, prefix: `${one.prefix}-new` };
  const { code, stderr } = await command(empty, 'offsets', 'import', '--file', path, '--from-another-connector');
  assert.equal(code, 0, stderr);
  const { stdout } = await command(empty, 'offsets', 'export');
  assert.deepEqual(byKey((JSON.parse(stdout) as File).feeds), byKey(file.feeds));
});

/** The order of keys means nothing. */
function byKey(feeds: File['feeds']): unknown {
  const keyOf = (entry: unknown): string => (entry as { readonly key: string }).key;
  return feeds.map(({ seen, ...feed }) => ({ ...feed, seen: seen.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)) }));
}

test('an import says what it does not take, and changes nothing', async () => {
  const { one, path, file } = await exported();
  const other = (name: string, content: object | string): string => {
    const to = `${path}.${name}`;
    writeFileSync(to, typeof content === 'string' ? content : JSON.stringify(content));
    return to;
  };
  const foreign = other('foreign', { ...file, connector: 'other' });
  const unknown = other('unknown', { ...file, feeds: [{ ...file.feeds[0]!, feed: 'live/call-legs/umbrella' }] });
  const refusals: readonly (readonly [args: readonly string[], says: RegExp])[] = [
    [['--file', `${path}.none`], /none cannot be read \(ENOENT\)/],
    [['--file', other('torn', '{ "version": ')], /torn: it is not JSON/],
    [['--file', other('version', { ...file, version: 2 })], /content\.version must be 1/],
    [['--file', foreign], /of another CONNECTOR_NAME; --from-another-connector/],
    [['--file', unknown], /live\/call-legs\/umbrella: neither in EIGHT_PBX_IDS and EIGHT_STREAMS, nor known/],
    [['--file', path, '--feed', 'live/call-legs/umbrella'], /--feed live\/call-legs\/umbrella: .* does not have it/],
  ];
  for (const [args, says] of refusals) {
    const { code, stdout, stderr } = await command(one, 'offsets', 'import', ...args);
    assert.deepEqual([code, stdout], [2, ''], args.join(' '));
    assert.match(stderr, says);
  }
  const args = ['--file', foreign, '--from-another-connector', '--feed', FEED, '--dry-run'];
  const { stdout } = await command(one, 'offsets', 'import', ...args);
  assert.match(stdout, /^live\/call-legs\/acme would [^\n]+\nNothing/);
});
