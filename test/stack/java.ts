import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const JAVA_VERSION_MIN = 17;
const CURE = 'Or run "docker compose up" or your own servers, and set KAFKA_BROKERS and SCHEMA_REGISTRY_URL.';

/** Starts quickly and leaves the two cores of a small machine to the tests: nobody runs these servers for hours. */
export const SMALL_JVM = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Djava.awt.headless=true'];

export const JAVA = process.env['JAVA_HOME'] ? join(process.env['JAVA_HOME'], 'bin', 'java') : 'java';

/** Throws one line with a cure, because what Java itself says about a class file version helps nobody. */
export async function requireJava(): Promise<void> {
  // Java prints its version on stderr.
  const said = await execute(JAVA, ['-version']).then(({ stderr }) => stderr, () => undefined);
  if (said === undefined) {
    throw new Error(`The test servers need Java ${JAVA_VERSION_MIN}+, and "${JAVA}" does not run. Install it. ${CURE}`);
  }
  const version = Number(/version "(\d+)/.exec(said)?.[1]);
  if (!(version >= JAVA_VERSION_MIN)) {
    throw new Error(`The test servers need Java ${JAVA_VERSION_MIN}+, and "${JAVA}" is Java ${version}. ${CURE}`);
  }
}

/** Only for the first fetch: once the jars are in the cache, Maven is not needed any more. */
export async function requireMaven(): Promise<void> {
  await execute('mvn', ['-v']).catch(() => {
    throw new Error(`The test servers are fetched with Maven, and "mvn" does not run. Install Maven 3.6+. ${CURE}`);
  });
}

export const execute = promisify(execFile);
