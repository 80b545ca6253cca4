import { readFile } from 'node:fs/promises';
import { fetchOnce, shortHash } from './cache.ts';
import { execute, JAVA } from './java.ts';

/**
 * The directory with the classes of one Java source, compiled once: `java Some.java` would compile it at every start.
 * The compiler comes as a module, for a machine that can run a source file need not have `javac`.
 */
export async function compileOnce(source: string, classpath: string): Promise<string> {
  const name = shortHash(`${await readFile(source, 'utf8')} ${classpath}`);
  return fetchOnce(`classes/${name}`, async (directory) => {
    // The compiler takes over the class path of its own process; by itself it would not know what `*` means.
    await execute(JAVA, ['-cp', classpath, '-m', 'jdk.compiler/com.sun.tools.javac.Main', '-d', directory, source]);
  });
}
