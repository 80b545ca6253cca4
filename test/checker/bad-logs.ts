import {
  AFTER_RESET, answers, events, gapStep, legOf, legs, letterOf, resetTo, row, take, toldOf, withAllPartitions,
  withValue, YEARS_2_S, type Change,
} from './changes.ts';
import type { InvariantId } from './check.ts';
import { corrected, deadLetter, idOf, published } from './good-events.ts';
import { makeRow, seconds, START } from './good-rows.ts';
import { asked, step, window } from './good-run.ts';

/** Changes that break a run, and the invariants that find each: all of them, and no other. */
export const badLogs: readonly (readonly [what: string, caughtBy: readonly InvariantId[], change: Change])[] = [
  ['a late row that no sweep has looked for', ['I1'], { plan: (plan) => {
    take(legs(plan, 4), 'acme/103/1');
    for (const number of [4, 5, 7]) legs(plan, number).window!.from = seconds(230);
    legs(plan, 4).window = legs(plan, 5).window!;
    answers(plan, (lines) => lines.forEach((line, index) => {
      if (line.endpoint !== 'call-legs' || line.atMs < seconds(312)) return;
      lines[index] = { ...line, query: { ...line.query, startTime: '2026-05-01 10:03:50' } };
    }));
    plan.run = { ...plan.run, drainedAtMs: seconds(305) };
  } }],
  ['a poison row that was dropped in silence', ['I1'], { plan: (plan) => {
    take(legs(plan, 2), letterOf(plan).subject);
  } }],
  ['a row that was lost', ['I1', 'I5', 'I12'], { plan: (plan) => {
    take(legs(plan, 2), 'acme/101/2');
  } }],
  ['an event that is there twice', ['I2'], { plan: (plan) => {
    legs(plan, 4).events.push(published(row(plan, 101), 320));
  } }],
  ['a second content published under the same revision', ['I2'], { plan: (plan) => {
    const again = corrected(row(plan, 102), 341, { status: 'Changed' });
    const id = idOf('changed');
    legs(plan, 7).events.push({ ...again, id, value: { ...again.value, eventId: id } });
  } }],
  ['a reset after which a row comes again that was still known', ['I2'], { plan: (plan) => {
    resetTo(plan, 5);
    plan.steps.push(step({ ...AFTER_RESET, window: window(5, 12), events: [published(row(plan, 101), 352)] }));
  } }],
  ['an event that is missing from its commit', ['I1', 'I3', 'I5', 'I12'], { plan: (plan) => {
    legs(plan, 2).lost = [take(legs(plan, 2), 'acme/101/2')];
  } }],
  ['a dead letter that is missing from its commit', ['I3'], { plan: (plan) => {
    legs(plan, 2).lost = [legs(plan, 2).events.pop()!];
  } }],
  ['a digest that is not that of the events', ['I3'], { plan: (plan) => {
    legs(plan, 2).says = { digest: 5 };
  } }],
  ['an event of a commit that nobody knows', ['I3', 'I18'], { plan: (plan) => {
    legs(plan, 2).lost = [legOf(plan)];
    legs(plan, 2).events[0] = { ...legOf(plan), commit: 'c/live/call-legs/acme/0' };
  } }],
  ['an event without the name of its commit', ['I3', 'I5', 'I18'], { plan: (plan) => {
    legOf(plan).commit = '';
  } }],
  ['an event in the feed of another stream', ['I3', 'I5'], { plan: (plan) => {
    const leg = take(legs(plan, 2), 'acme/101/2');
    plan.steps.find(({ report, number }) => report === 'call-records' && number === 2)!.events.push(leg);
  } }],
  ['a commit whose events were made visible in two steps', ['I3'], { dumps: (dumps) => {
    const first = dumps.log.findIndex(({ topic }) => topic === 'c.call-legs');
    const marker = { ...dumps.log[first]!, offset: 0.5, marker: 'COMMIT' } as const;
    dumps.log = [...dumps.log.slice(0, first + 1), marker, ...dumps.log.slice(first + 1)];
  } }],
  ['a transaction with two commits in it', ['I3'], { dumps: (dumps) => {
    const markers = dumps.log.filter(({ topic, marker }) => topic === 'c.offsets' && marker !== undefined);
    dumps.log = dumps.log.filter((entry) => entry !== markers[1]);
  } }],
  ['a gap in the numbers of commits', ['I3'], { plan: (plan) => {
    legs(plan, 7).number = 8;
  } }],
  ['keys that are remembered, but that nobody tells of', ['I3'], { plan: (plan) => {
    legs(plan, 7).says = { seenKeys: 2 };
  } }],
  ['a watermark that is deleted, and no reset', ['I3'], { plan: (plan) => {
    plan.steps.push(step({ number: 7, generation: 4, atS: 360, value: null }));
  } }],
  ['a field that is not what 8x8 has sent', ['I4'], { plan: (plan) => {
    legOf(plan).value = { ...legOf(plan).value, caller: '+1' };
  } }],
  ['a duration that was never is null', ['I4'], { plan: (plan) => {
    legOf(plan).value = { ...legOf(plan).value, talkTimeMS: null };
  } }],
  ['a time that never was is 1970', ['I4'], { plan: (plan) => {
    const record = events(plan).find(({ topic }) => topic === 'call-records')!;
    record.value = { ...record.value, connectTimeUTC: 0 };
  } }],
  ['a field that 8x8 does not have', ['I4'], { plan: (plan) => {
    legOf(plan).value = { ...legOf(plan).value, mood: 'good' };
  } }],
  ['a field of 8x8 that is nowhere', ['I4'], { plan: (plan) => {
    Object.assign(row(plan, 101).ledger.revisions[0]!.row, { mood: 'good' });
  } }],
  ['a content that 8x8 has never shown whole', ['I4'], { plan: (plan) => {
    Object.assign(row(plan, 102).ledger.revisions[0]!, { timesServed: 0 });
  } }],
  ['a row that 8x8 does not have', ['I4'], { plan: (plan) => {
    legs(plan, 2).events.push(published(makeRow(999, 1, 60), 301));
  } }],
  ['a row from before the feed begins', ['I4'], { plan: (plan) => {
    const old = makeRow(106, 1, -1);
    plan.rows.push(old);
    legs(plan, 2).events.push(published(old, 301));
  } }],
  ['a row that was observed before it could be read', ['I4'], { plan: (plan) => {
    legOf(plan).value = { ...legOf(plan).value, observedAt: START };
  } }],
  ['a header with another time', ['I4'], { plan: (plan) => {
    legOf(plan).headers['ce_time'] = '2026-05-01T10:00:11.000Z';
  } }],
  ['a message with another time', ['I4'], { plan: (plan) => {
    legOf(plan).timestamp += 1;
  } }],
  ['a dead letter of a row that was good', ['I4'], { plan: (plan) => {
    legs(plan, 2).events.push(deadLetter(row(plan, 101), legs(plan, 2).window!, 301));
  } }],
  ['a dead letter with the wrong reason', ['I4'], { plan: (plan) => {
    letterOf(plan).value = { ...letterOf(plan).value, field: 'callTime' };
  } }],
  ['a dead letter of another window', ['I4'], { plan: (plan) => {
    letterOf(plan).value = { ...letterOf(plan).value, windowTo: seconds(1) };
  } }],
  ['a dead letter with the row in it, unasked', ['I4'], { plan: (plan) => {
    letterOf(plan).value = { ...letterOf(plan).value, payload: '{}' };
  } }],
  ['a row that comes only after the watermark has passed it', ['I5'], { plan: (plan) => {
    legs(plan, 4).events.push(take(legs(plan, 2), 'acme/101/2'));
  } }],
  ['a watermark that goes back', ['I6'], { plan: (plan) => {
    legs(plan, 7).watermark = seconds(285);
    plan.run = { ...plan.run, caughtUpToMs: seconds(280) };
  } }],
  ['a time of the oldest key that goes back', ['I6'], { plan: (plan) => {
    legs(plan, 5).seenFrom = seconds(5);
  } }],
  ['a reset that is not what it says', ['I6'], { plan: (plan) => {
    resetTo(plan, 320);
  }, dumps: (dumps) => {
    const reset = dumps.committed.find(({ value }) => value?.['kind'] === 'RESET')!;
    Object.assign(reset.value!, { watermark: seconds(330) });
  } }],
  ['two legs of a call in two partitions', ['I7'], { plan: (plan) => {
    legs(plan, 2).events[1]!.partition = 2;
  }, dumps: withAllPartitions }],
  ['a leg and its record in two partitions', ['I7'], { plan: (plan) => {
    events(plan).find(({ topic }) => topic === 'call-records')!.partition = 2;
  }, dumps: withAllPartitions }],
  ['a key that is not that of the call', ['I7'], { plan: (plan) => {
    legOf(plan).key = 'Acme/101';
  } }],
  ['a commit that stands behind a later one', ['I3', 'I7'], { dumps: (dumps) => {
    const [first, last] = [0, 6].map((offset) => dumps.committed.find((record) =>
      record.topic === 'c.call-legs' && record.offset === offset)!);
    const keep = { offset: first!.offset };
    Object.assign(first!, { offset: last!.offset });
    Object.assign(last!, keep);
    dumps.prefix = dumps.prefix.filter(({ topic }) => topic === 'c.rejected');
  } }],
  ['a revision behind a later one', ['I7'], { plan: (plan) => {
    legs(plan, 2).events.splice(2, 0, legs(plan, 6).events.pop()!);
    for (const revision of row(plan, 102).ledger.revisions) Object.assign(revision, { visibleFromMs: seconds(31) });
  } }],
  ['a commit of an owner that was shut out', ['I8'], { plan: (plan) => {
    legs(plan, 4).generation = 1;
  } }],
  ['an owner that has come without a barrier', ['I8'], { plan: (plan) => {
    plan.steps = plan.steps.filter(({ kind, generation }) => kind !== 'barrier' || generation !== 2);
  } }],
  ['an aborted record that a reader has read', ['I9'], { dumps: (dumps) => {
    dumps.committed = [...dumps.committed, dumps.uncommitted.at(-1)!];
  } }],
  ['a committed record that no reader has read', ['I9'], { dumps: (dumps) => {
    dumps.committed = dumps.committed.filter(({ value }) => value?.['barrier'] !== '350');
  } }],
  ['a record outside of any transaction', ['I9'], { dumps: (dumps) => {
    dumps.log = dumps.log.map((entry, index) => index === 2 ? { ...entry, transactional: false } : entry);
  } }],
  ['two readers that see two things in one place', ['I9'], { dumps: (dumps) => {
    dumps.uncommitted = dumps.uncommitted.map((record) =>
      record.topic === 'c.rejected' ? { ...record, timestamp: 1 } : record);
  } }],
  ['a record that is gone when the run ends', ['I10'], { dumps: (dumps) => {
    const [first, ...rest] = dumps.prefix;
    dumps.prefix = [first!, { ...first!, offset: 77 }, ...rest];
  } }],
  ['a record that has changed when the run ends', ['I10'], { dumps: (dumps) => {
    dumps.prefix = dumps.prefix.map((record) => ({ ...record, key: `${record.key}?` }));
  } }],
  ['a hole between two windows', ['I11'], { plan: (plan) => {
    legs(plan, 5).window!.from = seconds(241);
  } }],
  ['a watermark beyond its window', ['I11'], { plan: (plan) => {
    legs(plan, 7).watermark = seconds(311);
  } }],
  ['a watermark that moves without a window', ['I11'], { plan: (plan) => {
    delete legs(plan, 7).window;
  } }],
  ['a feed that begins too late', ['I11'], { plan: (plan) => {
    for (const number of [1, 2]) legs(plan, number).watermark = seconds(1);
    for (const one of plan.steps.filter(({ report }) => report === 'call-legs')) one.origin = seconds(1);
  } }],
  ['a gap over what 8x8 still keeps', ['I11'], { plan: (plan) => {
    plan.steps.splice(-2, 0, gapStep(plan, 345, window(310, 320)));
  } }],
  ['a gap whose dead letter tells of another span', ['I11'], { plan: (plan) => {
    const gap = gapStep(plan, YEARS_2_S, window(310, 320));
    gap.events[0]!.value = { ...gap.events[0]!.value, windowTo: seconds(315) };
    plan.steps.splice(-2, 0, gap);
  } }],
  ['a transaction that is still open', ['I12'], { dumps: (dumps) => {
    dumps.ends = dumps.ends.map((end, index) => index === 0 ? { ...end, stableEnd: end.end - 1 } : end);
  } }],
  ['a feed that has never begun', ['I12'], { plan: (plan) => {
    plan.run = { ...plan.run, settings: { ...plan.run.settings, EIGHT_PBX_IDS: 'acme,globex' } };
  } }],
  ['a feed that has not caught up', ['I12'], { plan: (plan) => {
    plan.run = { ...plan.run, caughtUpToMs: seconds(311) };
  } }],
  ['a row that is still to come', ['I12'], { plan: (plan) => {
    plan.rows.push(makeRow(106, 1, 315));
  } }],
  ['a request while 8x8 wants silence', ['I13'], { plan: (plan) => {
    answers(plan, (lines) => lines.splice(8, 0, asked('call-legs', 318.5, [0, 280])));
  } }],
  ['a window that ends in the future', ['I13'], { plan: (plan) => {
    answers(plan, (lines) => lines.push(asked('call-legs', 350, [0, 351])));
  } }],
  ['a request in another zone', ['I13'], { plan: (plan) => {
    const local = asked('call-legs', 350, [0, 310]);
    answers(plan, (lines) => lines.push({ ...local, query: { ...local.query, timeZone: 'Europe/Paris' } }));
  } }],
  ['more requests than the budget', ['I13'], { plan: (plan) => {
    answers(plan, (lines) => lines.push(...Array.from({ length: 67 }, () => asked('call-legs', 350, [0, 310]))));
  } }],
  ['a login for every page', ['I13'], { plan: (plan) => {
    answers(plan, (lines) => lines.push(...Array.from({ length: 3 }, () => ({ ...lines[0]!, atMs: seconds(350) }))));
  } }],
  ['a log of answers without its beginning', ['I13'], { dumps: (dumps) => {
    dumps.answers = dumps.answers.slice(1);
  } }],
  ['a name in the log', ['I14'], { dumps: (dumps) => {
    dumps.artefacts = { log: 'polled MARK SMITH' };
  } }],
  ['a secret in an offset', ['I14'], { dumps: (dumps) => {
    Object.assign(dumps.uncommitted.find(({ value }) => value?.['kind'] === 'BARRIER')!.value!, { barrier: 'hunter2' });
  } }],
  ['a name in a dead letter', ['I14'], { plan: (plan) => {
    letterOf(plan).value = { ...letterOf(plan).value, reason: 'MARK SMITH has talked for a while' };
  } }],
  ['a name in a header', ['I14'], { plan: (plan) => {
    legOf(plan).headers['ce_caller'] = 'MARK SMITH';
  } }],
  ['a change that was taken for a repeat', ['I17'], { plan: (plan) => {
    legs(plan, 6).events.pop();
  } }],
  ['a correction that leaves a number out', ['I17'], { plan: (plan) => {
    Object.assign(legs(plan, 6).events[0]!.value, { revision: 3 });
  } }],
  ['a correction that is called new', ['I17'], { plan: (plan) => {
    Object.assign(legs(plan, 6).events[0]!.value, { changeKind: 'new' });
  } }],
  ['a correction that names what is as it was', ['I17'], { plan: (plan) => {
    Object.assign(legs(plan, 6).events[0]!.value, { changedFields: ['status', 'cause'] });
  } }],
  ['a window that is not in the ledger', ['I18'], { plan: (plan) => {
    legs(plan, 5).tells = (audits) => audits.filter(({ topic }) => topic !== 'ledger');
  } }],
  ['an entry for a page', ['I18'], { plan: (plan) => {
    legs(plan, 4).tells = () => [toldOf(plan, 5, 'ledger')];
  } }],
  ['a row that the ledger counts twice', ['I18'], { plan: (plan) => {
    legs(plan, 3).tells = (audits) => withValue(audits, 'ledger', ({ fetched }) => ({ repeated: fetched }));
  } }],
  ['a late row that the ledger calls on time', ['I18'], { plan: (plan) => {
    legs(plan, 5).tells = (audits) => withValue(audits, 'ledger', () => ({ late: 0 }));
  } }],
  ['rows of a reading without an end that no entry tells of', ['I18'], { plan: (plan) => {
    legs(plan, 5).tells = (audits) => withValue(audits, 'ledger', () => ({ recovered: 1 }));
  } }],
  ['a short window that the ledger calls whole', ['I18'], { plan: (plan) => {
    legs(plan, 5).tells = (audits) => withValue(audits, 'ledger', ({ received }) => ({ total: Number(received) + 1 }));
  } }],
  ['an entry of another window', ['I18'], { plan: (plan) => {
    legs(plan, 5).tells = (audits) => withValue(audits, 'ledger', () => ({ windowFrom: seconds(1) }));
  } }],
  ['a watermark that nobody is told of', ['I19'], { plan: (plan) => {
    legs(plan, 5).tells = (audits) => audits.filter(({ topic }) => topic !== 'watermarks');
  } }],
  ['a watermark that is told of before it is reached', ['I19'], { plan: (plan) => {
    legs(plan, 4).tells = () => [toldOf(plan, 5, 'watermarks')];
    legs(plan, 5).tells = (audits) => audits.filter(({ topic }) => topic !== 'watermarks');
  } }],
  ['another watermark than that of the offset', ['I19'], { plan: (plan) => {
    legs(plan, 5).tells = (audits) => withValue(audits, 'watermarks', () => ({ completeUpTo: seconds(291) }));
  } }],
  ['a first event that claims to correct one', ['I17'], { plan: (plan) => {
    Object.assign(legOf(plan).value, { changedFields: ['status'] });
  } }],
];
