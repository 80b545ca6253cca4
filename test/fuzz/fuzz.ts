import assert from 'node:assert/strict';
import { relative } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { ConnectorError, type ErrorCode } from '../../src/errors.ts';
import { CANARY } from './hostile.ts';

/** `FUZZ=1000000` tries more inputs per parser; `SEED=… AT=…` repeats one, as a failure prints it. */
const inputs = Number(process.env['FUZZ'] ?? 10_000);
const [seed, at] = [process.env['SEED'], process.env['AT']];
const repeated = { ...(seed === undefined ? {} : { seed: Number(seed) }), ...(at === undefined ? {} : { path: at }) };

/** A parser, the inputs it is given, and what may come of them. */
export interface Fuzz<Input> {
  readonly inputs: fc.Arbitrary<Input>;
  /** What an input may come to. Each must come about: inputs that are all refused at the door test nothing. */
  readonly outcomes: readonly string[];
  /** Says what the input came to. */
  readonly check: (input: Input) => string | Promise<string>;
}

/** A test that gives a parser hostile inputs. However it fails, it tells the command that repeats the failure. */
export function fuzz<Input>(name: string, { inputs: anyInput, outcomes, check }: Fuzz<Input>): void {
  test(name, async (t) => {
    const happened = new Map<string, number>();
    const property = fc.asyncProperty(anyInput, async (input) => {
      const outcome = await check(input);
      assertUnpolluted();
      assert.ok(outcomes.includes(outcome), `it came to ${outcome}`);
      happened.set(outcome, (happened.get(outcome) ?? 0) + 1);
    });
    await fc.assert(property, { numRuns: inputs, ...repeated, reporter: (run) => report(name, run) });
    t.diagnostic([...happened].map(([outcome, times]) => `${outcome} ${times}`).join(', '));
    if (at === undefined) assert.deepEqual(outcomes.filter((outcome) => !happened.has(outcome)), [], 'never happened');
  });
}

function report<Input>(name: string, run: fc.RunDetails<[Input]>): void {
  if (!run.failed) return;
  const file = relative(process.cwd(), process.argv[1] ?? '');
  const pattern = `^${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`;
  const where = run.counterexamplePath === null ? '' : `AT=${run.counterexamplePath} `;
  const command = `SEED=${run.seed} ${where}node --test --test-name-pattern='${pattern}' ${file}`;
  const what = fc.defaultReportMessage(run);
  throw new Error(`${what}\n\nTo repeat it:\n${command}\n`, { cause: run.errorInstance });
}

/** What the parser gives; or the code of its error, one of `codes`, with a message that shows nothing it must not. */
export async function valueOrCode<T>(
  parse: () => T | Promise<T>,
  codes: readonly ErrorCode[],
): Promise<{ readonly value: T } | { readonly code: ErrorCode }> {
  try {
    return { value: await parse() };
  } catch (error) {
    return { code: assertIsRefusal(error, codes).code };
  }
}

/** An error that was foreseen, has one of these codes and shows nothing it must not. */
export function assertIsRefusal(error: unknown, codes: readonly ErrorCode[]): ConnectorError {
  if (!(error instanceof ConnectorError)) throw error;
  assert.ok(codes.includes(error.code), `${error.code}: ${error.message}`);
  assertShowsNothing(error);
  return error;
}

/** No canary in any view that a logger may have of it. */
export function assertShowsNothing(error: Error): void {
  const { message, stack, cause } = error;
  const shown = `${message}\n${stack}\n${cause instanceof Error ? cause.message : ''}`;
  assert.ok(!shown.includes(CANARY), `it shows the canary: ${message}`);
}

const prototypes = [Object, Array, Function, String, Number, Boolean, Map, Error, Buffer].map((type) => {
  const prototype = type.prototype as object;
  return { prototype, before: Object.getOwnPropertyDescriptors(prototype) };
});

/** Every prototype still has its own properties, unchanged, and no other. */
export function assertUnpolluted(): void {
  for (const { prototype, before } of prototypes) {
    const names = Reflect.ownKeys(prototype);
    assert.equal(names.length, Reflect.ownKeys(before).length, 'a prototype has grown or shrunk');
    for (const name of names) {
      const known = (before as Record<PropertyKey, PropertyDescriptor>)[name];
      if (known !== undefined && !('value' in known)) continue; // reading an accessor would call it
      assert.ok(known?.value === (prototype as Record<PropertyKey, unknown>)[name], `${String(name)} has changed`);
    }
  }
}
