import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { startStack, type Stack } from '../stack/stack.ts';
import { install, NAME, pack, PROJECT, removeFolders, VERSION, type Tarball } from './package.ts';
import { begin, publishes, say, type Program } from './program.ts';

// Goal: what npm pack makes can be installed elsewhere, and works there. Method: pack, install in an empty folder, run.

const SIZE_MAX = 400_000;

let stack: Stack;
let tarballs: readonly Tarball[];
let folder: string;
let program: Program;

before(async () => {
  [stack, tarballs] = await Promise.all([startStack(), Promise.all([pack(), pack()])]);
  folder = await install(tarballs[0]!);
  program = { file: join(folder, 'node_modules/.bin/8x8-connector'), args: [], cwd: folder };
});
after(async () => {
  removeFolders();
  await stack.stop();
});

test('the same source packs to equal bytes, whenever and wherever it is packed', () => {
  assert.equal(tarballs[0]!.sha256, tarballs[1]!.sha256);
});

test('the package holds the built source, the schemas, the settings, and nothing else', () => {
  const { files, size } = tarballs[0]!;
  const built = readdirSync(join(PROJECT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => ['.js', '.d.ts'].map((end) => join('dist', file.replace(/\.ts$/, end))));
  const schemas = readdirSync(join(PROJECT, 'schemas')).filter((file) => /\.(avsc|json)$/.test(file));
  const pages = readdirSync(join(PROJECT, 'src/observe/page')).filter((file) => /\.(html|css|js)$/.test(file));
  const rest = files.filter((file) => !file.startsWith('config/'));
  const around = ['LICENSE', 'README.md', 'package.json'];
  assert.deepEqual(rest, [...built, ...schemas.map((file) => join('schemas', file)),
    ...pages.map((file) => join('src/observe/page', file)), ...around].sort());
  assert.ok(files.includes('config/default.json'));
  assert.ok(size < SIZE_MAX, `${size} bytes`);
});

test('the installed command tells its version and its help', async () => {
  assert.deepEqual(await say(program, ['--version']), { code: 0, stdout: `${VERSION}\n`, stderr: '' });
  const { code, stdout } = await say(program, ['--help']);
  assert.equal(code, 0);
  for (const command of ['run', 'simulate', 'ledger', 'offsets', 'backfill', 'replay', 'passes']) {
    assert.match(stdout, new RegExp(`^  ${command} `, 'm'));
  }
});

test('the installed command refuses settings that are missing or wrong, each by its name', async () => {
  const { code, stderr } = await say(program, ['run'], { PACE_SETTLE: 'soon' });
  assert.equal(code, 2, stderr);
  for (const name of ['EIGHT_API_KEY', 'KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL', 'PACE_SETTLE']) {
    assert.match(stderr, new RegExp(name));
  }
});

test('the installed command takes the settings that come with it', async () => {
  const settings = join(folder, 'node_modules', NAME, 'config/default.json');
  const { code, stderr } = await say(program, ['run', '--config', settings]);
  assert.equal(code, 2, stderr);
  assert.match(stderr, /EIGHT_API_KEY is missing/);
  assert.doesNotMatch(stderr, /is not a setting|cannot be read/);
});

test('the installed command simulates 8x8', async () => {
  const child = begin(program, ['simulate', '--port', '0']);
  for await (const line of createInterface({ input: child.stdout! })) {
    const url = /^# Counts: (.*)$/.exec(line)?.[1];
    if (url === undefined) continue;
    assert.equal((await fetch(url)).status, 200);
    child.kill('SIGTERM');
  }
});

test('the installed library has what the README imports, and the schemas', async () => {
  const script = `
    import { createConnector, loadConfig } from '${NAME}';
    console.log(typeof createConnector, typeof loadConfig, import.meta.resolve('${NAME}/schemas/call-leg.avsc'))`;
  const args = ['--input-type=module', '-e', script];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder });
  const [create, load, schema] = stdout.trim().split(' ');
  assert.deepEqual([create, load], ['function', 'function']);
  assert.equal(JSON.parse(readFileSync(new URL(schema!), 'utf8')).name, 'CallLeg');
});

test('the installed command publishes every row once, on a real Kafka', () => publishes(program, stack, {}));
