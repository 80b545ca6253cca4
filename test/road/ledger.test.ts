import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { readTopics } from '../reader/topics.ts';
import { command } from './command.ts';
import { closingJourneys, type Journey } from './journey.ts';

// Goal: the ledger command tells what was read and what was not, out of the real topic. Method: a journey; what the
// command counts is compared with what a reader of its own has read; then a person moves a feed over some minutes.

const { journey, closeAll } = closingJourneys();
after(closeAll);

interface Line {
  readonly from: string;
  readonly pbxId: string;
  readonly stream: string;
  readonly new: number;
  readonly corrected: number;
  readonly rejected: number;
  readonly holes: readonly { readonly from: string; readonly to: string }[];
}

async function linesOf(one: Journey, ...args: readonly string[]): Promise<{ code: number; lines: readonly Line[] }> {
  const { code, stdout, stderr } = await command(one, 'ledger', '--json', ...args);
  assert.equal(stderr, '');
  return { code, lines: stdout.trim().split('\n').map((line) => JSON.parse(line) as Line) };
}

const shared = (async () => {
  const one = await journey({ simulator: { revisedShare: 0.5, revisedMaxMs: 10_000, poisonShare: 0.02 } });
  one.start();
  await one.line(({ corrected }) => Number(corrected) > 0);
  await one.settle();
  return one;
})();

test('the ledger command counts what a reader has read, feed by feed, and finds nothing missing', async () => {
  const one = await shared;
  const { code, lines } = await linesOf(one, '--from', new Date(Date.now() - 3_600_000).toISOString());
  assert.equal(code, 0);
  assert.deepEqual(lines.flatMap(({ holes }) => holes), []);
  const entries = await readTopics(one.stack, [`${one.prefix}.ledger`]);
  for (const stream of ['call-legs', 'call-records']) {
    for (const pbxId of ['acme', 'globex']) {
      const ofFeed = lines.filter((line) => line.stream === stream && line.pbxId === pbxId);
      const sum = (name: 'new' | 'corrected' | 'rejected'): number => ofFeed.reduce((all, line) => all + line[name], 0);
      const feed = `${one.prefix}/live/${stream}/${pbxId}/`;
      // A worker that is stopped in the middle of a window has published pages of which no entry tells yet.
      const last = Math.max(...entries.filter(({ value }) => value!['stream'] === stream && value!['pbxId'] === pbxId)
        .map(({ value }) => Number(value!['commit'])));
      const events = one.records.filter(({ headers: { ce_commit: commit = '' } }) =>
        commit.startsWith(feed) && Number(commit.slice(feed.length)) <= last);
      const countOf = (kind: string): number => events.filter(({ value }) => value!['changeKind'] === kind).length;
      assert.ok(sum('new') > 100, `${feed} has enough to tell`);
      assert.deepEqual([sum('new'), sum('corrected')], [countOf('new'), countOf('corrected')]);
      assert.equal(sum('rejected'), events.filter(({ value }) => 'reason' in value!).length);
    }
  }
});

test('the table and the CSV have a line per hour and feed', async () => {
  const one = await shared;
  const table = await command(one, 'ledger', '--pbx', 'ACME', '--per', 'day');
  assert.equal(table.code, 0, table.stderr);
  assert.match(table.stdout, /│ from \(UTC\) +│ PBX +│ stream +│ windows │ new +│ corrected │ late/);
  assert.match(table.stdout, /│ acme │ call-legs +│ +\d+ │ +\d+ │/);
  assert.match(table.stdout, /Nothing is missing of what was passed\.\n$/);
  assert.doesNotMatch(table.stdout, /globex/);

  const [head, ...rows] = (await command(one, 'ledger', '--csv')).stdout.trim().split('\n');
  const names = 'windows,new,corrected,late,rejected,recovered,short,holeSeconds,pendingFrom';
  assert.equal(head, `from,to,pass,pbxId,stream,${names}`);
  const isWhole = (row: string): boolean => row.split(',').length === 14 && row.split(',')[2] === 'live';
  assert.ok(rows.length >= 4 && rows.every(isWhole), rows.join('\n'));
});

test('what a feed was moved over is missing, by name and time, and the exit code says so', async () => {
  // A longer lookback would read again what it was moved over, and rightly find nothing missing.
  const one = await journey({ settings: { PACE_LOOKBACK: '7s', PACE_STEP_MAX: '10s' } });
  const worker = one.start();
  await one.line(({ msg, feed }) => msg === 'polled' && feed === 'live/call-legs/acme');
  await worker.stop();
  const [before] = (await linesOf(one, '--pbx', 'acme')).lines.filter(({ stream }) => stream === 'call-legs');
  assert.deepEqual(before!.holes, []);
  const to = new Date(Math.floor(Date.now() / 1_000) * 1_000).toISOString();
  const moved = await command(one, 'offsets', 'reset', '--feed', 'live/call-legs/acme', '--to', to, '--reason', 'why');
  const from = /before: (.+)\)/.exec(moved.stdout)![1];
  one.start();
  await one.line(({ msg, feed, fromWatermark }) =>
    msg === 'polled' && feed === 'live/call-legs/acme' && fromWatermark === to);

  const { code, lines } = await linesOf(one, '--pbx', 'acme', '--per', 'day');
  const holes = lines.filter(({ stream }) => stream === 'call-legs').flatMap((line) => line.holes);
  assert.equal(code, 6);
  assert.deepEqual([holes[0]!.from, holes.length], [from, 1]);
  const { stdout } = await command(one, 'ledger', '--pbx', 'acme', '--per', 'day');
  assert.match(stdout, new RegExp(`MISSING: live/call-legs/acme was not read from ${from} to ${holes[0]!.to}\\.`));
});

const wrong: readonly { readonly args: readonly string[]; readonly says: RegExp }[] = [
  { args: ['--from', '2999-01-01T00:00:00Z'], says: /--from lies in the future/ },
  { args: ['--from', '2026-01-02T00:00:00Z', '--to', '2026-01-01T00:00:00Z'], says: /--from must lie before --to/ },
  { args: ['--from', '2001-01-01T00:00:00Z'], says: /--from lies more than two years back/ },
  { args: ['--from', '2026-01-01'], says: /a time with its zone/ },
  { args: ['--pbx', 'acme,nobody'], says: /--pbx nobody: there are only acme, globex/ },
  { args: ['--pass', 'nightly'], says: /--pass nightly: the ledger has none of it from .*, only of live; --from/ },
  { args: ['--json', '--csv'], says: /cannot be used with/ },
];
for (const { args, says } of wrong) {
  test(`the ledger command refuses ${args.join(' ')}`, async () => {
    const { code, stderr, stdout } = await command(await shared, 'ledger', ...args);
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, says);
  });
}
