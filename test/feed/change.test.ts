import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideChange, hasObeyed, type ChangeRequest, type Decision } from '../../src/feed/change.ts';
import { feedName, type FeedId } from '../../src/feed/feed.ts';
import { contentsOf } from '../../src/feed/manifest.ts';
import { OffsetState, type OffsetChange } from '../../src/feed/offset.ts';
import { readToMs } from '../../src/feed/pass.ts';
import { restoring, type SavedOffset } from '../../src/feed/saved.ts';
import { entry } from './entry.ts';

const live: FeedId = { stream: 'call-legs', pbxId: 'acme', pass: 'live' };
const old: FeedId = { ...live, pass: 'old' };
const deep: FeedId = { ...live, pass: 'deep-24h' };
const nothing = contentsOf(1, []);
const plan = { fromMs: 1_000, endMs: 50_000, replay: false };

/** The live feed has begun at 60 s, reads from 80 s on and stands at 100 s; the others are as they are changed to. */
function standing(passes: readonly OffsetChange[] = []): ReadonlyMap<string, OffsetState> {
  const state = new OffsetState(live, 60_000);
  for (const record of state.recordsFor({ watermarkMs: 100_000, seenFromMs: 80_000, seen: [] }, nothing)) {
    state.apply(record);
  }
  const pass = new OffsetState(old, 1_000);
  for (const change of passes) for (const record of pass.changeTo(change, nothing, 1)) pass.apply(record);
  const known = [[feedName(live), state], [feedName(deep), new OffsetState(deep, 70_000)]] as const;
  return new Map([...known, ...passes.length > 0 ? [[feedName(old), pass] as const] : []]);
}

const begun: OffsetChange = { watermarkMs: 1_000, state: 'RUNNING', pass: plan };
const paused: OffsetChange = { ...begun, state: 'PAUSED' };
const ended: OffsetChange = { ...begun, watermarkMs: readToMs(plan) };

interface Case {
  readonly name: string;
  readonly feed: FeedId;
  readonly request: ChangeRequest;
  readonly passes?: readonly OffsetChange[];
  readonly decision: Decision | RegExp;
}

