import { startStack, type Stack } from './stack.ts';

let stack: Stack | undefined;

/**
 * Runs once in the test runner, before any test file (`node --test --test-global-setup`). A test file is a process of
 * its own that inherits our environment, which is how its `startStack()` finds the servers started here.
 */
export async function globalSetup(): Promise<void> {
  // Interrupted in here, Node 24's test runner would end with 0: a success that ran no test.
  process.exitCode = 1;
  try {
    stack = await startStack();
  } catch (error) {
    // Thrown, it would be buried in a stack trace of the test runner.
    console.error(error instanceof Error ? error.message : error);
    console.error('Tests of pure code need no servers: node --test "test/feed/*.test.ts"');
    process.exit(1);
  }
  process.exitCode = undefined;
  process.env['KAFKA_BROKERS'] = stack.brokers;
  process.env['SCHEMA_REGISTRY_URL'] = stack.registryUrl;
  if (stack.toolsClasspath) process.env['STACK_TOOLS_CLASSPATH'] = stack.toolsClasspath;
}

/** Also after a failed test and after Ctrl-C. Where it is not run, the end of this process stops the servers. */
export async function globalTeardown(): Promise<void> {
  await stack?.stop();
}
