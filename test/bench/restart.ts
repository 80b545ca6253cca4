import { startWorker, type LogLine } from '../road/worker.ts';
import type { Stack } from '../stack/stack.ts';
import { startAccount } from './account.ts';
import { allSeen } from './cases.ts';
import { runRoad, settingsOf } from './road.ts';
import { plainTable, rssMaxMiB, until } from './watch.ts';

const WAIT_MAX_MS = 5 * 60_000;

/** How long a worker takes to restore a shard, by how many keys it remembers: one hundredth of them, a tenth, all. */
export async function measureRestart(stack: Stack, keys: number): Promise<string> {
  const table = plainTable(['keys remembered', 's to open the shard', 'keys / s', 'peak MiB by then']);
  for (const legs of [keys / 100, keys / 10, keys]) {
    const of = allSeen(legs);
    const account = await startAccount(of);
    try {
      const to = { ...stack, prefix: `bench-${process.pid}-${of.name}` };
      await runRoad(to, account, of);
      const lines: LogLine[] = [];
      const worker = startWorker(settingsOf(to, account, of), (line) => lines.push(line));
      const opened = (): LogLine | undefined => lines.find((line) => line.msg === 'shard opened' && line['seen'] !== 0);
      await until(() => opened() !== undefined, worker, WAIT_MAX_MS);
      const [seen, seconds] = [Number(opened()!['seen']), Number(opened()!['durationMs']) / 1_000];
      table.push([seen, seconds.toFixed(2), (seen / seconds).toFixed(0), rssMaxMiB(worker)]);
      await worker.stop();
    } finally {
      account.end();
    }
  }
  return `One PBX in one shard; reading offsets from Kafka, decoding, and the check of what they add up to:\n${table}`;
}
