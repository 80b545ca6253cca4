import { kafka } from './settings-kafka.ts';
import { privacy } from './settings-privacy.ts';
import { security } from './settings-security.ts';
import { extensions, HOUR, MINUTE, required, SECOND, span } from './settings-units.ts';

const source = {
  baseUrl: {
    doc: 'Base URL of 8x8 Work Analytics: https and [public](#security-of-transport), unless it is this machine.',
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
  groupMax: {
    // UNVERIFIED: how many names a request can carry. A live account with many PBXs would show it.
    doc: 'While that budget is short: how many PBXs one request reads at most. `1`: each is always read alone.',
    format: 'positive',
    default: 20,
    env: 'EIGHT_GROUP_MAX',
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
  requestTimeoutMs: span(
    'Longest time for one request, from connecting to the last byte.',
    60 * SECOND, 'EIGHT_REQUEST_TIMEOUT',
  ),
  windowTimeoutMs: span(
    'Longest time for all pages of one window, with all retries. Then the window is read anew.',
    30 * MINUTE, 'EIGHT_WINDOW_TIMEOUT',
  ),
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
  deepSweepsMs: {
    doc: 'Ages, separated by commas, at which all rows are looked for [once more](#deep-sweeps); `off`: at none.',
    format: 'ages',
    default: [24 * HOUR, 7 * 24 * HOUR] as readonly number[],
    env: 'PACE_DEEP_SWEEPS',
  },
  lagMaxMs: {
    doc: 'How far a feed may be behind before `/freshz` and alerts tell, or `auto`: settle + 5 steps, or a minute.',
    format: 'auto-span',
    default: 'auto' as number | 'auto',
    env: 'PACE_LAG_MAX',
  },
  settleMinMs: span('The shortest settle that `auto` may find.', 10 * SECOND, 'PACE_SETTLE_MIN'),
  settleMaxMs: span('The longest.', 30 * MINUTE, 'PACE_SETTLE_MAX'),
  lookbackMinMs: span(
    'The shortest lookback that `auto` may find. It says which lateness is surely covered.',
    30 * MINUTE, 'PACE_LOOKBACK_MIN',
  ),
  lookbackMaxMs: span('The longest.', 24 * HOUR, 'PACE_LOOKBACK_MAX'),
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
    callLegCount: {
      // UNVERIFIED: which it is. A live tenant with queues would show it.
      doc: 'What 8x8 counts as legs of a call: `own`, or `with-children` the offers of a queue to agents, too.',
      format: ['own', 'with-children'],
      default: 'own' as 'own' | 'with-children',
      env: 'CALL_LEG_COUNT',
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
  privacy,
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
  security,
  http: {
    host: {
      doc: 'Address of /metrics, /status and the probes.',
      format: String,
      default: '127.0.0.1',
      env: 'HTTP_HOST',
    },
    port: { doc: 'Their port; 0 takes a free one.', format: 'port', default: 9464, env: 'HTTP_PORT' },
    token: {
      doc: 'Lets those who bear it send [signals](#signals) to `POST /signals`. Without one there is no such route.',
      format: 'token',
      default: '',
      env: 'HTTP_TOKEN',
      sensitive: true,
    },
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
