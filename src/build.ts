import { readFileSync } from 'node:fs';
import type { Build } from './observe/metrics.ts';

/** What runs: the package, Node, and the commit that it was built from, which `npm run build` and Docker write down. */
export function readBuild(): Build {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as Build;
  return { version, node: process.versions.node, commit: readCommit() };
}

function readCommit(): string {
  try {
    return readFileSync(new URL('commit', import.meta.url), 'utf8').trim();
  } catch {
    return ''; // the source as it is
  }
}
