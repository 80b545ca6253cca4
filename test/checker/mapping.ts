import type { Report, Row } from './dumps.ts';
import { isInGroup } from './rules.ts';

/**
 * How a field of 8x8 becomes a field of an event, written out of 8x8's documentation and the README, and on purpose not
 * out of the connector's own tables.
 *
 * `id` and `text` as they are; `time` epoch milliseconds, where 0 and "0" mean that it never was; `span` milliseconds;
 * `count` a number, also written as text; `flag` its own name means yes, a dash no; `list` of texts.
 *
 * @see https://developer.8x8.com/analytics/docs/work-analytics-call-legs
 * @see https://developer.8x8.com/analytics/docs/work-analytics-call-detail-records
 */
type Kind = 'id' | 'text' | 'time' | 'span' | 'count' | 'flag' | 'list';

const BOTH: Readonly<Record<string, Kind>> = {
  callId: 'id', startTimeUTC: 'time', connectTimeUTC: 'time', disconnectedTimeUTC: 'time', talkTimeMS: 'span',
  caller: 'text', callerName: 'text', callee: 'text', calleeName: 'text', direction: 'text', dnis: 'text',
  callerId: 'text', missed: 'flag', abandoned: 'flag', answered: 'flag', calleeHoldDurationMS: 'span',
  calleeDisconnectOnHold: 'text', callerDisconnectOnHold: 'text', pbxId: 'id', sipCallId: 'text',
  departments: 'list', branches: 'list', callTime: 'span',
};

const FIELDS: Readonly<Record<Report, readonly (readonly [name: string, kind: Kind])[]>> = {
  'call-legs': Object.entries<Kind>({
    ...BOTH,
    legId: 'id', lra: 'text', lraType: 'count', parentCallId: 'text', transferToCallId: 'text', status: 'text',
    callerDeviceId: 'text', calleeDeviceId: 'text', callerDeviceModel: 'text', calleeDeviceModel: 'text',
    cause: 'text', callerSvcName: 'text', callerSvcType: 'text', calleeSvcName: 'text', calleeSvcType: 'text',
    recordServiceOn: 'text', bargeServiceOn: 'text', masterSlaveExts: 'text', propsLastPartyDisp: 'text',
    accountCode: 'text', aaPath: 'text',
  }),
  'call-records': Object.entries<Kind>({
    ...BOTH,
    aaDestination: 'text', answeredTime: 'time', lastLegDisposition: 'text', callLegCount: 'count',
    ringDuration: 'span', abandonedTime: 'span', waitTimeMS: 'span',
  }),
};

/** They repeat another field as text, and are left out. */
const REPEATED = ['startTime', 'connectTime', 'disconnectedTime', 'talkTime', 'calleeHoldDuration', 'waitTime'];

/** The connector's own fields beside those of 8x8. */
const ADDED = ['eventId', 'revision', 'changeKind', 'changedFields', 'observedAt', 'pass', 'extras'];

/** What `PRIVACY_PRESET=strict` makes of fields, as the README has it. */
const PSEUDONYMS = ['caller', 'callee', 'dnis', 'lra', 'aaDestination'];
const DROPPED = ['callerName', 'calleeName', 'callerId', 'sipCallId', 'callerDeviceId', 'calleeDeviceId',
  'masterSlaveExts', 'accountCode', 'aaPath', 'recordServiceOn', 'bargeServiceOn'];

/** What differs first between a row and the event that claims to be it; undefined if nothing does. */
export function differenceOf(report: Report, row: Row, value: Row, strict: boolean): string | undefined {
  for (const [name, kind] of FIELDS[report]) {
    const plain = eventValueOf(kind, name, row[name]);
    const expected = JSON.stringify(strict && DROPPED.includes(name) ? null : plain);
    const found = JSON.stringify(value[name]);
    const isPseudonym = strict && PSEUDONYMS.includes(name) && plain !== null && plain !== '';
    const isRight = isPseudonym ? /^"[\w-]{22}"$/.test(found) : found === expected;
    if (!isRight) return `${name} is ${found}, but 8x8's ${JSON.stringify(row[name])} makes ${expected}`;
  }
  const names = new Set([...FIELDS[report].map(([name]) => name), ...ADDED]);
  const added = Object.keys(value).find((name) => !names.has(name));
  if (added !== undefined) return `${added} is no field of ${report}`;
  const unknown = strict ? []
    : Object.keys(row).filter((name) => !names.has(name) && !REPEATED.includes(name)).toSorted();
  const extras = Object.keys((value['extras'] ?? {}) as object).toSorted();
  return String(extras) === String(unknown) ? undefined : `extras hold [${extras}], but 8x8 has sent [${unknown}]`;
}

/** Why nobody can map a row, as `CODE field`: whatever may be said against it. Empty for a sound row. */
export function objectionsTo(report: Report, row: Row, pbxs: string): readonly string[] {
  const objections = FIELDS[report].flatMap(([name, kind]) => {
    const raw = row[name];
    const never = name === 'disconnectedTimeUTC' && Number(raw) === 0;
    const absent = raw === undefined || raw === null || raw === '' || never;
    if (absent) return kind === 'id' || name === 'disconnectedTimeUTC' ? [`MISSING_FIELD ${name}`] : [];
    if (kind === 'id') return /^[^/\p{Cc}]+$/u.test(String(raw)) ? [] : [`BAD_ID ${name}`];
    return (kind === 'time' || kind === 'span') && !Number.isInteger(Number(raw)) ? [`BAD_FIELD ${name}`] : [];
  });
  const strange = typeof row['pbxId'] === 'string' && !isInGroup(pbxs, row['pbxId'].toLowerCase());
  return strange ? [...objections, 'WRONG_PBX pbxId'] : objections;
}

/** What a dead letter can tell of the row: `report pbxId callId legId`, `-` for what it cannot. */
export function lettersKey(report: string, ids: Row): string {
  return [report, ...['pbxId', 'callId', 'legId'].map((name) => (ids[name] === undefined || ids[name] === null
    || (report === 'call-records' && name === 'legId') ? '-' : String(ids[name])))].join(' ');
}

function eventValueOf(kind: Kind, name: string, raw: unknown): unknown {
  if (raw === null || raw === undefined) return null;
  switch (kind) {
    case 'time': return Number(raw) === 0 ? null : Number(raw);
    case 'span':
    case 'count': return Number(raw);
    case 'flag': return raw === '-' || raw === '' ? false : String(raw).toLowerCase() === name;
    case 'id':
    case 'text': return String(raw);
    case 'list': return raw;
  }
}
