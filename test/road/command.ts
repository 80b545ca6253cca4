import { execFile } from 'node:child_process';
import { patched } from '../patches/patch.ts';
import type { Journey } from './journey.ts';
import { NODE_OPTIONS } from './worker.ts';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;

/** What a command has come to. */
export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `8x8-connector` with these arguments, as a person would who has the settings of the journey's connector. */
export function command({ settings }: Pick<Journey, 'settings'>, ...args: readonly string[]): Promise<Said> {
  const bugs = patched([]); // those that the test itself runs with
  const env = { PATH: process.env['PATH'], ...bugs.env, ...settings };
  return new Promise((resolve) => {
    execFile(process.execPath, [...NODE_OPTIONS, ...bugs.args, MAIN, ...args], { env },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }));
  });
}
