import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Destination } from '../road/worker.ts';
import { withAdmin } from '../stack/admin.ts';
import { JAVA } from '../stack/java.ts';
import type { Stack } from '../stack/stack.ts';
import { startAccount, type BenchAccount } from './account.ts';
import type { Beside, Case } from './cases.ts';
import type { Figure } from './figures.ts';
import type { PagesLoad } from './pages.ts';
import { runRoad } from './road.ts';

/** Where the road of this round has written, and what it has read. */
export interface Beheld {
  readonly to: Destination & Stack;
  readonly account: BenchAccount;
  readonly of: Case;
  /** For which a ceiling is measured. */
  readonly seconds: number;
}

const run = promisify(execFile);

/** What the road is compared with, each in a process of its own. */
export const BESIDE: Readonly<Record<Beside, (beheld: Beheld) => Promise<Figure>>> = {
  'again': ({ to, account, of }) => runRoad({ ...to, prefix: `${to.prefix}-again` }, account, of),
  'kafkajs': ({ to, of, seconds }) =>
    program('raw.ts', [to.brokers, `${to.prefix}.call-legs`, `${to.prefix}.raw`, String(of.pageRows), String(seconds)]),
  'perf test': perfTest,
  'parse': (beheld) => pages(beheld, 'parse'),
  'encode': (beheld) => pages(beheld, 'encode'),
  'no latency': async ({ to, of }) => {
    const near = { ...of, latencyMs: 0 };
    const account = await startAccount(near);
    try {
      return await runRoad({ ...to, prefix: `${to.prefix}-near` }, account, near);
    } finally {
      account.end();
    }
  },
};

function pages({ to, account, of, seconds }: Beheld, what: PagesLoad['what']): Promise<Figure> {
  const { registryUrl } = to;
  const load: PagesLoad =
    { account, registryUrl, subject: `${to.prefix}.pages-value`, pageRows: of.pageRows, what, seconds };
  return program('pages.ts', [JSON.stringify(load)]);
}

async function program(name: string, args: readonly string[]): Promise<Figure> {
  const script = new URL(name, import.meta.url).pathname;
  const { stdout } = await run(process.execPath, ['--disable-warning=TimeoutNegativeWarning', script, ...args], {
    env: { ...process.env, KAFKAJS_NO_PARTITIONER_WARNING: '1' },
  });
  return JSON.parse(stdout) as Figure;
}

/** A leg in Avro with its headers, about. */
const RECORD_BYTES = 600;
/** It asks for a number of records, not for a time; so fast is a small machine. */
const RECORDS_PER_SECOND = 40_000;

/** Kafka's own test of its producer, the Java client: transactions of a tenth of a second. */
async function perfTest({ to, seconds }: Beheld): Promise<Figure> {
  const { brokers, toolsClasspath, prefix } = to;
  if (toolsClasspath === undefined) throw new Error('Kafka\'s perf test comes with a broker that is started here');
  const topic = `${prefix}.perf`;
  await withAdmin(brokers, (admin) => admin.createTopics({ topics: [{ topic, numPartitions: 6 }] }));
  const records = RECORDS_PER_SECOND * seconds;
  const { stdout } = await run(JAVA, [
    '-Xmx192m', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error', '-cp', toolsClasspath,
    'org.apache.kafka.tools.ProducerPerformance', '--topic', topic, '--num-records', String(records),
    '--record-size', String(RECORD_BYTES), '--throughput', '-1', '--transactional-id', topic,
    '--transaction-duration-ms', '100', '--bootstrap-server', brokers,
  ], { maxBuffer: 1e7 });
  const perSecond = Number(/([\d.]+) records\/sec.*99\.9th/.exec(stdout)![1]);
  return { records, seconds: records / perSecond };
}
