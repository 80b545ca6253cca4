import type { Patch } from '../patches/patch.ts';

/** A bug that a good engineer could have written, and the checks that find it. */
export interface Bug {
  readonly name: string;
  /** Why a reviewer would have let it pass. */
  readonly believed: string;
  readonly patches: readonly Patch[];
  /** Each of them. */
  readonly caughtBy: readonly Check[];
}

/** A test that is there for a reason of its own. */
export interface Check {
  /** From the project's root. */
  readonly file: string;
  /** The test that must fail: its name, or what its name matches. */
  readonly test: string | RegExp;
  readonly env?: Readonly<Record<string, string>>;
  /** For a check that the bug makes hang: it fails when this time is over, far longer than it takes without the bug. */
  readonly limitMs?: number;
  /** What its error says. Without it, any failed assertion will do; but no other error. */
  readonly says?: RegExp;
}

/** A test of `test/<file>.test.ts`. */
export function check(file: string, test: string | RegExp, more: Pick<Check, 'limitMs' | 'says'> = {}): Check {
  return { file: `test/${file}.test.ts`, test, ...more };
}

/** Of a check that the bug makes hang. */
export function hangs(limitMs: number): Pick<Check, 'limitMs' | 'says'> {
  return { limitMs, says: /timed out/ };
}

/** So many worlds, of which at least one must show the bug. What a seed means changes, so it takes more than one. */
export function worlds(count: 10 | 30): Check {
  const env = { FIRST: '1', WORLDS: String(count), UNTIL_BROKEN: '1' };
  return { ...check('world/world', /^worlds 1 to \d+: every promise is kept$/), env };
}

/** A change of one file under `src/`. */
export function patch(file: string, find: string, replace: string): Patch {
  return { file: `src/${file}`, find, replace };
}
