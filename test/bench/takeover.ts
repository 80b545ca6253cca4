import { setTimeout as sleep } from 'node:timers/promises';
import Table from 'cli-table3';
import { commitsOf, recoveriesMs, shardsOf } from '../attack/recovery.ts';
import { openJourney, type Journey } from '../road/journey.ts';
import type { Worker } from '../road/worker.ts';

const PBX_IDS = ['acme', 'globex', 'initech', 'umbrella'];
/** Two live polls of each feed by whoever has taken it over. */
const POLLS_MS = 5_000;

/** Time from the end of a worker until each shard that was its own has a commit again, in seconds. */
export async function measureTakeovers(rounds: number): Promise<string> {
  const cases = [
    ['SIGTERM, another worker is there', (worker: Worker) => worker.stop(), true],
    ['SIGKILL, another worker is there', (worker: Worker) => worker.kill(), true],
    ['SIGKILL of the only worker, started again at once', (worker: Worker) => worker.kill(), false],
  ] as const;
  const head = ['end of a worker (session timeout 6 s)', 'seconds to the next commit of all its shards'];
  const table = new Table({ style: { head: [], border: [] }, head });
  for (const [name, end, withOther] of cases) {
    const seconds: string[] = [];
    for (let round = 0; round < rounds; round += 1) seconds.push(((await takeover(end, withOther)) / 1_000).toFixed(2));
    table.push([name, seconds.join('  ')]);
  }
  return table.toString();
}

async function takeover(end: (worker: Worker) => Promise<unknown>, withOther: boolean): Promise<number> {
  const journey = await openJourney({ simulator: { pbxIds: PBX_IDS, callsPerHour: 600 } });
  try {
    const victim = journey.start();
    await settled(journey, withOther ? [victim, journey.start()] : [victim]);

    const loss = { kind: 'end', atMs: Date.now(), shards: shardsOf(journey, victim) };
    const ended = end(victim);
    if (!withOther) journey.start();
    const known = new Set(journey.lines);
    await journey.line((line) =>
      !known.has(line) && line.msg === 'shards owned' && line['worker'] !== victim.pid
      && loss.shards.every((shard) => (line['shards'] as number[]).includes(shard)));
    await sleep(POLLS_MS);
    await ended;
    return Math.max(...recoveriesMs(loss, [loss], await commitsOf(journey)));
  } finally {
    await journey.close();
  }
}

/** Until each worker has shards of its own, and polls them in the rhythm of the live edge. */
async function settled(journey: Journey, workers: readonly Worker[]): Promise<void> {
  for (const { pid } of workers) await journey.line((line) => line.msg === 'polled' && line['worker'] === pid);
  await sleep(POLLS_MS);
}
