import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readDumps, writeDumps } from './directory.ts';
import type { Dumps } from './dumps.ts';
import { dumpsOf, goodPlan } from './good-run.ts';

// Goal: what was collected can be judged later, by a command that says what it has seen. Method: files of runs made by
// hand, and the command in a process of its own.

const MAIN = new URL('main.ts', import.meta.url).pathname;

interface Said {
  readonly code: number;
  readonly text: string;
}

async function judge(dumps: Dumps, ...more: readonly string[]): Promise<Said> {
  const directory = await mkdtemp(join(tmpdir(), '8x8-evidence-'));
  try {
    await writeDumps(directory, dumps);
    assert.deepEqual(await readDumps(directory), dumps);
    return await new Promise((resolve) => {
      execFile(process.execPath, [MAIN, directory, ...more], (error, text) =>
        resolve({ code: error === null ? 0 : Number(error.code), text }));
    });
  } finally {
    await rm(directory, { recursive: true });
  }
}

test('a run that holds is told invariant by invariant, with what was looked at', async () => {
  const { code, text } = await judge(dumpsOf(goodPlan()));
  assert.equal(code, 0, text);
  assert.match(text, /^I1 +no loss +holds +7 rows that must be there$/m);
  assert.match(text, /^I14 +privacy +holds +\d+ characters outside of events$/m);
  assert.equal(text.trim().split('\n').length, 19);
});

test('a broken run is told with an example and the command that repeats it', async () => {
  const plan = goodPlan();
  plan.steps[3]!.events.pop();
  plan.steps[3]!.says = { rejected: 2 };
  const { code, text } = await judge(dumpsOf(plan));
  assert.equal(code, 1, text);
  assert.match(text, /^I3 +commits are atomic +BROKEN 1 times +12 commits$/m);
  assert.match(text, /^I3 commits are atomic: c\/live\/call-legs\/acme\/2 .* tells of 3 events, 2 dead letters and/m);
  assert.match(text, /^Repeat it: SEED=1 node run\.ts$/m);
});

test('an invariant that had nothing to look at proves nothing, unless it is optional', async () => {
  const dumps = { ...dumpsOf(goodPlan()), prefix: [] };
  assert.equal((await judge(dumps)).code, 0, 'nobody need read beside a run');
  const { code, text } = await judge(dumps, '--optional', 'I9');
  assert.equal(code, 1, text);
  assert.match(text, /^I10 stable history: there was nothing to look at: 0 records read during the run$/m);
});
