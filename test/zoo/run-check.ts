import { run } from 'node:test';
import fc from 'fast-check';

/**
 * A program: `node run-check.ts <test file> <limit in ms> <pattern> …` runs the tests of a file that match one of the
 * patterns, in this very process, and writes a {@link TestResult} for each, a line of JSON.
 */
export interface TestResult {
  readonly name: string;
  /** Of a failed test. */
  readonly failure?: {
    /** An assertion did not hold: not just something broken. */
    readonly asserted: boolean;
    readonly message: string;
  };
}

/** A hundred, as usual, have missed a bug that is rare; the tests run in this process, so this holds for them. */
const PROPERTY_RUNS = 1000;

if (import.meta.main) {
  fc.configureGlobal({ numRuns: PROPERTY_RUNS });
  const [file, timeout, ...patterns] = process.argv.slice(2);
  const testNamePatterns = patterns.map((pattern) => new RegExp(pattern));
  const results = run({ files: [file!], testNamePatterns, timeout: Number(timeout), isolation: 'none' });
  results.on('test:pass', ({ name }) => tell({ name }));
  results.on('test:fail', ({ name, details }) => {
    const { cause = details.error } = details.error;
    const message = cause instanceof Error ? cause.message : String(cause);
    tell({ name, failure: { asserted: isAsserted(cause), message } });
    process.exit(); // one will do, and a bug may have left something at work that would keep us alive
  });
  results.resume();
}

/** A property test wraps the assertion that did not hold. */
function isAsserted(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ('code' in error && error.code === 'ERR_ASSERTION') || isAsserted(error.cause);
}

function tell(result: TestResult): void {
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
