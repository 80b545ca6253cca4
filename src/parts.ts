import type { Clock } from './clock.ts';
import type { Config } from './config.ts';
import { LIVE } from './feed/pass.ts';
import type { Metrics } from './observe/metrics.ts';
import { KafkaSink, type KafkaSinkOptions } from './sink/kafka.ts';
import type { Topics } from './sink/kafka-messages.ts';
import { createFetch } from './source/fetch.ts';
import { createWorkAnalytics, type WorkAnalytics } from './source/work-analytics.ts';

/** 8x8 as the settings have it. */
export function openSource(
  config: Config,
  clock: Clock,
  onRequest: Metrics['onRequest'],
): WorkAnalytics {
  const { isConnectTime, isSimplified, caller, callee, callerOrCallee, ...source } = config.source;
  const filters = Object.entries({ caller, callee, callerOrCallee }).filter(([, extensions]) => extensions !== '');
  return createWorkAnalytics({
    ...source,
    fetch: createFetch({ ...config.access().eight, baseUrl: source.baseUrl }),
    credentials: config.credentials,
    parameters: {
      isConnectTime: String(isConnectTime),
      isSimplified: String(isSimplified),
      ...Object.fromEntries(filters),
    },
    clock,
    random: Math.random,
    onRequest,
  });
}

/** Kafka as the settings have it. */
export function openSink(
  config: Config,
  options: Pick<KafkaSinkOptions, 'onTransaction' | 'onMembership' | 'onLog' | 'groupId'>,
): KafkaSink {
  const { kafka } = config;
  return new KafkaSink({
    ...kafka,
    ...busOf(config),
    pass: LIVE,
    topics: topicsOf(config),
    create: kafka.createTopics,
    ...options,
  });
}

/** Where the bus is, and how it lets us in. */
export function busOf({ kafka, registry, connector, access }: Config) {
  const { kafka: security, registry: login } = access();
  return { connector: connector.name, brokers: kafka.brokers, security, registry: { ...registry, ...login } };
}

/** The topics of the connector, as the settings name them. */
export function topicsOf({ kafka }: Config): Topics {
  return {
    'call-legs': kafka.topicCallLegs,
    'call-records': kafka.topicCallRecords,
    'call-legs.latest': orNone(kafka.topicCallLegsLatest),
    'call-records.latest': orNone(kafka.topicCallRecordsLatest),
    'rejected': kafka.topicRejected,
    'ledger': orNone(kafka.topicLedger),
    'watermarks': orNone(kafka.topicWatermarks),
    'drift': orNone(kafka.topicDrift),
    'calls': orNone(kafka.topicCalls),
    'signals': orNone(kafka.topicSignals),
    'offsets': kafka.topicOffsets,
  };
}

/** A topic that can be switched off. */
export function orNone(topic: string): string | undefined {
  return topic === 'off' ? undefined : topic;
}
