import { createHmac, type KeyObject } from 'node:crypto';
import type { StreamName } from '../feed/feed.ts';
import { callLegFields } from './call-legs.ts';
import { callRecordFields } from './call-records.ts';
import { digest, eventIdOf } from './digest.ts';
import { NO_DRIFT, type Drift } from './drift.ts';
import type { FieldTable } from './kinds.ts';
import { markedFields, marksOf } from './marks.ts';
import { CONTENT_BYTES_MAX, rejectRow } from './rejected.ts';
import type { BusEvent, Stream } from './stream.ts';

/** What becomes of a field that is not kept: nothing, its last digits, or a pseudonym. */
export type Action =
  | { readonly kind: 'drop' }
  | { readonly kind: 'mask'; readonly digits: number }
  | { readonly kind: 'hmac' };

/** What becomes of the fields of a report, by name; what has no entry is kept. `extras` is all that has no field. */
export type Policy = ReadonlyMap<string, Action>;

export const PRESETS = ['off', 'standard', 'strict'] as const;
export type Preset = (typeof PRESETS)[number];

/** Makes pseudonyms: one text always has the same one under one key, in every field, report and PBX. */
export interface PrivacyKey {
  readonly id: string;
  readonly secret: KeyObject;
}

const TABLES: Readonly<Record<StreamName, FieldTable>> = {
  'call-legs': callLegFields,
  'call-records': callRecordFields,
};

/** Without them nobody could tell which legs are of one call. */
const JOINS: readonly string[] = ['parentCallId', 'transferToCallId'];

const DROP = 'drop';

/**
 * What the presets do to fields that hold something of a person, or may: also those of which 8x8 documents no values,
 * and whatever 8x8 sends beyond its documentation. A test demands of each new field to be here or to be no person's.
 */
const PRESET_ACTIONS: Readonly<Record<string, Readonly<Record<Exclude<Preset, 'off'>, string>>>> = {
  ...each(['caller', 'callee', 'dnis', 'lra', 'aaDestination'], { standard: 'mask:4', strict: 'hmac' }),
  ...each(['callerName', 'calleeName', 'callerId'], { standard: DROP, strict: DROP }),
  ...each(['sipCallId', 'callerDeviceId', 'calleeDeviceId', 'masterSlaveExts', 'accountCode', 'aaPath',
    'recordServiceOn', 'bargeServiceOn', 'extras'], { standard: DROP, strict: DROP }),
};

/** The fields of a report that a policy may name. Ids, times and numbers are no texts, and calls are joined by some. */
export function hideableFields(stream: StreamName): readonly string[] {
  const texts = Object.entries(TABLES[stream]).filter(([, kind]) => kind === 'text' || kind === 'list');
  return [...texts.map(([name]) => name).filter((name) => !JOINS.includes(name)), 'extras'];
}

/** A preset, changed by `field=action,…`. What is wrong with the text is a problem, a sentence each. */
export function policyOf(
  stream: StreamName,
  preset: Preset,
  overrides: string,
): { readonly policy: Policy; readonly problems: readonly string[] } {
  const fields = hideableFields(stream);
  const policy = new Map<string, Action>();
  const problems: string[] = [];
  const set = (name: string, word: string): void => {
    const action = actionOf(word);
    if (action === 'keep') policy.delete(name);
    else if (action !== undefined) policy.set(name, action);
    else problems.push(`"${word}" is no action; use keep, drop, mask, mask:6 or hmac`);
  };
  if (preset !== 'off') {
    for (const name of fields) if (PRESET_ACTIONS[name] !== undefined) set(name, PRESET_ACTIONS[name][preset]);
  }
  for (const part of overrides.split(',').map((text) => text.trim()).filter((text) => text !== '')) {
    const [, name = part, word = ''] = /^([^=]*)=(.*)$/.exec(part) ?? [];
    if (fields.includes(name)) set(name, word);
    else problems.push(`"${name}" is no field of ${stream} that can be hidden; those are ${fields.join(', ')}`);
  }
  return { policy, problems };
}

function actionOf(word: string): Action | 'keep' | undefined {
  if (word === 'keep') return word;
  if (word === 'drop' || word === 'hmac') return { kind: word };
  const [, digits] = /^mask(?::([1-9]))?$/.exec(word) ?? [word, '-'];
  return digits === '-' ? undefined : { kind: 'mask', digits: Number(digits ?? 4) };
}

