import type { SchemaObj } from 'convict';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** A setting that has no default: convict takes `null` for "must be given". */
function required<T>(setting: Omit<SchemaObj<T>, 'default'>): SchemaObj<T> {
  return { ...setting, default: null as unknown as T } as SchemaObj<T>;
}

function topic(doc: string, name: string, env: string): SchemaObj<string> & { readonly env: string } {
  return { doc, format: 'topic', default: name, env };
}

function span(doc: string, ms: number, env: string): SchemaObj<number> & { readonly env: string } {
  return { doc, format: 'span', default: ms, env };
}

function extensions(doc: string, env: string): SchemaObj<string> & { readonly env: string } {
  return { doc, format: 'extensions', default: '', env };
}

const source = {
  baseUrl: {
    doc: 'Base URL of 8x8 Work Analytics. https, unless the host is this machine or `EIGHT_ALLOW_HTTP` is set.',
    format: 'base-url',
    default: 'https://api.8x8.com/analytics/work',
    env: 'EIGHT_BASE_URL',
  },
  allowHttp: {
    doc: 'Allows a base URL without TLS. The password then crosses the network in the clear: for simulators only.',
    format: 'flag',
    default: false,
    env: 'EIGHT_ALLOW_HTTP',
  },
  apiKey: required<string>({
    doc: 'API key: the *Key* of an app in 8x8 Admin Console > API Keys. Its *Secret* is not used.',
    format: 'secret',
    env: 'EIGHT_API_KEY',
    sensitive: true,
  }),
  username: required<string>({
    doc: 'User with a licence for Analytics and the level "Analytics: Supervisor", who has opened Analytics once.',
    format: 'secret',
    env: 'EIGHT_USERNAME',
    sensitive: true,
  }),
  password: required<string>({
    doc: 'Password of that user.',
    format: 'secret',
    env: 'EIGHT_PASSWORD',
    sensitive: true,
  }),
  pbxIds: required<readonly string[]>({
    doc: 'PBX names, separated by commas, each read by requests of its own. `a+b` reads both in one, `allpbxes` all.',
    format: 'pbx-ids',
    env: 'EIGHT_PBX_IDS',
  }),
  streams: {
    doc: 'Reports to read, separated by commas: `call-legs`, `call-records`.',
    format: 'stream-names',
    default: ['call-legs', 'call-records'] as readonly string[],
    env: 'EIGHT_STREAMS',
  },
  pageSize: {
    doc: 'Rows per page, 1 to 7000, or `auto`: 1000, and 50 if the API refuses that.',
    format: 'page-size',
    default: 'auto' as number | 'auto',
    env: 'EIGHT_PAGE_SIZE',
  },
  requestsPerMinute: {
    // UNVERIFIED: 8x8 states no limit for Work Analytics; its journey API allows 10 per minute. Support could tell.
    doc: 'Request budget of the account. All workers of one name share it by the shards they own.',
    format: 'positive',
    default: 10,
    env: 'EIGHT_REQUESTS_PER_MINUTE',
  },
  backgroundShare: {
    doc: 'Part of that budget which passes over history may use, above 0 and at most 1. Live requests go first.',
    format: 'share',
    default: 0.5,
    env: 'EIGHT_BACKGROUND_SHARE',
  },
  isConnectTime: {
    doc: 'Call legs: 8x8 filters by connect time. Legs that never connected, or end long after, are then not found.',
    format: 'flag',
    default: false,
    env: 'EIGHT_IS_CONNECT_TIME',
  },
  isSimplified: {
    doc: 'Call legs: 8x8 leaves out child calls (offers to agents) and legs such as CallForking and CallRecording.',
    format: 'flag',
    default: false,
    env: 'EIGHT_IS_SIMPLIFIED',
  },
  caller: extensions('Only calls from these extensions, separated by commas, 125 at most.', 'EIGHT_CALLER'),
  callee: extensions('Only calls to these extensions.', 'EIGHT_CALLEE'),
  callerOrCallee: extensions(
    'Only calls from or to these extensions; not together with the two above.', 'EIGHT_CALLER_OR_CALLEE',
  ),
  requestTimeoutMs: {
    doc: 'Longest time for one request, from connecting to the last byte.',
    format: 'span',
    default: 60 * SECOND,
    env: 'EIGHT_REQUEST_TIMEOUT',
  },
  windowTimeoutMs: {
    doc: 'Longest time for all pages of one window, with all retries. Then the window is read anew.',
    format: 'span',
    default: 30 * MINUTE,
    env: 'EIGHT_WINDOW_TIMEOUT',
  },
  bodyMaxBytes: {
    doc: 'Longest answer taken, in bytes after decompression. A longer page is asked for in halves.',
    format: 'positive',
    default: 32 * 1_024 ** 2,
    env: 'EIGHT_BODY_MAX_BYTES',
  },
};

