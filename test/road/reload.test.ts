import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { closingJourneys } from './journey.ts';
import { assertWhole } from './verdict.ts';

// Goal: PBXs come and go without a restart, all of a change or nothing of it, and nothing is lost or doubled by it.
// Method: the whole road on real parts, with a settings file that is written anew as an editor does.

const DEBUG = 20;

const { journey, closeAll } = closingJourneys();
const folder = mkdtempSync(join(tmpdir(), '8x8-reload-'));
after(async () => {
  await closeAll();
  rmSync(folder, { recursive: true });
});

test('a PBX that is added is read, one that is removed is not, and a change that cannot be applied changes nothing',
  async () => {
    const one = await journey();
    const file = join(folder, 'settings.json');
    const write = (settings: object): void => {
      writeFileSync(`${file}.new`, JSON.stringify(settings));
      renameSync(`${file}.new`, file);
    };
    const polls = (feed: string) => one.lines.filter((line) => line.msg === 'polled' && line['feed'] === feed).length;
    write({ source: { pbxIds: ['acme'] } });
    // The environment would win over the file.
    const worker = one.start(unset('EIGHT_PBX_IDS', 'LOG_LEVEL'), [], ['--config', file]);
    await one.line(({ msg, feed }) => msg === 'polled' && feed === 'live/call-records/acme');
    assert.equal(polls('live/call-legs/globex'), 0);

    write({ source: { pbxIds: ['acme', 'globex'] } });
    const { added, removed } = await one.line(({ msg }) => msg === 'settings read anew');
    assert.deepEqual([added, removed], [['live/call-legs/globex', 'live/call-records/globex'], []]);
    await one.line(({ msg, feed }) => msg === 'polled' && feed === 'live/call-records/globex');

    assert.equal(one.lines.some(({ level }) => level === DEBUG), false);
    write({ source: { pbxIds: ['acme', 'globex'] }, log: { level: 'debug' } });
    await one.line(({ level }) => level === DEBUG);

    write({ source: { pbxIds: ['acme'], windowTimeoutMs: '9m' } });
    const refused = await one.line(({ msg }) => msg.startsWith('settings not applied'));
    assert.match(refused.msg, /EIGHT_WINDOW_TIMEOUT: changed; only a restart/);
    write({ source: { pbxIds: [] } });
    await one.line(({ msg }) => /settings not applied.*EIGHT_PBX_IDS/.test(msg));
    const before = polls('live/call-legs/globex');
    await one.line(({ msg }) => polls('live/call-legs/globex') > before + 1 && msg === 'polled');

    process.kill(worker.pid, 'SIGHUP');
    write({ source: { pbxIds: ['globex', 'acme'] } });
    assertWhole(await one.settle());
  });

/** What a worker's environment must not have. */
function unset(...names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, undefined as unknown as string]));
}
