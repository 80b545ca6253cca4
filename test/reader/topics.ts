import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { compileOnce } from '../stack/class-files.ts';
import { fetchJars } from '../stack/jars.ts';
import type { Stack } from '../stack/stack.ts';
import { avroDecoder } from './avro.ts';
import { createSegmentParser, type LogEntry } from './segments.ts';

/** A record as a reader sees it: decoded from Avro by its own schema, as the registry has it. */
export interface ReadRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string | null;
  /** Null for a tombstone, and for bytes that nobody can read. */
  readonly value: Record<string, unknown> | null;
  /** Why the value could not be read. */
  readonly unreadable?: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Where a partition ends. */
export interface PartitionEnd {
  readonly topic: string;
  readonly partition: number;
  /** Behind the last record before any open transaction: the last stable offset. */
  readonly stableEnd: number;
  /** Behind the last record that all replicas have: the high watermark. */
  readonly end: number;
  /** Whether its log lies on this machine, so that {@link WholeTopics.log} has its entries. */
  readonly segments: boolean;
}

/** All that there is to see of some topics at the end of a run. */
export interface WholeTopics {
  readonly committed: readonly ReadRecord[];
  readonly uncommitted: readonly ReadRecord[];
  readonly ends: readonly PartitionEnd[];
  /** What Kafka's own DumpLogSegments finds on the broker's disk. */
  readonly log: readonly LogEntry[];
}

type Isolation = 'read_committed' | 'read_uncommitted';
export type Where = Pick<Stack, 'brokers' | 'registryUrl' | 'toolsClasspath'>;

/** Every record of the topics, read to their end with Kafka's own Java client. */
export async function readTopics(
  stack: Where,
  topics: readonly string[],
  isolation: Isolation = 'read_committed',
): Promise<readonly ReadRecord[]> {
  const records: ReadRecord[] = [];
  const decode = createDecoder(stack.registryUrl);
  const reader = await startReader(stack, [isolation, ...topics]);
  await eachLine(reader, async (line) => void records.push(await decode(line)));
  return records;
}

/** How many committed records of the topics have a time before that, epoch milliseconds. */
export async function countRecords(stack: Where, topics: readonly string[], beforeMs: number): Promise<number> {
  let count = NaN;
  await eachLine(await startReader(stack, ['count', String(beforeMs), ...topics]), async (line) => {
    count = Number(line);
  });
  return count;
}

/** A reader at work, until it is stopped. */
export interface Following {
  stop(): Promise<void>;
}

/** Reads the topics from their start and goes on until `stop`. */
export async function followTopics(
  stack: Where,
  topics: readonly string[],
  onRecord: (record: ReadRecord) => void,
): Promise<Following> {
  const decode = createDecoder(stack.registryUrl);
  const reader = await startReader(stack, ['follow', ...topics]);
  const ended = eachLine(reader, async (line) => onRecord(await decode(line)));
  return {
    async stop() {
      reader.stdin!.end();
      await ended;
    },
  };
}

/** Both views of the topics, where they end, and what lies on the broker's disk. */
export async function readWholeTopics(stack: Where, topics: readonly string[]): Promise<WholeTopics> {
  const views: Record<Isolation, ReadRecord[]> = { read_committed: [], read_uncommitted: [] };
  const ends: PartitionEnd[] = [];
  const log: LogEntry[] = [];
  const parseSegment = createSegmentParser();
  const decode = createDecoder(stack.registryUrl);
  let view: Isolation = 'read_committed';
  const reader = await startReader(stack, ['whole', ...topics]);
  await eachLine(reader, async (line) => {
    if (line.startsWith('{"view":')) view = (JSON.parse(line) as { view: Isolation }).view;
    else if (line.includes('"stableEnd":')) ends.push(JSON.parse(line) as PartitionEnd);
    else if (line.startsWith('{')) views[view].push(await decode(line));
    else log.push(...parseSegment(line));
  });
  return { committed: views.read_committed, uncommitted: views.read_uncommitted, ends, log };
}

/** Servers of the user's own come without Kafka's Java client; it is then fetched, as for ours. */
async function startReader({ brokers, toolsClasspath }: Where, args: readonly string[]): Promise<ChildProcess> {
  const classpath = toolsClasspath ?? (await fetchJars()).kafkaClasspath;
  const source = new URL('TopicReader.java', import.meta.url).pathname;
  const classes = await compileOnce(source, classpath);
  const small = ['-Xmx192m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
  const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=error';
  const command = [...small, quiet, '-cp', `${classpath}:${classes}`, 'TopicReader', brokers, ...args];
  return spawn('java', command, { stdio: ['pipe', 'pipe', 'inherit'] });
}

async function eachLine(reader: ChildProcess, onLine: (line: string) => Promise<void>): Promise<void> {
  const exited = once(reader, 'exit');
  for await (const line of createInterface({ input: reader.stdout! })) await onLine(line);
  const [code] = await exited;
  if (code !== 0) throw new Error(`the topic reader ended with code ${code}`);
}

/** Confluent's wire format, by the schema that the registry gives under the id in front. */
function createDecoder(registryUrl: string): (line: string) => Promise<ReadRecord> {
  const types = new Map<number, Promise<(bytes: Buffer) => unknown>>();
  return async (line) => {
    const { key, value, headers, ...rest } = JSON.parse(line);
    const record = {
      ...rest,
      key: key === null ? null : text(key),
      value: null,
      headers: Object.fromEntries(Object.entries(headers).map(([name, bytes]) => [name, text(String(bytes))])),
    };
    if (value === null) return record;
    const bytes = Buffer.from(value, 'base64');
    if (bytes.length < 5 || bytes[0] !== 0) return { ...record, unreadable: 'not in the wire format of the registry' };
    const id = bytes.readInt32BE(1);
    let type = types.get(id);
    if (type === undefined) types.set(id, (type = fetchType(registryUrl, id)));
    try {
      return { ...record, value: (await type)(bytes.subarray(5)) as Record<string, unknown> };
    } catch (error) {
      if (error instanceof RangeError) return { ...record, unreadable: error.message };
      throw error;
    }
  };
}

async function fetchType(registryUrl: string, id: number): Promise<(bytes: Buffer) => unknown> {
  const response = await fetch(`${registryUrl}/schemas/ids/${id}`);
  if (response.status === 404) throw new RangeError(`the registry has no schema ${id}`);
  const { schema } = (await response.json()) as { schema: string };
  return avroDecoder(JSON.parse(schema));
}

function text(base64: string): string {
  return Buffer.from(base64, 'base64').toString();
}
