import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { validate } from 'dockerfile-utils';
import { startStack, type Stack } from '../stack/stack.ts';
import { buildInFolders, DOCKERFILE, type Image } from './image.ts';
import { devDependencies, emptyFolder, removeFolders, VERSION } from './package.ts';
import { publishes, say } from './program.ts';

// Goal: the image's steps make a connector that works, and that may do little else. Method: the same steps in folders.

let stack: Stack;
let image: Image;

before(async () => {
  [stack, image] = await Promise.all([startStack(), buildInFolders()]);
});
after(async () => {
  removeFolders();
  await stack.stop();
});

test('the Dockerfile has no mistake that a linter knows', () => {
  assert.deepEqual(validate(DOCKERFILE).map(({ message }) => message), []);
  assert.notDeepEqual(validate('FROM node\nCOPPY a b').map(({ message }) => message), []);
});

test('the image runs as a user with a number, on the Node that tests run on', () => {
  assert.match(image.user, /^[1-9]\d*:[1-9]\d*$/);
  const node = devDependencies['node']!.replace(/\.\d+$/, '');
  assert.deepEqual(image.bases, [`node:${node}-slim`, `node:${node}-slim`]);
});

test('what the image starts may write nothing, and start no process', () => {
  const allowed = image.program.args.filter((option) => option.startsWith('--allow'));
  assert.ok(image.program.args.includes('--permission'));
  assert.ok(allowed.every((option) => /^--allow-(worker$|fs-read=\/[a-z])/.test(option)), allowed.join(' '));
});

test('the image tells its version, and is refused a file that is none of its own', async () => {
  assert.equal((await say(image.program, ['--version'])).stdout, `${VERSION}\n`);
  const file = join(emptyFolder(), 'settings.json');
  writeFileSync(file, '{}');
  const { code, stderr } = await say(image.program, ['run', '--config', file]);
  assert.equal(code, 2);
  assert.match(stderr, /cannot be read \(ERR_ACCESS_DENIED\)/);
});

test('the image publishes every row once, on a real Kafka, and is healthy meanwhile', async () => {
  await publishes(image.program, stack, { ...image.env, HTTP_PORT: '0' }, async (url) => {
    const [file, ...args] = image.healthcheck;
    await promisify(execFile)(file!, args, { env: { ...process.env, HTTP_PORT: new URL(url).port } });
    const metrics = await (await fetch(`${url}/metrics`)).text();
    assert.match(metrics, /^process_open_fds \d/m, 'what the process tells of itself can be read');
  });
});
