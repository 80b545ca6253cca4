import { createSecretKey } from 'node:crypto';
import type { StreamName } from './feed/feed.ts';
import { streams } from './streams/index.ts';
import { policyOf, type Policy, type Preset, type PrivacyKey } from './streams/privacy.ts';

/** The settings of `settings-privacy.ts`. */
interface PrivacyValues {
  readonly preset: Preset;
  readonly callLegs: string;
  readonly callRecords: string;
  readonly key: string;
  readonly keyId: string;
  /** Separated by commas. */
  readonly retiredKeyIds: string;
}

/** What is published of a person, checked. */
export interface Privacy extends Omit<PrivacyValues, 'key'> {
  /** A key object, for neither a log nor an error shows what is in it. */
  readonly key: PrivacyKey | undefined;
  readonly policies: Readonly<Record<StreamName, Policy>>;
}

const SETTING = { 'call-legs': 'callLegs', 'call-records': 'callRecords' } as const;
const ENV = { 'call-legs': 'PRIVACY_CALL_LEGS', 'call-records': 'PRIVACY_CALL_RECORDS' } as const;

export function privacyOf({ key, ...values }: PrivacyValues): Privacy {
  const secret = key === '' ? undefined : createSecretKey(key, 'utf8');
  const policies = Object.fromEntries(streams.map(({ name }) =>
    [name, policyOf(name, values.preset, values[SETTING[name]]).policy])) as Privacy['policies'];
  return { ...values, key: secret && { id: values.keyId, secret }, policies };
}

/** What speaks against the settings, a line each: name, problem, cure. */
export function privacyProblems({ privacy: values, connector }: {
  readonly privacy: PrivacyValues;
  readonly connector: { readonly rejectedPayload: boolean };
}): readonly string[] {
  const { preset, key, keyId, retiredKeyIds } = values;
  const read = streams.map(({ name }) => ({ name, ...policyOf(name, preset, values[SETTING[name]]) }));
  const problems = read.flatMap(({ name, problems: some }) => some.map((problem) => `${ENV[name]}: ${problem}`));
  const hmac = read.flatMap(({ name, policy }) => [...policy].filter(([, { kind }]) => kind === 'hmac')
    .map(([field]) => `${field} of ${name}`));
  if (hmac.length > 0 && key === '') {
    problems.push(`PRIVACY_KEY is missing, and ${hmac[0]} shall be a pseudonym; set it, or PRIVACY_KEY_FILE to a file `
      + 'that holds it, e.g. what openssl rand -base64 32 prints');
  }
  if (retiredKeyIds.split(',').includes(keyId)) {
    problems.push(`PRIVACY_KEY_ID: ${keyId} is in PRIVACY_RETIRED_KEY_IDS; give each new key a name of its own`);
  }
  if (connector.rejectedPayload && read.some(({ policy }) => policy.size > 0)) {
    problems.push('REJECTED_PAYLOAD: a bad row would be published as it came, though PRIVACY_… hides some of it; '
      + 'set it to false, or keep every field');
  }
  return problems;
}

/** Whether pseudonyms would be the same. */
export function isSameKey(a: Privacy, b: Privacy): boolean {
  if (a.key === undefined || b.key === undefined) return a.key === b.key;
  return a.key.secret.equals(b.key.secret);
}
