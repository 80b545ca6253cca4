import { settingList } from '../../src/config.ts';
import { SCHEMA_FILES } from '../../src/sink/kafka.ts';
import { HEADERS, type EventKind, type EventTopic } from '../../src/sink/kafka-messages.ts';
import { readSchema } from '../../src/sink/avro.ts';

/** A topic of the connector, as the README and `schemas/asyncapi.json` tell of it. */
interface Topic {
  /** Its setting: `kafka.topic…`. */
  readonly setting: string;
  readonly key: string;
  /** What its values are, behind their name, as Markdown. */
  readonly text: string;
  readonly compacted?: true;
}

type TopicName = EventTopic | 'signals' | 'offsets';

const LATEST = 'the last revision of each row; compacted, a table for ksqlDB and KTables';

/** The one list of all topics. */
const TOPICS: Readonly<Record<TopicName, Topic>> = {
  'call-legs': { setting: 'topicCallLegs', key: '`pbxId/callId`', text: 'a leg of a call' },
  'call-records': { setting: 'topicCallRecords', key: '`pbxId/callId`', text: 'a call as one row' },
  'call-legs.latest': {
    setting: 'topicCallLegsLatest', key: '`pbxId/callId/legId`', text: LATEST, compacted: true,
  },
  'call-records.latest': {
    setting: 'topicCallRecordsLatest', key: '`pbxId/callId`', text: LATEST, compacted: true,
  },
  'rejected': {
    setting: 'topicRejected', key: '`pbxId/callId`, as far as it can be read', text: 'why a row could not be mapped',
  },
  'ledger': {
    setting: 'topicLedger', key: 'feed, e.g. `live/call-legs/acme`',
    text: 'a window that was read, and what became of its rows',
  },
  'watermarks': {
    setting: 'topicWatermarks', key: 'feed', text: 'up to when the feed is complete; compacted', compacted: true,
  },
  'drift': {
    setting: 'topicDrift', key: 'feed', text: 'something about rows that 8x8 does not document, told once',
  },
  'calls': {
    setting: 'topicCalls', key: '`pbxId/callId`', text: 'record and legs in one event, see [whole calls](#whole-calls)',
  },
  'signals': {
    setting: 'topicSignals', key: 'any', text: 'that people write: [signals](#signals) to running connectors',
  },
  'offsets': {
    setting: 'topicOffsets', key: 'connector, pass, feed', text: 'compacted; the connector\'s own', compacted: true,
  },
};

const names = Object.keys(TOPICS) as TopicName[];

/** Names of records in `schemas/`; signals are JSON. */
function schemaFileOf(name: TopicName): string | undefined {
  return name === 'offsets' ? 'offset.avsc' : name === 'signals' ? undefined : SCHEMA_FILES[name];
}

function valueName(name: TopicName): string {
  const file = schemaFileOf(name);
  return file === undefined ? 'JSON' : (readSchema(file) as { readonly name: string }).name;
}

/** The table of topics in the README. */
export function topicsTable(): string {
  const rows = names.map((name) => {
    const { setting, key, text } = TOPICS[name];
    const { env, default: given } = settingList.find(({ path }) => path === `kafka.${setting}`)!;
    const off = given === 'off' ? `. Off, unless \`${env}\` names it` : '';
    const value = name === 'signals' ? 'JSON' : `\`${valueName(name)}\``;
    return `| \`8x8.${name}\` | ${key} | ${value}${name === 'signals' ? ' ' : ': '}${text}${off} |`;
  });
  return ['| topic | key | value |', '|---|---|---|', ...rows].join('\n');
}

/**
 * `schemas/asyncapi.json`: all topics as an AsyncAPI document.
 *
 * @see https://www.asyncapi.com/docs/reference/specification/v3.0.0
 */
