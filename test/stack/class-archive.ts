import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startBroker } from './broker.ts';
import { fetchOnce, shortHash } from './cache.ts';
import type { Jars } from './jars.ts';

const ARCHIVE = 'kafka.jsa';

/**
 * The arguments that let Java map the classes of a broker from a file instead of loading them one by one, which halves
 * the time that a broker takes to start. A Java of another version goes without it and says so in its log.
 * https://docs.oracle.com/en/java/javase/17/vm/class-data-sharing.html
 */
export async function archiveClasses(jars: Jars): Promise<readonly string[]> {
  const place = await fetchOnce(`archives/${shortHash(jars.kafkaClasspath)}`, async (directory) => {
    await mkdir(directory);
    const java = [`-XX:ArchiveClassesAtExit=${join(directory, ARCHIVE)}`];
    const broker = await startBroker({ ...jars, sharedClasses: java }, {});
    await broker.stop();
    await broker.remove();
  });
  return [`-XX:SharedArchiveFile=${join(place, ARCHIVE)}`];
}
