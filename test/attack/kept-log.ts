import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Judgement } from '../road/verdict.ts';
import type { LogLine } from '../road/worker.ts';

/** If there is something to complain of: keeps what the workers have logged and what befell them, and tells where. */
export async function withLog(verdict: Judgement, lines: readonly LogLine[], befell: object): Promise<Judgement> {
  if (verdict.complaints.length === 0) return verdict;
  const directory = await mkdtemp(join(tmpdir(), '8x8-attack-'));
  await writeFile(join(directory, 'befell.json'), JSON.stringify({ ...befell, verdict }, null, 2));
  await writeFile(join(directory, 'log.ndjson'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return { ...verdict, complaints: [...verdict.complaints, `the log and what befell the workers: ${directory}`] };
}