export function asyncApi(): string {
  const channels = Object.fromEntries(names.map((name) => [name, channelOf(name)]));
  const operations = Object.fromEntries(names.map((name) => {
    const [verb, action] = name === 'signals' ? ['obey', 'receive'] : ['publish', 'send'];
    return [`${verb} ${name}`, { action, channel: { $ref: `#/channels/${name}` } }];
  }));
  const document = {
    asyncapi: '3.0.0',
    info: {
      title: '8x8 Work phone calls on Kafka',
      version: '1.0.0', // of the events, whose types end with v1
      description: 'What kafka-connect-8x8-work publishes, by the default names of its topics. Read committed records.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    defaultContentType: 'application/avro',
    servers: {
      compose: {
        host: 'localhost:9092',
        protocol: 'kafka',
        description: 'The Kafka of docker-compose.yml.',
        bindings: { kafka: { schemaRegistryUrl: 'http://localhost:8081/apis/ccompat/v7', bindingVersion: '0.5.0' } },
      },
    },
    channels,
    operations,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function channelOf(name: TopicName): object {
  const { setting, text, compacted } = TOPICS[name];
  const { env, default: given } = settingList.find(({ path }) => path === `kafka.${setting}`)!;
  const policy = compacted ? 'compact' : 'delete';
  return {
    address: `8x8.${name}`,
    description: `${valueName(name)}: ${plain(text)}. ${given === 'off' ? `Off, unless ${env} names it.` : env}`,
    messages: { [valueName(name)]: messageOf(name) },
    bindings: { kafka: { topicConfiguration: { 'cleanup.policy': [policy] }, bindingVersion: '0.5.0' } },
  };
}

function messageOf(name: TopicName): object {
  const key = { type: 'string', description: plain(TOPICS[name].key) };
  const bindings = { kafka: { key, bindingVersion: '0.5.0' } };
  if (name === 'signals') return { contentType: 'application/json', payload: SIGNAL, bindings };
  const file = schemaFileOf(name)!;
  // A whole call names the schemas of its parts, so it stands here as the registry has it.
  const schema = file === 'call.avsc' ? readSchema(file) : { $ref: `./${file}` };
  const payload = { schemaFormat: 'application/vnd.apache.avro;version=1.9.0', schema };
  const headers = name === 'offsets' ? {} : { headers: headersOf(name) };
  const registry = { schemaIdLocation: 'payload', schemaIdPayloadEncoding: 'confluent' };
  return { ...headers, payload, bindings: { kafka: { ...bindings.kafka, ...registry } } };
}

/** Those of CloudEvents, and our own of the transaction. */
function headersOf(name: EventTopic): object {
  const fixed = Object.entries(HEADERS[name.replace('.latest', '') as EventKind])
    .map(([header, value]) => [header, { type: 'string', const: String(value) }]);
  const free = Object.entries({
    ce_id: 'The event id.',
    ce_source: 'Where the event comes from.',
    ce_subject: 'The leg, record, call or feed.',
    ce_time: 'The event time, as RFC 3339.',
    ce_commit: 'The transaction of the event: connector/feed/number.',
  }).map(([header, description]) => [header, { type: 'string', description }]);
  const always = Object.fromEntries([...fixed, ...free]);
  const traceparent = { type: 'string', description: 'W3C Trace Context of the transaction, where traces are on.' };
  const ce_privacykey = { type: 'string', description: 'Which key its pseudonyms are of, where it has some.' };
  return { type: 'object', properties: { ...always, ce_privacykey, traceparent }, required: Object.keys(always) };
}

const SIGNAL = {
  type: 'object',
  description: 'What a running connector is to do; see "Signals" in README.md.',
  required: ['type', 'data'],
  properties: {
    id: { type: 'string' },
    type: { type: 'string', enum: ['pause', 'resume', 'cancel', 'rewind', 'reset', 'backfill', 'replay'] },
    data: { type: 'object' },
    who: { type: 'string' },
    reason: { type: 'string' },
  },
};

/** Markdown without its marks. */
function plain(text: string): string {
  return text.replace(/\[([^\]]+)\]\([^)]*\)/g, '$1').replaceAll('`', '');
}
