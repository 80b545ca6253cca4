import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fetchOnce, shortHash } from '../stack/cache.ts';
import { execute, requireJava, requireMaven } from '../stack/java.ts';
import { runMaven } from '../stack/maven.ts';
import { fileOf } from './example.ts';

const COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';

/** Class path of an example in Java: what its `pom.xml` names, from Maven Central. */
export async function fetchClasspath(name: string, title: string): Promise<string> {
  await requireJava();
  const pom = fileOf(`${name}/pom.xml`);
  const place = await fetchOnce(`consumers/${name}-${shortHash(await readFile(pom, 'utf8'))}`, async (directory) => {
    await requireMaven();
    await runMaven(['-f', pom, COPY, `-DoutputDirectory=${directory}`], title);
  });
  return join(place, '*');
}

/** A Python with what `requirements.txt` names, from PyPI. */
export async function fetchPython(): Promise<string> {
  const requirements = fileOf('python/requirements.txt');
  const name = `consumers/python-${shortHash(await readFile(requirements, 'utf8'))}`;
  const place = await fetchOnce(name, async (directory) => {
    await execute('python3', ['-m', 'venv', directory]).catch((cause: unknown) => {
      throw new Error('The example in Python needs Python 3.9+ with venv: on Debian, python3-venv.', { cause });
    });
    // By `-m`: the scripts beside it name the directory that it was made in.
    await execute(join(directory, 'bin', 'python3'), ['-m', 'pip', 'install', '--quiet', '-r', requirements]);
  });
  return join(place, 'bin', 'python3');
}