const pace = {
  settleMs: {
    doc: 'Distance kept behind the clock while 8x8 finishes a call, or `auto`. Higher: slower, fewer late rows.',
    format: 'auto-span',
    default: 2 * MINUTE as number | 'auto',
    env: 'PACE_SETTLE',
  },
  stepMinMs: span('Shortest step: how often a feed polls when it is up to date.', 1 * MINUTE, 'PACE_STEP_MIN'),
  stepMaxMs: span('Longest step: bounds one poll while a feed catches up.', 6 * HOUR, 'PACE_STEP_MAX'),
  overlapMs: span(
    'How far behind the watermark every poll starts; at least 2s, so that no row falls between two windows.',
    1 * MINUTE, 'PACE_OVERLAP',
  ),
  lookbackMs: {
    doc: 'How far behind the watermark a sweep starts, or `auto`. Lateness covered: lookback - sweep every - step min.',
    format: 'auto-span',
    default: 2 * HOUR as number | 'auto',
    env: 'PACE_LOOKBACK',
  },
  sweepEveryMs: span('Time between two sweeps.', 10 * MINUTE, 'PACE_SWEEP_EVERY'),
  settleMinMs: span('The shortest settle that `auto` may find.', 10 * SECOND, 'PACE_SETTLE_MIN'),
  settleMaxMs: span('The longest.', 30 * MINUTE, 'PACE_SETTLE_MAX'),
  lookbackMinMs: span(
    'The shortest lookback that `auto` may find. It says which lateness is surely covered.',
    30 * MINUTE, 'PACE_LOOKBACK_MIN',
  ),
  lookbackMaxMs: span('The longest.', 24 * HOUR, 'PACE_LOOKBACK_MAX'),
};

const kafka = {
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
  transactionTimeoutMs: {
    doc: 'After this time the broker aborts a transaction whose worker fell silent; until then readers wait behind it.',
    format: 'span',
    default: 20 * SECOND,
    env: 'KAFKA_TRANSACTION_TIMEOUT',
  },
  sessionTimeoutMs: {
    doc: 'After this time without a sign of life the shards of a worker go to the others; at least 6s on most brokers.',
    format: 'span',
    default: 10 * SECOND,
    env: 'KAFKA_SESSION_TIMEOUT',
  },
};

/** Every setting of the connector: its doc, format, default and environment name. `config.ts` alone reads it. */
export const settings = {
  connector: {
    name: {
      doc: 'Name of the connector. Processes of one name share the work and continue from each other.',
      format: 'connector-name',
      default: '8x8',
      env: 'CONNECTOR_NAME',
    },
    startFrom: {
      doc: 'Where a feed without an offset starts: an ISO time, or a time back from now such as `24h`.',
      format: 'start',
      default: '24h',
      env: 'START_FROM',
    },
    rejectedPayload: {
      doc: 'Puts the row itself into its dead letter, with the names and phone numbers in it.',
      format: 'flag',
      default: false,
      env: 'REJECTED_PAYLOAD',
    },
  },
  source,
  pace,
  kafka,
  registry: {
    url: required<string>({
      doc: 'Base URL of the schema registry: the Confluent API, or a compatible one.',
      format: 'http-url',
      env: 'SCHEMA_REGISTRY_URL',
    }),
    register: {
      doc: 'Registers our schemas. Otherwise they must be there, under `<topic>-value`.',
      format: 'flag',
      default: true,
      env: 'SCHEMA_REGISTRY_REGISTER',
    },
    compatibility: {
      doc: 'Compatibility level of our subjects: set on a new one, demanded of an old one.',
      format: ['NONE', 'BACKWARD', 'BACKWARD_TRANSITIVE', 'FORWARD', 'FORWARD_TRANSITIVE', 'FULL', 'FULL_TRANSITIVE'],
      default: 'BACKWARD',
      env: 'SCHEMA_REGISTRY_COMPATIBILITY',
    },
  },
  http: {
    host: { doc: 'Address of /metrics, /healthz and /readyz.', format: String, default: '127.0.0.1', env: 'HTTP_HOST' },
    port: { doc: 'Their port; 0 takes a free one.', format: 'port', default: 9464, env: 'HTTP_PORT' },
  },
  log: {
    level: {
      doc: 'Least level that is logged.',
      format: ['debug', 'info', 'warn', 'error', 'silent'],
      default: 'info',
      env: 'LOG_LEVEL',
    },
  },
};
