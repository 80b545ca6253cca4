import type { Topics } from './kafka-messages.ts';

/** A right that our principal needs at Kafka, as `kafka-acls.sh` names it. Read and Write imply Describe. */
export interface Right {
  readonly resource: 'topic' | 'group' | 'transactional-id';
  readonly name: string;
  /** Whether `name` is what names begin with. */
  readonly prefixed: boolean;
  readonly operation: 'Read' | 'Write' | 'Describe' | 'DescribeConfigs' | 'Create';
}

/** What the rights follow from. */
export interface RightsOptions {
  readonly connector: string;
  readonly topics: Topics;
  /** Whether the connector creates its topics. */
  readonly create: boolean;
}

/**
 * The rights that `run` needs, and no other; also the commands that change offsets and passes. It needs none on the
 * cluster: a transactional producer needs no IdempotentWrite, and Create on a topic is enough to create it.
 */
export function rightsOf({ connector, topics, create }: RightsOptions): readonly Right[] {
  const { offsets, signals, ...written } = topics;
  const onTopic = (name: string | undefined, ...operations: Right['operation'][]): readonly Right[] =>
    name === undefined ? [] : [...operations, ...create ? ['Create'] as const : []].map((operation) =>
      ({ resource: 'topic', name, prefixed: false, operation }));
  const ours = { name: `${connector}.`, prefixed: true };
  return [
    ...Object.values(written).flatMap((name) => onTopic(name, 'Write')),
    ...onTopic(offsets, 'Read', 'Write', 'DescribeConfigs'),
    ...onTopic(signals, 'Read'),
    { resource: 'group', ...ours, operation: 'Read' },
    { resource: 'transactional-id', ...ours, operation: 'Write' },
  ];
}

/** The lines that grant rights to a principal, such as `User:connector`: one for each resource. */
export function aclCommands(
  rights: readonly Right[],
  { principal, brokers }: { readonly principal: string; readonly brokers: readonly string[] },
): readonly string[] {
  const byResource = Map.groupBy(rights, ({ resource, name }) => `${resource} ${name}`);
  return [...byResource.values()].map((same) => {
    const { resource, name, prefixed } = same[0]!;
    return [
      `kafka-acls.sh --bootstrap-server ${brokers.join(',')} --add --allow-principal ${quoted(principal)}`,
      ...same.map(({ operation }) => `--operation ${operation}`),
      `--${resource} ${name}`,
      ...prefixed ? ['--resource-pattern-type prefixed'] : [],
    ].join(' ');
  });
}

/** For a shell: the name of a certificate has blanks. */
function quoted(text: string): string {
  return /^[\w.:@=,-]+$/.test(text) ? text : `'${text.replaceAll(`'`, `'\\''`)}'`;
}
