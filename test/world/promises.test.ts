import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  backlogDrains, everyRowArrives, eventsAreCovered, feedsBeginFirst, mannersAreKept, nothingGoesBack,
  nothingInvented, nothingTwice, oneWriter, promises, violations, watermarkIsComplete, watermarkIsHonest,
  watermarkIsPast, workersEndWell,
} from './promises.ts';
import type { Promised } from './promise.ts';
import { callsAreOfEvents, callsAreTold, callsAreTrue } from './calls.ts';
import { deepSweepsFind } from './deep-sweeps.ts';
import { driftIsToldOnce } from './drift.ts';
import { ledgerIsTrue } from './ledger.ts';
import { passesComeToTheirEnd } from './passes.ts';
import { changesArrive, revisionsFollow } from './revisions.ts';
import type { BusEvent } from '../../src/streams/stream.ts';
import type { Trace, VisibleCommit } from './trace.ts';
import { World, type Outcome } from './world.ts';

/** A world of right clocks, so that it promises all there is. */
const GOOD = 23;

// A promise that cannot be broken is none. Method: take a good world and falsify one thing at a time.
const good = await new World(GOOD).live();

test('a good world keeps every promise', () => {
  assert.deepEqual(violations(good), []);
  assert.ok(good.trace.commits.some(({ events }) => events.some(({ channel }) => channel === 'accepted')));
  assert.deepEqual([good.plan.clockAheadMaxMs, good.plan.clockBehindMaxMs], [0, 0]);
});

/** A world with backfills that are neither paused nor ended. */
const WITH_PASSES = 52;
const passed = await new World(WITH_PASSES).live();

test('a good world with backfills keeps every promise', () => {
  assert.deepEqual(violations(passed), []);
  const fresh = ({ feed, events }: VisibleCommit): boolean =>
    feed.pass !== 'live' && events.some(({ channel }) => channel === 'accepted');
  assert.ok(passed.trace.commits.some(fresh));
});

/** A world of right clocks in which rows are shown so late that only deep sweeps find them. */
const WITH_DEEP_SWEEPS = 99;
const swept = await new World(WITH_DEEP_SWEEPS).live();
const isOfDeepSweep = ({ feed }: VisibleCommit): boolean => feed.pass.startsWith('deep-');

test('a good world with deep sweeps keeps every promise', () => {
  assert.deepEqual(violations(swept), []);
  const found = swept.trace.commits.filter(isOfDeepSweep).flatMap(({ events }) => events);
  assert.ok(found.some(({ channel }) => channel === 'accepted'));
});

/** A world of right clocks that puts whole calls together. */
const WITH_CALLS = 9;
const joined = await new World(WITH_CALLS).live();

test('a good world with whole calls keeps every promise', () => {
  assert.deepEqual(violations(joined), []);
  assert.ok(joined.trace.commits.some(({ events }) => events.some(({ value }) => value['state'] === 'complete')));
});

/** That world with what is told of calls changed. */
const withCalls = (change: (value: BusEvent['value']) => object | undefined): Outcome => {
  const commits = joined.trace.commits.map((commit) => ({ ...commit, events: commit.events.flatMap((event) => {
    const told = event.channel === 'calls' ? change(event.value) : {};
    return told === undefined ? [] : [{ ...event, value: { ...event.value, ...told } }];
  }) }));
  return { ...joined, trace: { ...joined.trace, commits } };
};

const withDeepSweeps = (change: (commit: VisibleCommit) => readonly VisibleCommit[]): Outcome => {
  const commits = swept.trace.commits.flatMap((commit) => isOfDeepSweep(commit) ? change(commit) : [commit]);
  return { ...swept, trace: { ...swept.trace, commits } };
};

const withoutPass = (keep: (commit: VisibleCommit) => boolean): Outcome => ({ ...passed, trace: { ...passed.trace,
  commits: passed.trace.commits.filter((commit) => commit.feed.pass === 'live' || keep(commit)) } });

const withTrace = (change: Partial<Trace>): Outcome => ({ ...good, trace: { ...good.trace, ...change } });
const withCommits = (change: (commits: VisibleCommit[]) => VisibleCommit[]): Outcome =>
  withTrace({ commits: change([...good.trace.commits]) });

/** The good world with a field of each correction changed. */
const withCorrections = (change: Readonly<Record<string, unknown>>): Outcome => withCommits((commits) =>
  commits.map((commit) => ({ ...commit, events: commit.events.map((event) =>
    event.value['changeKind'] === 'corrected' ? { ...event, value: { ...event.value, ...change } } : event) })));

