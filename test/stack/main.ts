import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { startStack, type Stack } from './stack.ts';

const WATCH_EVERY_MS = 1_000;

/** `npm run stack`: one Kafka and one registry until Ctrl-C. */
async function main(): Promise<void> {
  const signals = [once(process, 'SIGINT'), once(process, 'SIGTERM')];
  const interrupted = Promise.race(signals).then(() => 'interrupted' as const);
  console.log('Starting Kafka and a schema registry ...');
  const stack = await Promise.race([startStack(), interrupted]);
  if (stack === 'interrupted') return;
  if (!stack.broker) {
    console.log('KAFKA_BROKERS and SCHEMA_REGISTRY_URL are set: those servers are used, and none is started.');
    return;
  }
  console.log(usage(stack));
  while (!(await Promise.race([interrupted, sleep(WATCH_EVERY_MS, undefined)]))) {
    if (stack.broker.pid === undefined) throw new Error('Kafka has ended by itself.');
  }
  await stack.stop();
  console.log('Stopped.');
}

function usage({ brokers, registryUrl, toolsClasspath }: Stack): string {
  const java = `java -Dorg.slf4j.simpleLogger.defaultLogLevel=error -cp '${toolsClasspath}'`;
  return `
export KAFKA_BROKERS=${brokers}
export SCHEMA_REGISTRY_URL=${registryUrl}

Its topics, and one of them read from the beginning as a consumer of committed records sees it:

${java} org.apache.kafka.tools.TopicCommand --bootstrap-server ${brokers} --list

${java} org.apache.kafka.tools.consumer.ConsoleConsumer \\
  --bootstrap-server ${brokers} --from-beginning --isolation-level read_committed \\
  --formatter-property print.key=true --formatter-property print.timestamp=true --topic <topic>

Ctrl-C stops both and removes their data.`;
}

try {
  await main();
  process.exit();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
