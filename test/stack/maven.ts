import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const BYTES = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9 } as const;

/** Runs Maven and says on stderr how far it is, so that a slow first run does not look like a hanging one. */
export async function runMaven(args: readonly string[], title: string): Promise<void> {
  const startedAt = performance.now();
  const seconds = () => Math.round((performance.now() - startedAt) / 1000);
  process.stderr.write(`stack: fetching ${title}\n`);
  const maven = spawn('mvn', ['-B', '-Dstyle.color=never', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const exit = once(maven, 'exit') as Promise<[number | null]>;
  let files = 0;
  let bytes = 0;
  const errors: string[] = [];
  createInterface({ input: maven.stderr }).on('line', (line) => errors.push(line));
  const progress = openProgress(() => `${files} files, ${(bytes / 1e6).toFixed(0)} MB downloaded, ${seconds()} s`);
  for await (const line of createInterface({ input: maven.stdout })) {
    const [, amount, unit] = /Downloaded from .*\(([\d.]+) (B|kB|MB|GB) at/.exec(line) ?? [];
    if (amount !== undefined) {
      files += 1;
      bytes += Number(amount) * BYTES[unit as keyof typeof BYTES];
    } else if (line.startsWith('[ERROR]')) {
      errors.push(line);
    }
  }
  progress.close();
  const [code] = await exit;
  if (code !== 0) {
    // The first line says what failed; the rest is advice on how to run Maven.
    throw new Error(`Maven could not fetch ${title}. ${errors.find((line) => /\w\w/.test(line)) ?? ''}`);
  }
  process.stderr.write(`stack: fetched (${progress.text()})\n`);
}

/** A terminal gets one line that is rewritten; a log gets a new line, and therefore fewer of them. */
function openProgress(text: () => string): { readonly text: () => string; readonly close: () => void } {
  const terminal = process.stderr.isTTY;
  const timer = setInterval(
    () => process.stderr.write(terminal ? `\r\x1b[Kstack: ... ${text()}` : `stack: ... ${text()}\n`),
    terminal ? 250 : 5_000,
  );
  return {
    text,
    close: () => {
      clearInterval(timer);
      if (terminal) process.stderr.write('\r\x1b[K');
    },
  };
}
