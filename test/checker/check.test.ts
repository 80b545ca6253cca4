import assert from 'node:assert/strict';
import { test } from 'node:test';
import { badCalls } from './bad-calls.ts';
import { badLogs } from './bad-logs.ts';
import { badPasses } from './bad-passes.ts';
import type { Change } from './changes.ts';
import { check, invariants, type InvariantId } from './check.ts';
import { badDeepSweeps, goodDeepSweeps } from './deep-sweeps.ts';
import { goodCalls } from './good-calls.ts';
import { goodLogs } from './good-logs.ts';
import { goodPasses } from './good-passes.ts';
import { badPrivacy, goodPrivacy } from './good-privacy.ts';
import { dumpsOf, goodPlan } from './good-run.ts';
import { isBad } from './report.ts';

// Goal: the checker has no false alarm, and every invariant finds what breaks it. Method: a run made by hand with all
// that may go wrong, and changes of it: some must leave all as it is, each of the others must break what it names.

const allBad = [...badLogs, ...badPasses, ...badDeepSweeps, ...badCalls, ...badPrivacy];

function brokenBy({ plan: change, dumps: spoil }: Change): Record<string, string> {
  const plan = goodPlan();
  change?.(plan);
  const dumps = { ...dumpsOf(plan) };
  spoil?.(dumps);
  // A run without a topic of calls has none to look at.
  const optional = dumps.run.topics.calls === undefined ? new Set(['I21']) : new Set<string>();
  const bad = check(dumps).filter((verdict) => isBad(verdict, optional));
  return Object.fromEntries(bad.map(({ id, outcome, violations }) => [id, violations[0] ?? outcome]));
}

const allGood = { ...goodLogs, ...goodPasses, ...goodDeepSweeps, ...goodCalls, ...goodPrivacy };
for (const [name, change] of Object.entries(allGood)) {
  test(`no false alarm: ${name}`, () => assert.deepEqual(brokenBy(change), {}));
}

for (const [what, caughtBy, change] of allBad) {
  test(`${what}: ${caughtBy.join(', ')}`, () => {
    const broken = brokenBy(change);
    assert.deepEqual(Object.keys(broken), caughtBy, JSON.stringify(broken, null, 2));
    for (const example of Object.values(broken)) assert.ok(example.length > 30, `an example that tells: ${example}`);
  });
}

test('every invariant has a bad log that it alone finds', () => {
  const alone = new Set(allBad.flatMap(([, caughtBy]) => (caughtBy.length === 1 ? caughtBy : [])));
  assert.deepEqual(Object.keys(invariants).filter((id) => !alone.has(id as InvariantId)), []);
});

test('where there is nothing to look at, no invariant claims to hold', () => {
  const { run } = dumpsOf(goodPlan());
  const nothing = {
    run: { ...run, settings: { EIGHT_PBX_IDS: '' } }, ledger: [], answers: [], committed: [], uncommitted: [], ends: [],
    log: [], prefix: [], artefacts: {},
  };
  assert.deepEqual(check(nothing).filter(({ outcome }) => outcome !== 'blind'), []);
});