const savedOld: SavedOffset = {
  feed: old, watermarkMs: 9_000, seenFromMs: 8_000, originMs: 1_000, state: 'PAUSED', pass: plan,
  drift: ['misfit missed'], seen: [entry('acme/1/1', 8_500)],
};
const importOf = (more: object = {}, onlyNew = false): ChangeRequest => {
  const saved = { ...savedOld, ...more };
  return { kind: 'import', onlyNew, offsets: new Map([[feedName(saved.feed), saved]]) };
};
const restored = restoring(savedOld);
const begin = (more: object = {}): ChangeRequest => ({ kind: 'begin', plan: { ...plan, ...more } });
const cases: readonly Case[] = [
  { name: 'resets to a time', feed: live, request: { kind: 'reset', to: { timeMs: 5_000 } },
    decision: { change: { watermarkMs: 5_000 } } },
  { name: 'resets by a span, to a whole second', feed: live, request: { kind: 'reset', to: { backMs: 10_500 } },
    decision: { change: { watermarkMs: 89_000 } } },
  { name: 'does not go back from nowhere', feed: old, request: { kind: 'reset', to: { backMs: 1_000 } },
    decision: /no offset to go back from/ },
  { name: 'begins a backfill', feed: old, request: begin(), decision: { change: begun } },
  { name: 'ends a backfill where the live pass has begun', feed: old, request: begin({ endMs: 90_000 }),
    decision: { change: { ...begun, pass: { ...plan, endMs: 60_000 } } } },
  { name: 'ends a replay where the live pass stands', feed: old, request: begin({ endMs: 190_000, replay: true }),
    decision: { change: { ...begun, pass: { ...plan, endMs: 100_000, replay: true } } } },
  { name: 'begins none of what is published', feed: old, request: begin({ fromMs: 60_000, endMs: 70_000 }),
    decision: /the live pass has published all of it/ },
  { name: 'begins no pass where the live one has not begun', feed: { ...old, pbxId: 'globex' }, request: begin(),
    decision: /its live pass has not begun/ },
  { name: 'lets a pass that is begun twice go on', feed: old, passes: [begun], request: begin({ endMs: 40_000 }),
    decision: /has begun before, and goes on/ },
  { name: 'begins none of what another backfill reads', feed: { ...old, pass: 'new' }, passes: [begun],
    request: begin({ fromMs: 49_000 }), decision: /the pass old reads a part of it/ },
  { name: 'begins behind another backfill', feed: { ...old, pass: 'new' }, passes: [begun],
    request: begin({ fromMs: 50_000, endMs: 55_000 }),
    decision: { change: { ...begun, watermarkMs: 50_000, pass: { ...plan, fromMs: 50_000, endMs: 55_000 } } } },
  { name: 'begins where another backfill was ended', feed: { ...old, pass: 'new' },
    passes: [begun, { watermarkMs: 20_000, state: 'CANCELLED' }], request: begin({ fromMs: 20_000 }),
    decision: { change: { ...begun, watermarkMs: 20_000, pass: { ...plan, fromMs: 20_000 } } } },
  { name: 'replays what another backfill reads', feed: { ...old, pass: 'new' }, passes: [begun],
    request: begin({ replay: true }), decision: { change: { ...begun, pass: { ...plan, replay: true } } } },
  { name: 'begins a replay to a topic', feed: old, request: begin({ replay: true, topic: 't' }),
    decision: { change: { ...begun, pass: { ...plan, replay: true, topic: 't' } } } },
  { name: 'makes no replay to a topic of one to another', feed: old, request: begin({ replay: true, topic: 't' }),
    passes: [{ ...begun, pass: { ...plan, replay: true, topic: 's' } }], decision: /another pass has that name/ },
  { name: 'takes no name twice', feed: old, passes: [begun], request: begin({ fromMs: 2_000 }),
    decision: /another pass has that name/ },
  { name: 'makes no replay of a backfill', feed: old, passes: [begun], request: begin({ replay: true }),
    decision: /another pass has that name/ },
  { name: 'pauses a pass', feed: old, passes: [begun], request: { kind: 'pause' },
    decision: { change: { state: 'PAUSED' } } },
  { name: 'pauses the live pass', feed: live, request: { kind: 'pause' }, decision: { change: { state: 'PAUSED' } } },
  { name: 'resumes', feed: old, passes: [paused], request: { kind: 'resume' },
    decision: { change: { state: 'RUNNING' } } },
  { name: 'cancels', feed: old, passes: [paused], request: { kind: 'cancel' },
    decision: { change: { state: 'CANCELLED' } } },
  { name: 'says what is so already', feed: old, passes: [paused], request: { kind: 'pause' }, decision: /so already/ },
  { name: 'does not cancel the live pass', feed: live, request: { kind: 'cancel' }, decision: /has no end; pause it/ },
  { name: 'pauses a deep sweep', feed: deep, request: { kind: 'pause' }, decision: { change: { state: 'PAUSED' } } },
  { name: 'does not cancel a deep sweep', feed: deep, request: { kind: 'cancel' },
    decision: /leave its age out of PACE_DEEP_SWEEPS/ },
  { name: 'pauses nothing that has ended', feed: old, passes: [ended], request: { kind: 'pause' },
    decision: /come to its end/ },
  { name: 'resumes nothing that was cancelled', feed: old, passes: [begun, { state: 'CANCELLED' }],
    request: { kind: 'resume' }, decision: /come to its end/ },
  { name: 'imports a pass that is not there', feed: old, request: importOf(), decision: { change: restored } },
  { name: 'imports a pass as it was begun', feed: old, passes: [ended], request: importOf(),
    decision: { change: restored } },
  { name: 'imports the live pass', feed: live, request: importOf({ feed: live, pass: undefined }),
    decision: { change: { ...restored, pass: undefined } } },
  { name: 'imports over what has read something', feed: live, request: importOf({ feed: live, pass: undefined }, false),
    decision: { change: { ...restored, pass: undefined } } },
  { name: 'imports over nothing that has read something, if only new feeds are meant', feed: live,
    request: importOf({ feed: live, pass: undefined }, true), decision: /has read something already/ },
  { name: 'imports over what has only begun, if only new feeds are meant', feed: old, passes: [begun],
    request: importOf({}, true), decision: { change: restored } },
  { name: 'imports over nothing that knows a row, if only new feeds are meant', feed: old,
    passes: [{ ...begun, seen: savedOld.seen }], request: importOf({}, true), decision: /has read something/ },
  { name: 'imports no feed that the file lacks', feed: live, request: importOf(), decision: /file does not have it/ },
  { name: 'imports none in the place of another pass', feed: old, passes: [begun],
    request: importOf({ pass: { ...plan, endMs: 49_000 } }), decision: /another pass has that name/ },
  { name: 'imports none of what another backfill reads', feed: { ...old, pass: 'new' }, passes: [begun],
    request: importOf({ feed: { ...old, pass: 'new' } }), decision: /the pass old reads a part of it/ },
  { name: 'imports a replay of what another backfill reads', feed: { ...old, pass: 'new' }, passes: [begun],
    request: importOf({ feed: { ...old, pass: 'new' }, pass: { ...plan, replay: true } }),
    decision: { change: { ...restored, pass: { ...plan, replay: true } } } },
  { name: 'pauses nothing that is not there', feed: old, request: { kind: 'pause' }, decision: /has no offset/ },
];

for (const { name, feed, request, passes, decision } of cases) {
  test(`decideChange ${name}`, () => {
    const decided = decideChange(standing(passes), feed, request);
    if (decision instanceof RegExp) assert.match('unchanged' in decided ? decided.unchanged : 'a change', decision);
    else assert.deepEqual(decided, decision);
  });
}

test('a change of a feed whose head is lost knows nothing of before, but for the keys', () => {
  const state = new OffsetState(live, 0);
  state.apply({ kind: 'seen', feed: live, page: 0, entries: [entry('a', 50)] });
  const [head] = state.changeTo({ watermarkMs: 90 }, nothing, 7);
  assert.deepEqual([head.watermarkMs, head.seenFromMs, head.originMs, head.manifest.seen.count], [90, 90, 90, 1]);
});
const signals: readonly (readonly [last: string | undefined, signal: string | undefined, obeyed: boolean])[] = [
  ['8x8.signals-0@7', '8x8.signals-0@7', true],
  ['8x8.signals-0@10', '8x8.signals-0@9', true],
  ['8x8.signals-0@9', '8x8.signals-0@10', false],
  ['8x8.signals-0@9', '8x8.signals-1@8', false],
  ['8x8.signals-0@9', 'other.signals-0@8', false],
  [undefined, '8x8.signals-0@0', false],
  ['8x8.signals-0@9', undefined, false],
];
for (const [last, signal, obeyed] of signals) {
  test(`hasObeyed knows of ${signal} when the last was ${last}`, () => assert.equal(hasObeyed(last, signal), obeyed));
}
