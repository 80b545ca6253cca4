import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import avro from 'avsc';
import { fetchJars } from '../stack/jars.ts';
import type { Stack } from '../stack/stack.ts';

/** A record as a reader sees it: decoded from Avro by its own schema, as the registry has it. */
export interface ReadRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string | null;
  readonly value: Record<string, unknown> | null;
  readonly headers: Readonly<Record<string, string>>;
}

type Isolation = 'read_committed' | 'read_uncommitted';
type Where = Pick<Stack, 'brokers' | 'registryUrl' | 'toolsClasspath'>;

/** Every record of the topics, read to their end with Kafka's own Java client. */
export async function readTopics(
  stack: Where,
  topics: readonly string[],
  isolation: Isolation = 'read_committed',
): Promise<readonly ReadRecord[]> {
  const records: ReadRecord[] = [];
  const reader = await startReader(stack, [isolation, 'end', ...topics]);
  await eachRecord(reader, stack.registryUrl, (record) => records.push(record));
  return records;
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
  const reader = await startReader(stack, ['read_committed', 'follow', ...topics]);
  const ended = eachRecord(reader, stack.registryUrl, onRecord);
  return {
    async stop() {
      reader.stdin!.end();
      await ended;
    },
  };
}

/** Servers of the user's own come without Kafka's Java client; it is then fetched, as for ours. */
async function startReader({ brokers, toolsClasspath }: Where, args: readonly string[]): Promise<ChildProcess> {
  const classpath = toolsClasspath ?? (await fetchJars()).kafkaClasspath;
  const source = new URL('TopicReader.java', import.meta.url).pathname;
  const small = ['-Xmx96m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
  const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=error';
  const command = [...small, quiet, '-cp', classpath, source, brokers, ...args];
  return spawn('java', command, { stdio: ['pipe', 'pipe', 'inherit'] });
}

async function eachRecord(
  reader: ChildProcess,
  registryUrl: string,
  onRecord: (record: ReadRecord) => void,
): Promise<void> {
  const decode = createDecoder(registryUrl);
  const exited = once(reader, 'exit');
  for await (const line of createInterface({ input: reader.stdout! })) {
    const { key, value, headers, ...rest } = JSON.parse(line);
    onRecord({
      ...rest,
      key: key === null ? null : text(key),
      value: value === null ? null : await decode(Buffer.from(value, 'base64')),
      headers: Object.fromEntries(Object.entries(headers).map(([name, bytes]) => [name, text(String(bytes))])),
    });
  }
  const [code] = await exited;
  if (code !== 0) throw new Error(`the topic reader ended with code ${code}`);
}

/** Confluent's wire format, by the schema that the registry gives under the id in front. */
function createDecoder(registryUrl: string): (bytes: Buffer) => Promise<Record<string, unknown>> {
  const types = new Map<number, Promise<avro.Type>>();
  return async (bytes) => {
    const id = bytes.readInt32BE(1);
    let type = types.get(id);
    if (type === undefined) types.set(id, (type = fetchType(registryUrl, id)));
    return (await type).fromBuffer(bytes.subarray(5)) as Record<string, unknown>;
  };
}

async function fetchType(registryUrl: string, id: number): Promise<avro.Type> {
  const response = await fetch(`${registryUrl}/schemas/ids/${id}`);
  const { schema } = (await response.json()) as { schema: string };
  return avro.Type.forSchema(JSON.parse(schema));
}

function text(base64: string): string {
  return Buffer.from(base64, 'base64').toString();
}
