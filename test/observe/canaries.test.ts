import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { test } from 'node:test';
import { pino } from 'pino';
import { ConnectorError } from '../../src/errors.ts';
import { logEvent } from '../../src/observe/log.ts';
import { createObserver } from '../../src/observe/observer.ts';
import { MemorySink } from '../../src/sink/memory.ts';
import type { Commit } from '../../src/sink/sink.ts';
import type { Source } from '../../src/source/source.ts';
import { callLegs } from '../../src/streams/call-legs.ts';
import { callRecords } from '../../src/streams/call-records.ts';
import { hideableFields, hiding, policyOf, type Preset } from '../../src/streams/privacy.ts';
import type { RawRow, Stream } from '../../src/streams/stream.ts';
import { CallDesk } from '../../src/worker/call-desk.ts';
import { pollOnce, type Feed } from '../../src/worker/poll.ts';
import { recall } from '../../src/worker/recall.ts';
import { runWorker, type WorkerEvent } from '../../src/worker/worker.ts';
import { documentedLegs, documentedRecords } from '../streams/documented.ts';
import { at, feedOf, minutes, openFor, pageOf, pace, sourceOf } from '../worker/parts.ts';
import { VirtualClock, VirtualTime } from '../world/virtual-time.ts';

/** In every field of a person. It looks like a name, a number and an address, so that no rule by looks lets it go. */
const PERSON = /Canary|5550131234/;
const NAME = 'Canary Smith';
const TEXT = 'Canary Smith +15550131234@10.1.2.3';
/** In ids, which name rows on the bus, but have no place in what an operator sees. */
const ID = 'id-7f3a';

const key = { id: '1', secret: createSecretKey('secret', 'utf8') };
const KEPT = ['direction', 'status', 'cause', 'departments', 'branches', 'extras'];

/** A documented row with canaries in all that a policy may hide, in new fields, and where they do not fit. */
function full({ name: stream }: Stream, more: RawRow): RawRow {
  const texts = hideableFields(stream).filter((name) => !KEPT.includes(name) && !name.endsWith('Disposition')
    && !/Svc|Model|OnHold|Disp$/.test(name));
  const row = stream === 'call-legs' ? documentedLegs[0]! : documentedRecords[0]!;
  const hidden = Object.fromEntries(texts.map((name) => [name, name.endsWith('Name') ? NAME : TEXT]));
  const odd = { somethingNew: { deep: [TEXT] }, missed: { who: TEXT }, [`${NAME} 5550131234`]: 1 };
  return { ...row, ...hidden, ...odd, pbxId: 'acme', ...more };
}

const timesOf = (clock: string) => ({ startTimeUTC: at(clock) - 5_000, disconnectedTimeUTC: at(clock) });
const legRow = (id: string, clock: string, more: RawRow = {}): RawRow =>
  full(callLegs, { callId: `${ID}-${id}`, legId: '1', ...timesOf(clock), ...more });
const recordRow = (id: string, clock: string): RawRow =>
  full(callRecords, { callId: `${ID}-${id}`, callLegCount: 1, ...timesOf(clock) });

/** All rows there are, until one is `changed`: then a name in it is another. A bad row has its canary in a number. */
const rowsOf = (name: string, changed: boolean): readonly RawRow[] => name === 'call-records'
  ? [recordRow('1', '10:00:10'), recordRow('2', '10:00:20')]
  : [legRow('1', '10:00:10', changed ? { callerName: 'Canary Jones' } : {}), legRow('2', '10:00:20'),
    legRow('3', '10:00:30', { cause: 'Canary' }), { ...legRow('4', '10:00:40'), talkTimeMS: TEXT }];

function feedWith(stream: Stream, preset: Preset): Feed {
  const { policy } = policyOf(stream.name, preset, '');
  const more = { callLegCount: 'own', originMs: at('09:00:00'), pace: { ...pace, stepMaxMs: minutes(10) } } as const;
  const id = { stream: stream.name, pbxId: 'acme', pass: 'live' };
  return feedOf('acme', { id, stream: hiding(stream, policy, key), ...more });
}

interface Left {
  readonly commits: readonly Commit[];
  readonly events: readonly WorkerEvent[];
  readonly nowMs: () => number;
}

