import { TOPIC_NAME } from './feed/pass.ts';
import { streams } from './streams/index.ts';

/** How a kind of setting is read from text and checked. An error says what was expected; convict adds the rest. */
interface Format {
  readonly coerce?: (value: unknown) => unknown;
  readonly validate: (value: unknown) => void;
}

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
export const INT32_MAX = 2 ** 31 - 1; // what Kafka's protocol and Node's timers take
const INT16_MAX = 2 ** 15 - 1; // how Kafka's protocol counts replicas
const PAGE_SIZE_MAX = 7_000; // 8x8's OpenAPI document
const AGE_MAX_MS = 30 * UNIT_MS.d; // more keys are never kept than that takes
const EXTENSIONS_MAX = 125; // the same
const KEY_ID = /^[\w.-]{1,40}$/;

/** The formats of `settings.ts`, by name. */
export const formats = {
  span: {
    coerce: spanMs,
    validate: expect('a time with its unit, such as "90s", "15m" or "24h"', isNatural),
  },
  'auto-span': {
    coerce: spanMs,
    validate: expect('a time with its unit, such as "90s", "15m" or "24h", or "auto"', (value) =>
      value === 'auto' || isNatural(value)),
  },
  ages: {
    coerce: (value: unknown): unknown => {
      const ages = value === 'off' ? [] : list(value);
      return Array.isArray(ages) && (ages.length > 0 || value === 'off') ? ages.map(spanMs) : value;
    },
    validate: expect('"off", or times up to 30d, each once, separated by commas, such as "24h,7d"', isAges),
  },
  retention: {
    coerce: (value: unknown): unknown => (value === 'forever' ? -1 : spanMs(value)),
    validate: expect('"forever" or a time such as "90d"', (value) => value === -1 || isNatural(value)),
  },
  start: {
    validate: expect('an ISO time such as "2026-01-31T00:00:00Z", or a time back from now such as "24h"', (value) =>
      typeof value === 'string' && (isNatural(spanMs(value)) || isIsoTime(value))),
  },
  flag: {
    // convict's own Boolean takes any text but "false" for true, so that a typing error would switch things on.
    coerce: (value: unknown): unknown => ({ true: true, false: false })[String(value)] ?? value,
    validate: expect('true or false', (value) => typeof value === 'boolean'),
  },
  positive: {
    coerce: Number,
    validate: expect(`a whole number above 0, at most ${INT32_MAX}`, (value) =>
      isNatural(value) && Number(value) > 0 && Number(value) <= INT32_MAX),
  },
  share: {
    coerce: Number,
    validate: expect('a number above 0, at most 1', (value) => Number(value) > 0 && Number(value) <= 1),
  },
  replicas: {
    coerce: Number,
    validate: expect(`a whole number from 0 to ${INT16_MAX}`, (value) =>
      isNatural(value) && Number(value) <= INT16_MAX),
  },
  'page-size': {
    coerce: (value: unknown): unknown => (value === 'auto' ? value : Number(value)),
    validate: expect(`"auto" or a whole number from 1 to ${PAGE_SIZE_MAX}`, (value) =>
      value === 'auto' || (isNatural(value) && Number(value) > 0 && Number(value) <= PAGE_SIZE_MAX)),
  },
  secret: {
    validate: expect('a text without line breaks or other control characters', (value) =>
      typeof value === 'string' && value !== '' && isPlain(value)),
  },
  text: {
    validate: expect('a text without line breaks or other control characters', (value) =>
      typeof value === 'string' && isPlain(value)),
  },
  token: {
    validate: expect('16 characters or more, without spaces', (value) =>
      value === '' || (matches(/^[!-~]{16,}$/)(value))),
  },
  'privacy-key': {
    validate: expect('32 characters or more, without spaces', (value) =>
      value === '' || (matches(/^[!-~]{32,}$/)(value))),
  },
  'key-id': { validate: expect('1 to 40 letters, digits, ".", "_" or "-"', matches(KEY_ID)) },
  'key-ids': {
    validate: expect('names of keys, separated by commas', (value) =>
      value === '' || (typeof value === 'string' && value.split(',').every(matches(KEY_ID)))),
  },
  'field-actions': {
    validate: expect('fields with their action, separated by commas, such as "caller=mask:4,callerName=drop"',
      (value) => typeof value === 'string'),
  },
  'connector-name': {
    validate: expect('1 to 100 letters, digits, ".", "_" or "-"', matches(/^[\w.-]{1,100}$/)),
  },
  topic: {
    validate: expect('a topic name: 1 to 249 letters, digits, ".", "_" or "-"', matches(TOPIC_NAME)),
  },
  brokers: { coerce: list, validate: expect('host:port, separated by commas', everyOne(/^[^\s:/]+:\d{1,5}$/)) },
  'stream-names': {
    coerce: list,
    validate: expect(`of ${streams.map(({ name }) => name).join(', ')}, separated by commas`, (value) =>
      everyOne(/^/)(value) && (value as string[]).every((name) => streams.some((stream) => stream.name === name))),
  },
  'pbx-ids': {
    coerce: (value: unknown): unknown => {
      const ids = list(value);
      return Array.isArray(ids) ? ids.map((id) => sameGroup(String(id))) : ids;
    },
    validate: expect('PBX names, each once, separated by commas; "allpbxes" stands alone', isPbxIds),
  },
  extensions: {
    validate: expect(`up to ${EXTENSIONS_MAX} extensions, separated by commas`, (value) =>
      value === '' || (matches(/^\w+(,\w+)*$/)(value) && String(value).split(',').length <= EXTENSIONS_MAX)),
  },
  'http-url': {
    validate: expect('a URL that starts with http:// or https://, without user', (value) =>
      isHttpUrl(value) && !String(value).includes('@')),
  },
  'https-url': {
    validate: expect('a URL that starts with https://, without user', (value) =>
      value === '' || (isHttpUrl(value) && /^https:[^@]+$/i.test(String(value)))),
  },
  'proxy': {
    validate: expect('a URL such as http://host:port or http://user:password@host:port', (value) =>
      value === '' || (isHttpUrl(value) && new URL(String(value)).pathname === '/')),
  },
  'extensions-map': {
    validate: expect('pairs such as "logicalCluster=lkc-1,identityPoolId=pool-1"', (value) =>
      value === '' || matches(/^[A-Za-z]+=[!-+\--~]+(,[A-Za-z]+=[!-+\--~]+)*$/)(value)),
  },
  'base-url': {
    coerce: (value: unknown): unknown => String(value).replace(/\/+$/, ''),
    validate: expect('a URL that starts with https://, without user, query or fragment', (value) =>
      isHttpUrl(value) && /^[^@?#]+$/.test(String(value))),
  },
} as const satisfies Record<string, Format>;

/** `"90s"` -> 90000. What is not written so is given back as it is, for the check to refuse. */
export function spanMs(value: unknown): unknown {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(String(value));
  return match ? Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS] : value;
}

function expect(what: string, holds: (value: unknown) => boolean): (value: unknown) => void {
  return (value) => {
    if (value === null || value === undefined) throw new Error(`is missing; give ${what}`);
    if (!holds(value)) throw new Error(`expected ${what}`);
  };
}

function list(value: unknown): unknown {
  return typeof value === 'string' ? value.split(',').map((part) => part.trim()).filter((part) => part !== '') : value;
}

function matches(pattern: RegExp): (value: unknown) => boolean {
  return (value) => typeof value === 'string' && pattern.test(value);
}

function everyOne(pattern: RegExp): (value: unknown) => boolean {
  return (value) => Array.isArray(value) && value.length > 0 && value.every(matches(pattern));
}

function isAges(value: unknown): boolean {
  return Array.isArray(value) && new Set(value).size === value.length
    && value.every((age) => isNatural(age) && age > 0 && age <= AGE_MAX_MS);
}

/** One order for one group of PBXs, for a feed continues from the offset of its name: `b+a` -> `a,b`. */
function sameGroup(id: string): string {
  return id.split('+').toSorted((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1)).join(',');
}

/** A PBX read by two feeds would be published twice, so a name may stand once and `allpbxes` only alone. */
function isPbxIds(value: unknown): boolean {
  if (!everyOne(/^[^\s/]+$/)(value)) return false;
  const names = (value as string[]).flatMap((id) => id.split(',')).map((name) => name.toLowerCase());
  const once = new Set(names).size === names.length;
  const alone = names.length === 1 || !names.includes('allpbxes');
  return once && alone && names.every((name) => name !== '' && isPlain(name));
}

function isNatural(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** With its offset: a time without one would mean another moment on each machine. */
function isIsoTime(value: string): boolean {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(value) && !Number.isNaN(Date.parse(value));
}

function isPlain(value: string): boolean {
  return !/\p{Cc}/u.test(value);
}

function isHttpUrl(value: unknown): boolean {
  return URL.canParse(String(value)) && /^https?:$/.test(new URL(String(value)).protocol);
}
