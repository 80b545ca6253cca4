import type { KafkaSinkOptions } from '../../src/sink/kafka.ts';
import type { Stack } from '../stack/stack.ts';

/** What publishes. `KAFKA_CLIENT=librdkafka` has every test try that one, once it is installed. */
export const CLIENT: NonNullable<KafkaSinkOptions['client']> =
  process.env['KAFKA_CLIENT'] === 'librdkafka' ? 'librdkafka' : 'kafkajs';

/** A sink of this name on topics of its own, which it creates with one partition each. */
export function smallSink(
  name: string,
  { brokers, registryUrl }: Pick<Stack, 'brokers' | 'registryUrl'>,
): KafkaSinkOptions {
  return {
    brokers: brokers.split(','),
    topics: { 'call-legs': `${name}.l`, 'call-records': `${name}.r`, 'rejected': `${name}.x`, 'offsets': `${name}.o` },
    create: true,
    partitions: 1,
    shards: 1,
    replicationFactor: 1,
    retentionMs: -1,
    connector: name,
    pass: 'live',
    registry: { url: registryUrl, register: true, compatibility: 'BACKWARD' },
    compression: 'none',
    client: CLIENT,
    transactionTimeoutMs: 10_000,
    sessionTimeoutMs: 6_000,
  };
}
