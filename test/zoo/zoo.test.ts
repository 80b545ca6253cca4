import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { patched, type Patch } from '../patches/patch.ts';
import { startStack, type Stack } from '../stack/stack.ts';
import type { Check } from './bug.ts';
import { bugs } from './bugs.ts';
import type { TestResult } from './run-check.ts';

// Goal: every bug of the zoo is caught by the check it names, so the checks are worth something. Method: run the check
// with the bug in the product's source, in a process of its own; and each check without any bug, for it must pass.

/** No check takes a tenth of that, even on a busy machine. */
const LIMIT_MS = 300_000;

const root = new URL('../../', import.meta.url).pathname;
let stack: Stack;
before(async () => {
  stack = await startStack();
});
after(() => stack.stop());

test('every bug has a name of its own, and its place in the source', () => {
  assert.equal(new Set(bugs.map(({ name }) => name)).size, bugs.length);
  for (const { name, patches } of bugs) {
    for (const { file, find } of patches) {
      const places = readFileSync(root + file, 'utf8').split(find).length - 1;
      assert.equal(places, 1, `${name}: places in ${file} for ${find}`);
    }
  }
});

describe('the zoo', { concurrency: availableParallelism() }, () => {
  for (const [where, checks] of Map.groupBy(bugs.flatMap(({ caughtBy }) => caughtBy), placeOf)) {
    test(`no bug: ${where} passes`, async () => {
      const { results, said } = await run(checks, [], LIMIT_MS);
      assert.deepEqual(results.filter(({ failure }) => failure !== undefined), [], said);
      const missing = checks.filter((check) => !results.some((result) => isOf(check, result)));
      assert.deepEqual(missing, [], `did not run:\n${said}`);
    });
  }

  for (const { name, patches, caughtBy } of bugs) {
    for (const check of caughtBy) {
      test(`${name}: caught by ${check.file}: ${check.test}`, async () => {
        const { results, said } = await run([check], patches, check.limitMs ?? LIMIT_MS);
        const failures = results.filter((result) => isOf(check, result)).flatMap(({ failure }) => failure ?? []);
        assert.ok(failures.length > 0, `the check does not fail\n${said}`);
        for (const { asserted, message } of failures) {
          if (check.says === undefined) assert.ok(asserted, `it fails, but not by an assertion: ${message}`);
          else assert.match(message, check.says);
        }
      });
    }
  }
});

function isOf({ test: wanted }: Check, { name }: TestResult): boolean {
  return typeof wanted === 'string' ? name === wanted : wanted.test(name);
}

/** Checks of the same place share the run without a bug. */
function placeOf({ file, env = {} }: Check): string {
  return [file, ...Object.entries(env).map((entry) => entry.join('='))].join(' ');
}

interface Run {
  readonly results: readonly TestResult[];
  /** All that the run has said, to be shown where it was not what was expected. */
  readonly said: string;
}

/** Runs checks of one place. */
async function run(checks: readonly Check[], patches: readonly Patch[], limitMs: number): Promise<Run> {
  const { file, env } = checks[0]!;
  const change = patched(patches);
  const program = ['--disable-warning=TimeoutNegativeWarning', ...change.args, `${root}test/zoo/run-check.ts`];
  const child = spawn(process.execPath, [...program, file, String(limitMs), ...new Set(checks.map(patternOf))], {
    cwd: root,
    env: { ...process.env, ...servers(), ...env, ...change.env, NODE_TEST_CONTEXT: undefined },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 2 * LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  const lines: string[] = [];
  await Promise.all([child.stdout, child.stderr].map(async (input) => {
    for await (const line of createInterface({ input })) lines.push(line);
  }));
  const results = lines.filter((line) => line.startsWith('{"name":')).map((line) => JSON.parse(line) as TestResult);
  return { results, said: lines.join('\n') };
}

/** For the checks that need a Kafka: they share ours. */
function servers(): Readonly<Record<string, string | undefined>> {
  const { brokers, registryUrl, toolsClasspath } = stack;
  return { KAFKA_BROKERS: brokers, SCHEMA_REGISTRY_URL: registryUrl, STACK_TOOLS_CLASSPATH: toolsClasspath };
}

function patternOf({ test: wanted }: Check): string {
  return typeof wanted === 'string' ? `^${RegExp.escape(wanted)}$` : wanted.source;
}
