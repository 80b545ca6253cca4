import { setTimeout as sleep } from 'node:timers/promises';
import Table from 'cli-table3';
import { openJourney, type Journey } from '../road/journey.ts';
import type { LogLine, Worker } from '../road/worker.ts';

const PBX_IDS = ['acme', 'globex', 'initech', 'umbrella'];

/** Time from the end of a worker to the next commit of a feed that was its own, in seconds. */
export async function measureTakeovers(rounds: number): Promise<string> {
  const cases = [
    ['SIGTERM, another worker is there', (worker: Worker) => worker.stop(), true],
    ['SIGKILL, another worker is there', (worker: Worker) => worker.kill(), true],
    ['SIGKILL of the only worker, started again at once', (worker: Worker) => worker.kill(), false],
  ] as const;
  const head = ['end of a worker (session timeout 6 s)', 'seconds to the next commit of its feeds'];
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
    if (withOther) await settled(journey, [victim, journey.start()]);
    else await settled(journey, [victim]);

    const feeds = new Set(pollsOf(journey, victim).slice(-4).map((line) => line['feed']));
    const endedMs = Date.now();
    const ended = end(victim);
    if (!withOther) journey.start();
    const next = await journey.line((line) =>
      line.msg === 'polled' && line['worker'] !== victim.pid && feeds.has(line['feed']) && timeOf(line) > endedMs);
    await ended;
    return timeOf(next) - endedMs;
  } finally {
    await journey.close();
  }
}

/** Until each worker has shards of its own, and polls them in the rhythm of the live edge. */
async function settled(journey: Journey, workers: readonly Worker[]): Promise<void> {
  for (const { pid } of workers) await journey.line((line) => line.msg === 'polled' && line['worker'] === pid);
  await sleep(5_000);
}

function pollsOf(journey: Journey, worker: Worker): readonly LogLine[] {
  return journey.lines.filter((line) => line.msg === 'polled' && line['worker'] === worker.pid);
}

function timeOf(line: LogLine): number {
  return Date.parse(String(line['time']));
}