/** What a worker leaves behind that reads such rows under a policy, through failures of 8x8 and of the bus. */
async function live(preset: Preset): Promise<Left> {
  const time = new VirtualTime(at('10:05:00'));
  const clock = new VirtualClock(time);
  const events: WorkerEvent[] = [];
  const commits: Commit[] = [];
  let readings = 0;
  const source: Source = {
    async check() {},
    aheadMs: () => 0,
    async *readPages({ stream, window }) {
      readings += 1;
      if (readings % 5 === 0) throw new ConnectorError('SOURCE_MALFORMED', 'not JSON', { cause: new Error(TEXT) });
      const rows = rowsOf(stream.name, clock.nowMs() > at('10:20:00')).filter(({ disconnectedTimeUTC: ms }) =>
        Number(ms) >= window.from && Number(ms) < window.to);
      if (rows.length > 0) yield pageOf(rows);
    },
  };
  const sink = new MemorySink({
    faultOf: (index) => (index === 4 || index === 20 ? 'lost-after-commit' : 'none'),
    onCommit: (commit) => void commits.push(commit),
  });
  const feeds = [callLegs, callRecords].map((stream) => feedWith(stream, preset));
  const stop = new AbortController();
  const listen = (event: WorkerEvent): void => void events.push(event);
  const running = runWorker({ feeds, source, sink, clock, random: () => 0, listen }, stop.signal);
  await time.advanceTo(at('11:00:00'));
  stop.abort();
  await running;
  return { commits, events, nowMs: clock.nowMs.bind(clock) };
}

/** All that an operator sees, as text. */
async function seen({ events, nowMs }: Left): Promise<string> {
  const lines: string[] = [];
  const log = pino({ base: null }, { write: (line: string) => void lines.push(line) });
  const build = { version: '', node: '', commit: '' };
  const { metrics, overview, onEvent } = createObserver({ name: '8x8', guarantee: 'exactly-once', build }, nowMs);
  for (const event of events) {
    logEvent(log, event);
    onEvent(event);
  }
  return [...lines, await metrics.registry.metrics(), JSON.stringify(overview.status())].join('\n');
}

const textOf = ({ commits }: Left, channels: readonly string[]): string => JSON.stringify(commits.flatMap((commit) =>
  commit.events.filter(({ channel }) => channels.includes(channel))));

const WITH_ROWS = ['accepted', 'calls'];
const WITHOUT_ROWS = ['rejected', 'ledger', 'watermarks', 'drift'];

// Goal: what a person is called leaves by no log, metric, status, offset, dead letter or audit event, and by a policy
// by no event at all. Method: rows full of canaries, good and bad, through a worker with failures.
for (const preset of ['off', 'standard', 'strict'] as const) {
  test(`with the policy ${preset} no canary is where none may be`, async () => {
    const left = await live(preset);
    const kinds = new Set<string>(left.events.map(({ kind }) => kind));
    assert.deepEqual(['polled', 'poll-failed', 'shard-failed', 'shard-opened'].filter((kind) => !kinds.has(kind)), []);
    for (const channel of [...WITH_ROWS, ...WITHOUT_ROWS]) assert.notEqual(textOf(left, [channel]), '[]', channel);
    assert.ok(textOf(left, WITH_ROWS).includes('"corrected"'));

    const shown = await seen(left);
    assert.doesNotMatch(shown, new RegExp(`${ID}|5550131234|${NAME}`));
    assert.doesNotMatch(textOf(left, WITHOUT_ROWS), /5550131234|Canary Smith|Canary Jones/);
    assert.doesNotMatch(JSON.stringify(left.commits.map(({ step }) => step)), /5550131234|Canary Smith|Canary Jones/);
    if (preset === 'off') return assert.match(textOf(left, WITH_ROWS), PERSON, 'the canaries did come through');

    // "Canary" alone came as a cause, a word that events keep; nobody else tells of it under a policy.
    const words = textOf(left, WITH_ROWS).replaceAll('"cause":"Canary"', '');
    assert.doesNotMatch(`${words}${textOf(left, WITHOUT_ROWS)}${shown}`, PERSON);
  });
}

// Goal: a whole call has the policy behind it, also where its leg was read once more for it. Method: the leg is
// published by one owner of the shard, and recalled by the next, who has nothing of it in memory.
test('a whole call is made of what was published, also after a takeover', async () => {
  const commits: Commit[] = [];
  const sink = new MemorySink({ onCommit: (commit) => void commits.push(commit) });
  const [legs, records] = [feedWith(callLegs, 'strict'), feedWith(callRecords, 'strict')];
  await openFor(legs, sink);
  const session = await openFor(records, sink);
  const window = { from: at('10:00:00'), to: at('10:01:00') };
  const clock = new VirtualClock(new VirtualTime(at('10:05:00')));
  const { signal } = new AbortController();
  const of = (row: RawRow) => ({ source: sourceOf([[row]]), session, clock, signal });
  const [leg, record] = [legRow('1', '10:00:10'), recordRow('1', '10:00:10')];

  await pollOnce(legs, window, of(leg));
  const calls = new CallDesk(legs.id, 'own');
  await calls.begin(session);
  await recall(legs, window, { ...of(leg), calls });
  await pollOnce(records, window, { ...of(record), calls });
  for (const { id } of [legs, records]) await calls.settle({ id, pace, swept: true }, { session, clock });

  const events = commits.flatMap(({ events: all }) => all);
  const [published, whole] = ['accepted', 'calls'].map((channel) => events.find((event) => event.channel === channel)!);
  assert.deepEqual(whole!.value['legs'], [published!.value]);
  assert.equal(whole!.keyId, '1');
  assert.doesNotMatch(JSON.stringify(whole), PERSON);
});