/** The good world with what is told of its windows changed. */
const withAudits = (
  channel: 'ledger' | 'watermarks', change: (value: BusEvent['value']) => object | undefined,
): Outcome =>
  withCommits((commits) => commits.map((commit) => ({ ...commit, events: commit.events.flatMap((event) => {
    const told = event.channel === channel ? change(event.value) : {};
    return told === undefined ? [] : [{ ...event, value: { ...event.value, ...told } }];
  }) })));

/** The index of the first commit of events; commits before the last watermark of their feed follow it. */
const publishing = good.trace.commits.findIndex(({ events }) => events.some(({ channel }) => channel === 'accepted'));
const moving = good.trace.commits.findIndex(({ step, events }) =>
  events.length === 0 && step.watermarkMs > step.seenFromMs);
const changed = (commits: VisibleCommit[], index: number, change: (commit: VisibleCommit) => Partial<VisibleCommit>) =>
  commits.with(index, { ...commits[index]!, ...change(commits[index]!) });

const falsified: { name: string; promise: Promised; outcome: Outcome; line: RegExp }[] = [
  { name: 'a row is missing', promise: everyRowArrives, line: /^lost: call-(legs|records) /,
    outcome: withCommits((commits) => changed(commits, publishing, () => ({ events: [] }))) },
  { name: 'a row is published again, hours later', promise: nothingTwice, line: /^twice: /,
    outcome: withCommits((commits) => [...commits, { ...commits[publishing]!, atMs: good.plan.endMs }]) },
  { name: 'a revision is left out', promise: revisionsFollow, line: /^revision: .*not 2$/,
    outcome: withCorrections({ revision: 3 }) },
  { name: 'a correction is called new', promise: revisionsFollow, line: /^revision: .* and new, not 2$/,
    outcome: withCorrections({ changeKind: 'new' }) },
  { name: 'a correction names what has not changed', promise: revisionsFollow, line: /^revision: .*as it was$/,
    outcome: withCorrections({ changedFields: ['pbxId'] }) },
  { name: 'a correction does not name what has changed', promise: revisionsFollow, line: /^revision: .*not named: /,
    outcome: withCorrections({ changedFields: [] }) },
  { name: 'a first content is called a correction', promise: revisionsFollow, line: /^revision: .* not the first$/,
    outcome: withCommits((commits) => changed(commits, publishing, ({ events }) =>
      ({ events: events.map((event) => ({ ...event, value: { ...event.value, changeKind: 'corrected' } })) }))) },
  { name: 'a correction changes nothing', promise: revisionsFollow, line: /^revision: .*changes nothing$/,
    outcome: withCommits((commits) => [...commits, { ...commits[publishing]!, events: commits[publishing]!.events
      .map((event) => ({ ...event, value: { ...event.value, revision: 2, changeKind: 'corrected' } })) }]) },
  { name: 'a change is not published', promise: changesArrive, line: /^stale: /,
    outcome: withCommits((commits) => commits.map((commit) =>
      ({ ...commit, events: commit.events.filter(({ value }) => value['changeKind'] !== 'corrected') }))) },
  { name: 'the ledger lacks a window', promise: ledgerIsTrue, line: /^ledger: .* has 0 entries$/,
    outcome: withAudits('ledger', () => undefined) },
  { name: 'a watermark is not told', promise: ledgerIsTrue, line: /^ledger: .* has 0 watermarks$/,
    outcome: withAudits('watermarks', () => undefined) },
  { name: 'another watermark is told', promise: ledgerIsTrue, line: /^ledger: .* tells another watermark$/,
    outcome: withAudits('watermarks', ({ completeUpTo }) => ({ completeUpTo: Number(completeUpTo) + 1 })) },
  { name: 'the ledger counts a row too many', promise: ledgerIsTrue, line: /^ledger: .* of new, which is /,
    outcome: withAudits('ledger', (value) => ({ new: Number(value['new']) + 1 })) },
  { name: 'the ledger does not know what has become of a row', promise: ledgerIsTrue, line: /^ledger: .* tells of /,
    outcome: withAudits('ledger', ({ fetched }) => ({ fetched: Number(fetched) + 1 })) },
  { name: 'the ledger calls whole what is short', promise: ledgerIsTrue, line: /^ledger: .* is called whole$/,
    outcome: withAudits('ledger', ({ received }) => ({ total: Number(received) + 1, outcome: 'whole' })) },
  { name: 'the ledger forgets what a crash has left', promise: ledgerIsTrue, line: /^ledger: .* since the last one$/,
    outcome: withAudits('ledger', ({ recovered }) => ({ recovered: Number(recovered) + 1 })) },
  { name: 'the ledger tells of another delay', promise: ledgerIsTrue, line: /^ledger: .* of a delay of /,
    outcome: withAudits('ledger', () => ({ delayMaxMs: -1 })) },
  { name: 'the ledger calls a feed quiet that is not', promise: ledgerIsTrue, line: /^ledger: .* is quiet since 0, /,
    outcome: withAudits('ledger', () => ({ quietSince: 0 })) },
  { name: 'the ledger names another window', promise: ledgerIsTrue, line: /^ledger: .* of windowFrom, which is /,
    outcome: withAudits('ledger', () => ({ windowFrom: 0 })) },
  { name: 'a whole call is not told', promise: callsAreTold, line: /^call: .* is not told$/,
    outcome: withCalls(() => undefined) },
  { name: 'a whole call is told without its legs', promise: callsAreTold, line: /^call: .* lacks parts /,
    outcome: withCalls(() => ({ legs: [] })) },
  { name: 'a call is told with a leg that is not on the bus', promise: callsAreOfEvents, line: /^call: .* unpublished/,
    outcome: withCalls(({ legs }) => ({ legs: [...legs as object[], { legId: '9', disconnectedTimeUTC: 9e15 }] })) },
  { name: 'a call is called complete that is not', promise: callsAreTrue, line: /^call: .* is called complete at /,
    outcome: withCalls(() => ({ record: null })) },
  { name: 'a call is given up too early', promise: callsAreTrue, line: /^call: .*, too early$/,
    outcome: withCalls(() => ({ record: null, state: 'incomplete' })) },
  { name: 'a backfill stops before its end', promise: passesComeToTheirEnd, line: /^pass: .* is only at /,
    outcome: withoutPass(({ events, step }) => events.length === 0 && step.watermarkMs === step.seenFromMs) },
  { name: 'a backfill leaves rows out', promise: passesComeToTheirEnd, line: /^pass: .* lacks call-/,
    outcome: withoutPass(({ events }) => events.every(({ channel }) => channel !== 'accepted')) },
  { name: 'a deep sweep finds nothing', promise: deepSweepsFind, line: /^deep: deep-.* lacks call-/,
    outcome: withDeepSweeps((commit) => [{ ...commit, events: [] }]) },
  { name: 'a deep sweep stops', promise: deepSweepsFind, line: /^deep: deep-.* is only at /,
    outcome: withDeepSweeps((commit) => commit.step.scan === undefined ? [commit] : []) },
  { name: 'no deep sweep begins', promise: deepSweepsFind, line: /^deep: deep-.* has never begun$/,
    outcome: withDeepSweeps(() => []) },
  { name: 'drift is not told', promise: driftIsToldOnce, line: /^drift: .* says nothing of sentiment$/,
    outcome: withCommits((commits) => changed(commits, publishing, ({ events }) =>
      ({ events: events.map((event) => ({ ...event, value: { ...event.value, extras: { sentiment: '1' } } })) }))) },
  { name: 'drift is told twice', promise: driftIsToldOnce, line: /^drift: .* tells again of misfit missed$/,
    outcome: withCommits((commits) => commits.map((commit) => ({ ...commit, events: [...commit.events,
      { ...commits[publishing]!.events[0]!, channel: 'drift', value: { kind: 'misfit', field: 'missed' } }] }))) },
  { name: 'a field of a published row is not what was shown', promise: nothingInvented, line: /^invented: /,
    outcome: withCommits((commits) => changed(commits, publishing, ({ events }) =>
      ({ events: events.map((event) => ({ ...event, value: { ...event.value, callTime: -1 } })) }))) },
  { name: 'a row is published that nobody has shown', promise: nothingInvented, line: /^invented: .*nobody/,
    outcome: withCommits((commits) => changed(commits, publishing, ({ events }) =>
      ({ events: events.map((event) => ({ ...event, key: 'nobody/1/1' })) }))) },
  { name: 'a row is published before it is shown', promise: nothingInvented, line: /^invented: /,
    outcome: withCommits((commits) => changed(commits, publishing, () => ({ atMs: 0 }))) },
  { name: 'the watermark goes back', promise: nothingGoesBack, line: /^back: /,
    outcome: withCommits((commits) => [...commits, commits[moving]!]) },
  { name: 'the known keys go back', promise: nothingGoesBack, line: /^back: /,
    outcome: withCommits((commits) => changed([...commits, commits.at(-1)!], commits.length, ({ step }) =>
      ({ step: { ...step, seenFromMs: 0 } }))) },
  { name: 'a feed is published before it has begun', promise: feedsBeginFirst, line: /^begun late: /,
    outcome: withCommits((commits) => commits.slice(publishing)) },
  { name: 'a feed begins elsewhere than it was told', promise: feedsBeginFirst, line: /^begun late: /,
    outcome: { ...good, origins: new Set([0]) } },
  { name: 'an event is published without its key', promise: eventsAreCovered, line: /^uncovered: /,
    outcome: withCommits((commits) => changed(commits, publishing, ({ step }) => ({ step: { ...step, seen: [] } }))) },
  { name: 'an event is published with the hash of another content', promise: eventsAreCovered, line: /^uncovered: /,
    outcome: withCommits((commits) => changed(commits, publishing, ({ step }) =>
      ({ step: { ...step, seen: step.seen.map((entry) => ({ ...entry, hash: 0 })) } }))) },
  { name: 'the watermark moves with a page', promise: watermarkIsComplete, line: /^hole: /,
    outcome: withCommits((commits) => changed(commits, publishing, ({ step }) =>
      ({ step: { ...step, watermarkMs: step.watermarkMs + 1_000 } }))) },
  { name: 'the watermark moves over half a window', promise: watermarkIsComplete, line: /^hole: /,
    outcome: withTrace({ scans: good.trace.scans.map((scan) => ({ ...scan, endedMs: undefined })) }) },
  { name: 'the watermark moves over a hole between two windows', promise: watermarkIsComplete, line: /^hole: /,
    outcome: withTrace({ scans: good.trace.scans.map((scan) =>
      ({ ...scan, window: { ...scan.window, from: scan.window.to } })) }) },
  { name: 'the watermark moves ahead of the time', promise: watermarkIsPast, line: /^future: /,
    outcome: withCommits((commits) => changed(commits, moving, ({ step }) => ({ atMs: step.watermarkMs - 1_001 }))) },
  { name: 'the watermark moves over an unpublished row', promise: watermarkIsHonest, line: /^ahead: /,
    outcome: withCommits((commits) => changed(commits, publishing, () => ({ events: [] }))) },
  { name: 'an earlier owner writes after a later one', promise: oneWriter, line: /^zombie: /,
    outcome: withCommits((commits) => [...commits, { ...commits.at(-1)!, epoch: 0 }]) },
  { name: 'a feed never comes to the live edge', promise: backlogDrains, line: /^behind: /,
    outcome: withCommits((commits) => commits.slice(0, commits.length / 2)) },
  { name: 'a worker ends by itself', promise: workersEndWell, line: /^crash: .*a bug/,
    outcome: { ...good, crashes: [new Error('a bug')] } },
  { name: 'somebody asks while 8x8 wants silence', promise: mannersAreKept, line: /^loud: host 1 /,
    outcome: withTrace({ silences: [{ host: 1, logins: false, fromMs: 0, untilMs: Infinity }] }) },
  { name: 'a refused login is tried again at once', promise: mannersAreKept, line: /^loud: host 1 /,
    outcome: withTrace({ silences: [{ host: 1, logins: true, fromMs: 0, untilMs: Infinity }] }) },
  { name: 'somebody asks more often than the budget allows', promise: mannersAreKept, line: /^hasty: /,
    outcome: withTrace({ requests: [...Array(good.plan.requestsPerMinute + 1).keys()]
      .map((atMs) => ({ host: 1, atMs, windowToMs: undefined })) }) },
  { name: 'somebody asks for what is still to come', promise: mannersAreKept, line: /^early: /,
    outcome: withTrace({ requests: [{ host: 1, atMs: 1_000, windowToMs: 1_001 }] }) },
  { name: 'a timer is left', promise: workersEndWell, line: /^sleepers: 1/, outcome: { ...good, sleepersLeft: 1 } },
];

for (const { name, promise, outcome, line } of falsified) {
  test(`${promise.name} is broken when ${name}`, () => {
    const found = promise(outcome);
    assert.ok(found.some((text) => line.test(text)), found[0] ?? 'nothing found');
    assert.ok(violations(outcome).includes(found[0]!), 'it is among all promises');
  });
}

test('every promise is proven to break', () => {
  const proven = new Set(falsified.map(({ promise }) => promise));
  assert.deepEqual(Object.entries(promises).filter(([, promise]) => !proven.has(promise)).map(([name]) => name), []);
});
