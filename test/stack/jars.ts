import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fetchOnce, shortHash } from './cache.ts';
import { archiveClasses } from './class-archive.ts';
import { SMALL_JVM, JAVA, execute, requireJava, requireMaven } from './java.ts';
import { runMaven } from './maven.ts';

const POM = join(import.meta.dirname, 'pom.xml');

/** What is needed to start the servers, all of it read-only: many processes use one copy at the same time. */
export interface Jars {
  /** Class path of Kafka's broker and of its command line tools. */
  readonly kafkaClasspath: string;
  readonly registryClasspath: string;
  /** A log directory as Kafka's own StorageTool formats it: copying it saves two seconds at every start. */
  readonly formattedDirectory: string;
  /** Arguments with which any Java program on Kafka's class path starts faster. */
  readonly sharedClasses: readonly string[];
}

/** Answers at once when the jars are there; otherwise fetches them, whole or not at all, once for all processes. */
export async function fetchJars(): Promise<Jars> {
  await requireJava();
  const pom = await readFile(POM, 'utf8');
  const place = await fetchOnce(`stack/${cacheName(pom)}`, (directory) => build(pom, directory));
  const jars = {
    kafkaClasspath: join(place, 'kafka', '*'),
    registryClasspath: [join(place, 'registry', '*'), join(place, 'registry', 'lib', '*')].join(':'),
    formattedDirectory: join(place, 'formatted'),
    sharedClasses: [],
  };
  return { ...jars, sharedClasses: await archiveClasses(jars) };
}

async function build(pom: string, directory: string): Promise<void> {
  await requireMaven();
  const title = `Apache Kafka ${versionIn(pom, 'kafka')} and Apicurio Registry ${versionIn(pom, 'registry')}`;
  await runMaven(['-f', POM, `-Dstack.directory=${directory}`, 'generate-resources'],
    `${title} from Maven Central (about 200 MB, once)`);
  await rm(join(directory, 'maven'), { recursive: true, force: true });
  await formatStorage(directory);
}

async function formatStorage(directory: string): Promise<void> {
  const logDirectory = join(directory, 'formatted');
  const properties = join(directory, 'format.properties');
  // The formatted files name the node only; ports and paths in here are never used.
  await writeFile(properties, [
    'process.roles=broker,controller',
    'node.id=1',
    'controller.quorum.voters=1@127.0.0.1:9093',
    'controller.listener.names=CONTROLLER',
    'listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093',
    `log.dirs=${logDirectory}`,
  ].join('\n'));
  // Kafka wants 16 bytes.
  const clusterId = Buffer.from('8x8-work-cluster').toString('base64url');
  const classpath = join(directory, 'kafka', '*');
  const tool = ['-cp', classpath, 'kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', properties];
  await execute(JAVA, [...SMALL_JVM, ...tool]);
  await rm(properties);
}

function cacheName(pom: string): string {
  return `kafka-${versionIn(pom, 'kafka')}-registry-${versionIn(pom, 'registry')}-${shortHash(pom)}`;
}

function versionIn(pom: string, name: string): string {
  return new RegExp(`<${name}\\.version>([^<]+)<`).exec(pom)![1]!;
}
