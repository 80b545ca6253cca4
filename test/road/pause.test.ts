import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openJourney, type Journey } from './journey.ts';
import type { LogLine, Worker } from './worker.ts';

// Goal: a worker that comes back from a long pause, believing that its shards are its own still, loses and doubles
// nothing. Method: the whole road on real parts; SIGSTOP until the group has given its shards to another, then SIGCONT.

const workers: Worker[] = [];
const journeys: Journey[] = [];
after(async () => {
  for (const worker of workers) resume(worker);
  for (const journey of journeys) await journey.close();
});

type Matches = (line: LogLine) => boolean;

const by = ({ pid }: Worker, msg: string, more: Matches = () => true): Matches =>
  (line) => line['worker'] === pid && line.msg === msg && more(line);

const isAtTheLiveEdge: Matches = ({ from, to }) => Date.parse(String(to)) - Date.parse(String(from)) < 10_000;
const shardsOf = (line: LogLine): readonly number[] => line['shards'] as number[];
const ownsAll: Matches = (line) => shardsOf(line).length === line['of'];
const ownsSome: Matches = (line) => shardsOf(line).length > 0 && !ownsAll(line);

/** Four PBXes: eight feeds, so that both workers have some. */
async function openPair(settings: Readonly<Record<string, string>> = {}) {
  const pbxIds = ['acme', 'globex', 'initech', 'umbrella'];
  const journey = await openJourney({ simulator: { pbxIds }, settings });
  journeys.push(journey);
  const [zombie, heir] = [journey.start(), journey.start()];
  workers.push(zombie, heir);
  return { journey, zombie, heir };
}

/** Waits for a line that has not been logged yet when this is called. */
function nextLine({ line, lines }: Journey, matches: Matches): Promise<LogLine> {
  const known = new Set(lines);
  return line((entry) => !known.has(entry) && matches(entry));
}

function pause({ pid }: Worker): void {
  process.kill(pid, 'SIGSTOP');
}

function resume({ pid }: Worker): void {
  try {
    process.kill(pid, 'SIGCONT');
  } catch {
    // It has ended, which is as good.
  }
}

/** Stops `zombie` until `heir` has all shards and has committed on each of those that it took. */
async function pauseUntilDispossessed({ journey, zombie, heir }: Awaited<ReturnType<typeof openPair>>): Promise<void> {
  const lost = shardsOf(journey.lines.findLast(by(zombie, 'shards owned'))!);
  assert.ok(lost.length > 0, 'there is something to take over');
  pause(zombie);
  const [owned] = await Promise.all([
    nextLine(journey, by(heir, 'shards owned', ownsAll)),
    ...lost.map((shard) => nextLine(journey, by(heir, 'shard opened', (line) => line['shard'] === shard))),
  ]);
  assert.ok(owned !== undefined);
  await nextLine(journey, by(heir, 'polled', ({ published }) => Number(published) > 0));
}
