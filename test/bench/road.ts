import { roadSettings, startWorker, type Destination, type LogLine } from '../road/worker.ts';
import { countRecords } from '../reader/topics.ts';
import type { Stack } from '../stack/stack.ts';
import type { BenchAccount } from './account.ts';
import type { Case } from './cases.ts';
import type { Figure } from './figures.ts';
import { cpuSeconds, rssMaxMiB, Standing, timeOf, until } from './watch.ts';

const WAIT_MAX_MS = 30 * 60_000;

/** What the settings of all cases have in common; windows end where the history ends. */
const AT_FULL_SPEED = {
  EIGHT_REQUESTS_PER_MINUTE: '1000000', PACE_STEP_MAX: '2h', PACE_OVERLAP: '3s', PACE_LOOKBACK: '30m',
  PACE_SWEEP_EVERY: '10m',
};

/** How a run is looked at from inside, by options of Node: a profile of its work, or of what it allocates. */
export interface Profile {
  readonly kind: 'cpu' | 'heap';
  readonly directory: string;
}

/**
 * One worker reads the history of a case: from the first request of the first poll until each feed is complete. What
 * stands on the bus then is counted by Kafka's own client, and must be what the simulator shows.
 */
export async function runRoad(
  to: Destination & Stack,
  account: BenchAccount,
  of: Case,
  profile?: Profile,
): Promise<Figure> {
  const { streams } = of;
  const lines: LogLine[] = [];
  const started = Promise.withResolvers<string>();
  const worker = startWorker({ ...settingsOf(to, account, of), ...optionsOf(profile) }, (line) => {
    lines.push(line);
    if (line.msg === 'starting') started.resolve(String(line['http']));
    if (Number(line['level']) >= 50) console.error(line);
  });
  const standing = new Standing({ lines });
  const feeds = streams.split(',').length * account.options.pbxIds.length;
  await until(() => standing.reached(account.toMs) === feeds, worker, WAIT_MAX_MS);
  const polls = lines.filter(({ msg }) => msg === 'polled');
  const startMs = Math.min(...polls.map((line) => timeOf(line) - Number(line['durationMs'])));
  const endMs = Math.max(...polls.filter((line) => isLast(line, account.toMs)).map(timeOf));
  const transactions = await readMetrics(await started.promise);
  const figure = { cpuSeconds: cpuSeconds(worker), peakMiB: rssMaxMiB(worker), ...transactions };
  await worker.stop();

  const topics = streams.split(',').map((stream) => `${to.prefix}.${stream}`);
  const records = await countRecords(to, topics, account.toMs);
  if (records !== account.rows) throw new Error(`${account.rows} rows were shown, and ${records} are on the bus`);
  return { records, seconds: (endMs - startMs) / 1_000, ...figure };
}

/** Of the connector that reads a case. */
export function settingsOf(
  to: Destination,
  account: BenchAccount,
  { streams, pageRows, settings }: Case,
): Readonly<Record<string, string>> {
  return {
    ...roadSettings(account, to, account.fromMs), ...AT_FULL_SPEED,
    EIGHT_STREAMS: streams, EIGHT_PAGE_SIZE: String(pageRows), ...settings,
  };
}

function optionsOf(profile: Profile | undefined): Readonly<Record<string, string>> {
  if (profile === undefined) return {};
  const { kind, directory } = profile;
  return { NODE_OPTIONS: `--${kind}-prof --${kind}-prof-dir=${directory}` };
}

function isLast(line: LogLine, toMs: number): boolean {
  return Date.parse(String(line['watermark'])) >= toMs;
}

async function readMetrics(http: string): Promise<Pick<Figure, 'transactionMs'>> {
  const metrics = await (await fetch(`${http}/metrics`)).text();
  const read = (name: string): number =>
    Number(new RegExp(`^connector_transaction_duration_seconds_${name}\\{outcome="committed"\\} (.*)$`, 'm')
      .exec(metrics)![1]);
  return { transactionMs: (read('sum') * 1_000) / read('count') };
}
