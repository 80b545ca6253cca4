import type { SchemaObj } from 'convict';

function fieldActions(doc: string, env: string): SchemaObj<string> & { readonly env: string } {
  return { doc, format: 'field-actions', default: '', env };
}

/** What is published of a person. */
export const privacy = {
  preset: {
    doc: 'What is published of a person: `off` all, `standard` no names, `strict` [pseudonyms](#privacy).',
    format: ['off', 'standard', 'strict'],
    default: 'off' as 'off' | 'standard' | 'strict',
    env: 'PRIVACY_PRESET',
  },
  callLegs: fieldActions(
    'Fields of call legs with another action than the preset has, such as `caller=mask:4,callerName=hmac,extras=keep`.',
    'PRIVACY_CALL_LEGS',
  ),
  callRecords: fieldActions('The same of call records.', 'PRIVACY_CALL_RECORDS'),
  key: {
    doc: 'Key of the pseudonyms: 32 characters or more, as `openssl rand -base64 32` makes them. Read at the start.',
    format: 'privacy-key',
    default: '',
    env: 'PRIVACY_KEY',
    sensitive: true,
  },
  keyId: {
    doc: 'Name of that key, which events carry in the header `ce_privacykey`. A new key needs a new one.',
    format: 'key-id',
    default: '1',
    env: 'PRIVACY_KEY_ID',
  },
  retiredKeyIds: {
    doc: 'Names of earlier keys, separated by commas, which no key may have again. The keys themselves are not needed.',
    format: 'key-ids',
    default: '',
    env: 'PRIVACY_RETIRED_KEY_IDS',
  },
};
