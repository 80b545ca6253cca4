import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { closingJourneys, type Journey } from './journey.ts';
import { assertWhole } from './verdict.ts';
import type { LogLine, Worker } from './worker.ts';

// Goal: a worker that comes back from a long pause, believing that its shards are still its own, loses and doubles
// nothing. Method: the whole road on real parts; SIGSTOP until the group has given its shards away, then SIGCONT.

const { journey: open, closeAll } = closingJourneys();
const paused = new Set<Worker>();
after(async () => {
  for (const worker of paused) resume(worker);
  await closeAll();
});

/** Two for each PBX. */
const FEEDS = 8;

type Matches = (line: LogLine) => boolean;

interface Pair {
  readonly journey: Journey;
  readonly zombie: Worker;
  readonly heir: Worker;
}

test('a worker paused at the live edge is back without loss or double, and shares the work again', async () => {
  const { journey, zombie, heir } = await openPair();
  await Promise.all([zombie, heir].map((worker) => journey.line(by(worker, 'polled', isShort))));
  await pauseUntilDispossessed({ journey, zombie, heir });
  await resumeUntilBothGoOn({ journey, zombie, heir });
  assertWhole(await journey.settle());
});

test('a worker paused in the middle of a catch-up does not repeat what another has read to its end', async () => {
  const { journey, zombie, heir } = await openPair({ EIGHT_PAGE_SIZE: '50', PACE_STEP_MAX: '10m' });
  const served = journey.account.stats().pagesServed;
  while (journey.account.stats().pagesServed < served + 10) await sleep(2);
  const readToTheEnd = new Set(journey.lines.filter(({ msg }) => msg === 'polled').map(({ feed }) => feed));
  assert.ok(readToTheEnd.size < FEEDS, 'some feed is in the middle of its first window');
  await pauseUntilDispossessed({ journey, zombie, heir });
  await resumeUntilBothGoOn({ journey, zombie, heir });
  assertWhole(await journey.settle());
});

/** Two workers that have just agreed who owns what. The one that owns more is to be the zombie. */
async function openPair(settings: Readonly<Record<string, string>> = {}): Promise<Pair> {
  const pbxIds = ['acme', 'globex', 'initech', 'umbrella'];
  const journey = await open({ simulator: { pbxIds, callsPerHour: 6_000 }, settings });
  const pair = [journey.start(), journey.start()] as const;
  await Promise.all(pair.map((worker) => journey.line(by(worker, 'shards owned', ownsSome))));
  const [heir, zombie] = pair.toSorted((a, b) => owned(journey, a).length - owned(journey, b).length);
  await journey.line(by(zombie!, 'shard opened', ({ shard }) => owned(journey, zombie!).includes(shard as number)));
  return { journey, zombie: zombie!, heir: heir! };
}

/** Stops the zombie until its heir owns all shards and has committed to each of those it took. */
async function pauseUntilDispossessed({ journey, zombie, heir }: Pair): Promise<void> {
  const inherited = nextLine(journey, by(heir, 'shards owned', ownsAll));
  // An opened shard has its barrier, a commit of the new epoch.
  const opened = owned(journey, zombie).map((shard) =>
    nextLine(journey, by(heir, 'shard opened', (line) => line['shard'] === shard)));
  pause(zombie);
  await Promise.all([inherited, ...opened]);
  await nextLine(journey, by(heir, 'polled', ({ published }) => Number(published) > 0));
}

/** Whether the zombie is fenced, or told by the group before it commits, is left to chance. */
async function resumeUntilBothGoOn({ journey, zombie, heir }: Pair): Promise<void> {
  const rejoined = [zombie, heir].map((worker) => nextLine(journey, by(worker, 'shards owned', ownsSome)));
  resume(zombie);
  await Promise.all(rejoined);
  await Promise.all([zombie, heir].map((worker) => nextLine(journey, by(worker, 'polled'))));
}

/** The first line for which `matches` holds that has not been logged yet when this is called. */
function nextLine({ line, lines }: Journey, matches: Matches): Promise<LogLine> {
  const known = new Set(lines);
  return line((entry) => !known.has(entry) && matches(entry));
}

function by({ pid }: Worker, msg: string, more: Matches = () => true): Matches {
  return (line) => line['worker'] === pid && line.msg === msg && more(line);
}

function owned({ lines }: Journey, worker: Worker): readonly number[] {
  return shardsOf(lines.findLast(by(worker, 'shards owned'))!);
}

function shardsOf(line: LogLine): readonly number[] {
  return line['shards'] as number[];
}

function ownsAll(line: LogLine): boolean {
  return shardsOf(line).length === line['of'];
}

function ownsSome(line: LogLine): boolean {
  return shardsOf(line).length > 0 && !ownsAll(line);
}

/** As windows are at the live edge; those of a catch-up and of a sweep are longer. */
function isShort({ from, to }: LogLine): boolean {
  return Date.parse(String(to)) - Date.parse(String(from)) < 20_000;
}

function pause(worker: Worker): void {
  paused.add(worker);
  process.kill(worker.pid, 'SIGSTOP');
}

function resume(worker: Worker): void {
  paused.delete(worker);
  process.kill(worker.pid, 'SIGCONT');
}
