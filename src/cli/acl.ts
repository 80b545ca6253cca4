import { InvalidArgumentError, Option, type Command } from 'commander';
import { loadConfig } from '../config.ts';
import { topicsOf } from '../parts.ts';
import { aclCommands, rightsOf } from '../sink/kafka-rights.ts';
import { configOption } from './offsets.ts';

/** Arguments of `8x8-connector acl print`. */
export interface AclArguments {
  readonly config: readonly string[];
  readonly principal: string;
  readonly json?: boolean;
}

export function addAclOptions(command: Command): Command {
  return command
    .description('print the rights that the settings need at Kafka, as lines of kafka-acls.sh; asks nobody')
    .addOption(configOption())
    .addOption(new Option('--principal <name>', 'whom to grant them').argParser(principalOf)
      .default('User:8x8-connector'))
    .option('--json', 'JSON lines, one for each right, instead of commands');
}

/** Prints rights. @throws ConnectorError CONFIG_INVALID */
export function printAcls({ config: files, principal, json }: AclArguments, print: (line: string) => void): void {
  const config = loadConfig(files);
  const { kafka, connector } = config;
  const rights = rightsOf({ connector: connector.name, topics: topicsOf(config), create: kafka.createTopics });
  const lines = json
    ? rights.map((right) => JSON.stringify({ principal, ...right }))
    : aclCommands(rights, { principal, brokers: kafka.brokers });
  lines.forEach(print);
}

function principalOf(text: string): string {
  if (!/^\w+:[^\p{Cc}]+$/u.test(text)) throw new InvalidArgumentError('Expected a type and a name, such as User:ada.');
  return text;
}
