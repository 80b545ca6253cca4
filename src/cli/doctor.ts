import type { Command } from 'commander';
import { systemClock } from '../clock.ts';
import { loadConfig, type Config } from '../config.ts';
import { failed, skipped, type Check } from '../doctor/check.ts';
import { checkEight, type EightProbe } from '../doctor/eight.ts';
import { checkKafka, checkRegistry } from '../doctor/kafka.ts';
import { ConnectorError } from '../errors.ts';
import { busOf, openSource, topicsOf } from '../parts.ts';
import { openProbe } from '../sink/kafka-probe.ts';
import { rightsOf } from '../sink/kafka-rights.ts';
import { streams } from '../streams/index.ts';
import { configOption } from './offsets.ts';

/** Arguments of `8x8-connector doctor`. */
export interface DoctorArguments {
  readonly config: readonly string[];
  readonly json?: boolean;
}

export function addDoctorOptions(command: Command): Command {
  return command
    .description('look at the settings, 8x8, Kafka and the registry, and tell the cure for what is wrong; exit code 7')
    .addOption(configOption())
    .option('--json', 'JSON lines, one for each check');
}

/** Tells each check as soon as it is done. @returns whether all were done, and none has failed. */
export async function doctor(
  { config: files, json }: DoctorArguments,
  signal: AbortSignal,
  print: (line: string) => void,
): Promise<boolean> {
  const states: Check['state'][] = [];
  try {
    for await (const check of allChecks(files, signal)) {
      states.push(check.state);
      if (json) print(JSON.stringify(check));
      else linesOf(check).forEach(print);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    return false;
  }
  const count = (state: Check['state']): string => `${states.filter((one) => one === state).length} ${state}`;
  if (!json) print(`\n${(['ok', 'warning', 'failed', 'skipped'] as const).map(count).join(', ')}`);
  return !states.includes('failed');
}

async function* allChecks(files: readonly string[], signal: AbortSignal): AsyncGenerator<Check> {
  let config: Config;
  try {
    config = loadConfig(files);
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    yield failed('config', 'settings', error.message);
    return yield* (['8x8', 'kafka', 'registry'] as const).map((part) => skipped(part, 'all', 'the settings are wrong'));
  }
  yield { part: 'config', name: 'settings', state: 'ok', found: 'all of them make sense' };
  yield* eightChecks(config, signal);
  yield* busChecks(config);
}

async function* eightChecks(config: Config, signal: AbortSignal): AsyncGenerator<Check> {
  let last: ReturnType<EightProbe['last']>;
  const source = openSource(config, systemClock, (request) => (last = request));
  const { pbxIds, pageSize } = config.source;
  const wish = { pbxIds, pageSize, streams: streams.filter(({ name }) => config.source.streams.includes(name)) };
  const probe = { check: source.check, firstPage: source.firstPage, last: () => last };
  yield* checkEight(wish, probe, systemClock.nowMs(), signal);
}

async function* busChecks(config: Config): AsyncGenerator<Check> {
  const { kafka, registry, connector } = config;
  const topics = topicsOf(config);
  const probe = openProbe({ ...kafka, ...busOf(config), topics, create: kafka.createTopics });
  const rights = rightsOf({ connector: connector.name, topics, create: kafka.createTopics });
  const wish = { ...kafka, ...registry, rights, offsets: topics.offsets };
  try {
    yield* checkKafka(wish, probe);
    yield* checkRegistry(wish, probe);
  } finally {
    await probe.close();
  }
}

const [STATE_WIDTH, PART_WIDTH, NAME_WIDTH] = [8, 9, 38];

/** A line, and one for the cure below it. What is said may have lines of its own. */
function linesOf({ state, part, name, found, cure }: Check): readonly string[] {
  const head = `${state.padEnd(STATE_WIDTH)}${part.padEnd(PART_WIDTH)}${name.padEnd(NAME_WIDTH)} `;
  const indented = (text: string): string => text.replaceAll('\n', `\n${' '.repeat(head.length)}`);
  return [head + indented(found), ...cure === undefined ? [] : [`${' '.repeat(head.length)}cure: ${indented(cure)}`]];
}
