import type { SchemaObj } from 'convict';
import { required, SECOND, span } from './settings-units.ts';

function topic(doc: string, name: string, env: string): SchemaObj<string> & { readonly env: string } {
  return { doc, format: 'topic', default: name, env };
}

/** Where and how we publish. */
export const kafka = {
  brokers: required<readonly string[]>({
    doc: 'Brokers to start from, `host:port`, separated by commas.',
    format: 'brokers',
    env: 'KAFKA_BROKERS',
  }),
  topicCallLegs: topic('Topic of call legs.', '8x8.call-legs', 'KAFKA_TOPIC_CALL_LEGS'),
  topicCallRecords: topic('Topic of call records.', '8x8.call-records', 'KAFKA_TOPIC_CALL_RECORDS'),
  topicCallLegsLatest: topic(
    'Compacted topic with the last revision of each leg, such as `8x8.call-legs.latest`. `off`: none.',
    'off', 'KAFKA_TOPIC_CALL_LEGS_LATEST',
  ),
  topicCallRecordsLatest: topic(
    'The same of each record, such as `8x8.call-records.latest`.',
    'off', 'KAFKA_TOPIC_CALL_RECORDS_LATEST',
  ),
  topicOffsets: topic(
    'Compacted topic of offsets. Each connector name needs one of its own.',
    '8x8.offsets', 'KAFKA_TOPIC_OFFSETS',
  ),
  topicRejected: topic('Dead-letter topic: rows that could not be mapped.', '8x8.rejected', 'KAFKA_TOPIC_REJECTED'),
  topicLedger: topic(
    'Topic of the ledger: what was read of each window, and what became of it. `off`: none.',
    '8x8.ledger', 'KAFKA_TOPIC_LEDGER',
  ),
  topicWatermarks: topic(
    'Compacted topic of watermarks: up to when each feed is complete. `off`: none.',
    '8x8.watermarks', 'KAFKA_TOPIC_WATERMARKS',
  ),
  topicDrift: topic(
    'Topic that tells, once each, of rows that are not as 8x8 documents them. `off`: none.',
    '8x8.drift', 'KAFKA_TOPIC_DRIFT',
  ),
  topicCalls: topic(
    'Topic of whole calls, such as `8x8.calls`: record and legs in one event, when all of them are there. `off`: none.',
    'off', 'KAFKA_TOPIC_CALLS',
  ),
  topicSignals: topic(
    'Topic of [signals](#signals), by which running connectors are told to pause, rewind and more. `off`: none.',
    'off', 'KAFKA_TOPIC_SIGNALS',
  ),
  createTopics: {
    doc: 'Creates missing topics. Otherwise the start stops with the commands that create them.',
    format: 'flag',
    default: true,
    env: 'KAFKA_CREATE_TOPICS',
  },
  partitions: {
    doc: 'Partitions of a topic of events, when it is created.',
    format: 'positive',
    default: 6,
    env: 'KAFKA_PARTITIONS',
  },
  shards: {
    doc: 'Partitions of the offsets topic: the most workers that can share the feeds. Fixed for ever.',
    format: 'positive',
    default: 8,
    env: 'KAFKA_SHARDS',
  },
  replicationFactor: {
    doc: 'Replicas of a topic, when it is created. 0: three, or as many as there are brokers.',
    format: 'replicas',
    default: 0,
    env: 'KAFKA_REPLICATION_FACTOR',
  },
  retentionMs: {
    doc: 'How long a created topic keeps events, from the end of the call on; `forever`, or a time such as `90d`.',
    format: 'retention',
    default: -1,
    env: 'KAFKA_RETENTION',
  },
  compression: {
    doc: 'Compression of messages: `none` or `gzip`.',
    format: ['none', 'gzip'],
    default: 'none' as 'none' | 'gzip',
    env: 'KAFKA_COMPRESSION',
  },
  client: {
    doc: 'What publishes: `kafkajs`, or [`librdkafka`](#a-second-kafka-client), which is installed beside it.',
    format: ['kafkajs', 'librdkafka'],
    default: 'kafkajs' as 'kafkajs' | 'librdkafka',
    env: 'KAFKA_CLIENT',
  },
  transactionTimeoutMs: span(
    'After this time the broker aborts a transaction whose worker fell silent; until then readers wait behind it.',
    20 * SECOND, 'KAFKA_TRANSACTION_TIMEOUT',
  ),
  sessionTimeoutMs: span(
    'After this time without a sign of life the shards of a worker go to the others; at least 6s on most brokers.',
    10 * SECOND, 'KAFKA_SESSION_TIMEOUT',
  ),
};