/**
 * The stream as a policy lets it be seen: the one way from a row to an event, so that live feeds, passes, whole calls,
 * tables and dead letters all have it behind them. A policy that keeps all is the stream itself.
 *
 * Whether a row has changed is still told by what 8x8 said (`contentHash`); all that is public of it, also its ids and
 * marks, is made of what is left.
 */
export function hiding(stream: Stream, policy: Policy, key: PrivacyKey | undefined): Stream {
  if (policy.size === 0) return stream;
  const { name } = stream;
  const marked = markedFields(TABLES[name]);
  const rules = [...policy].filter(([field]) => field !== 'extras');
  const keyId = [...policy.values()].some(({ kind }) => kind === 'hmac') ? key!.id : undefined;
  return {
    ...stream,
    toEvent(row, context) {
      const event = stream.toEvent(row, context);
      if (event.channel !== 'accepted') return withoutPayload(event);
      const value: Record<string, unknown> = { ...event.value };
      value['extras'] = hideExtras(event.value['extras'] as Texts, policy, key);
      for (const [field, action] of rules) hideField(value, field, (text) => hide(text, action, key));
      const content = contentOf(marked, value);
      if (Buffer.byteLength(content) > CONTENT_BYTES_MAX) { // pseudonyms of many short texts are longer than those
        const reason = `The row, with its pseudonyms, holds more than ${CONTENT_BYTES_MAX} bytes.`;
        return withoutPayload(rejectRow(row, name, context, { code: 'TOO_LARGE', field: null, reason }));
      }
      const idHash = digest(content).contentHash;
      value['eventId'] = eventIdOf(name, event.key, 1, idHash);
      const marks = marksOf(marked, event.key, value);
      return { ...event, idHash, keyId, marks, drift: hideWords(event.drift, policy), value };
    },
  };
}

type Texts = Readonly<Record<string, string>>;

/** A bad row is not what its names promise, so no policy by name can be trusted with it. */
function withoutPayload(event: BusEvent): BusEvent {
  return { ...event, value: { ...event.value, payload: null } };
}

function hideField(value: Record<string, unknown>, field: string, hideText: (text: string) => string | null): void {
  const raw = value[field] as string | readonly string[] | null;
  if (raw === null) return;
  if (typeof raw === 'string') value[field] = hideText(raw);
  else value[field] = raw.every((text) => hideText(text) === null) ? null : raw.map(hideText);
}

/** What came in a field but does not fit is hidden as the field is, whatever becomes of the other extras. */
function hideExtras(extras: Texts, policy: Policy, key: PrivacyKey | undefined): Texts {
  const left: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, text] of Object.entries(extras)) {
    const action = policy.get(name) ?? policy.get('extras');
    const shown = action === undefined ? text : hide(text, action, key);
    if (shown !== null) left[name] = shown;
  }
  return left;
}

/** The empty text says nothing of anybody, and stays. */
function hide(text: string, action: Action, key: PrivacyKey | undefined): string | null {
  if (action.kind === 'drop') return null;
  if (text === '') return text;
  return action.kind === 'mask' ? masked(text, action.digits) : pseudonym(text, key!);
}

/** `+15555551220` -> `***1220`. Never more than half of the digits: four of an extension would be all of it. */
function masked(text: string, digits: number): string {
  const all = text.replace(/\D/g, '');
  const count = Math.min(digits, Math.floor(all.length / 2));
  return `***${count === 0 ? '' : all.slice(-count)}`;
}

/** 132 bits of HMAC-SHA-256 in base64url. 8x8 writes a number with "+" in some fields, and without in others. */
function pseudonym(text: string, { secret }: PrivacyKey): string {
  const alike = /^\+\d+$/.test(text) ? text.slice(1) : text;
  return createHmac('sha256', secret).update(alike).digest('base64url').slice(0, 22);
}

/** A word that nobody knows may be a name, and the log tells of it, too. */
function hideWords(drift: readonly Drift[], policy: Policy): readonly Drift[] {
  if (drift === NO_DRIFT) return drift;
  return drift.map((one) => {
    const hidden = one.kind === 'new-word' && (policy.has('extras') || policy.has(one.field));
    return hidden ? { ...one, name: `${one.kind} ${one.field} ?`, found: '?' } : one;
  });
}

/** As for the content hash, nulls are left out: a field that a table gets later changes no id. */
function contentOf(names: readonly string[], value: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(names.flatMap((name) => (value[name] === null ? [] : [name, value[name]])));
}

function each<T>(names: readonly string[], actions: T): Readonly<Record<string, T>> {
  return Object.fromEntries(names.map((name) => [name, actions]));
}
