import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { explainReportRefusal, explainTokenRefusal, isCredentialRefused } from '../../src/source/refusals.ts';
import { sanitize } from '../../src/source/sanitize.ts';
import { readFixture } from '../fixtures/read-fixture.ts';
import { assertIsRefusal, fuzz } from './fuzz.ts';
import { CANARY, damaged, hostileText, hugeTexts } from './hostile.ts';

/** Secrets of which one begins another, as a user and a password may, with all that a form spells differently. */
const secrets = [CANARY, `${CANARY}&Quokka 1`, `${CANARY}&Quokka 1+Zwölf%`, 'Wombat==', 'Numbat "7"\tx', ''];
/** Parts of them that stand nowhere else. */
const marks = [CANARY, 'Quokka', 'Zw', 'Wombat', 'Numbat'];

const inForm = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1);
const fragment = fc.oneof(
  fc.constantFrom(...secrets, ...secrets.map(inForm)),
  fc.constantFrom(...secrets.map((secret) => secret.replaceAll(' ', '\n').replaceAll('\t', '\u0000'))),
  fc.constantFrom(' ', ', ', '=', 'user(', ')', '@', '+1 555 ', '\r\n', '\u202e', '\ud800', 'a'.repeat(30)),
  fc.constantFrom('105-400-038', 'Invalid 8x8-apikey', 'USER_NOTFOUND_ERROR', 'does not have access to'),
  fc.integer({ min: 1, max: 400 }).map((count) => 'abc de '.repeat(count)),
);
const gossip = fc.array(fragment, { maxLength: 8 }).map((parts) => parts.join(''));

// Goal: what 8x8 says can stand in a log. Method: sentences that repeat what they were sent, in all its spellings.
fuzz('sanitize lets no secret through, nor a part of one', {
  inputs: fc.tuple(gossip, fc.shuffledSubarray(secrets, { minLength: secrets.length })),
  outcomes: ['nothing', 'a sentence'],
  check: ([text, inAnyOrder]) => {
    const shown = sanitize(text, inAnyOrder);
    assertFitForLogs(shown, marks);
    assert.ok(shown.length <= 200);
    return shown === '' ? 'nothing' : 'a sentence';
  },
});

const documented = Object.values(readFixture<Record<string, { body: unknown }>>('errors')).map(({ body }) => body);
const saysAll = { message: secrets.join(' '), messages: secrets, error_description: secrets.join(), exception: CANARY };
const anyBody = damaged(fc.oneof(
  hostileText([...documented, saysAll]),
  gossip.map((message) => JSON.stringify({ message })),
  gossip.map((message) => JSON.stringify({ messages: [message, message] })),
  gossip,
).map((text) => Buffer.from(text))).map(String);
const anyStatus = fc.constantFrom(400, 401, 403, 404, 409, 410, 422, 451, 499);

// Goal: no refusal crashes us, and none makes us show a secret.
fuzz('a refusal is explained, whatever it says', {
  inputs: fc.record({ status: anyStatus, text: anyBody }),
  outcomes: ['SOURCE_REFUSED', 'SOURCE_PBX_REFUSED'],
  check: explained,
});

test('a refusal that is huge is explained', () => {
  for (const [what, text] of hugeTexts(saysAll)) assert.ok(explained({ status: 403, text }), what);
});

function explained(refusal: { readonly status: number; readonly text: string }): string {
  isCredentialRefused(refusal);
  assertIsExplained(explainTokenRefusal(refusal, secrets));
  return assertIsExplained(explainReportRefusal(refusal, { stream: 'call-legs', pbxId: 'acme' }, secrets));
}

function assertIsExplained(error: unknown): string {
  const { code, message, retryAfterMs = 0 } = assertIsRefusal(error, ['SOURCE_REFUSED', 'SOURCE_PBX_REFUSED']);
  assertFitForLogs(message, secrets.filter((secret) => secret !== '')); // a damaged one is none of ours any more
  assert.ok(message.length <= 400, `${message.length} characters`);
  assert.ok(retryAfterMs >= 5 * 60_000 && retryAfterMs <= 15 * 60_000);
  return code;
}

function assertFitForLogs(text: string, hidden: readonly string[]): void {
  assert.match(text, /^[\x20-\x7e]*$/);
  for (const part of hidden) assert.ok(!text.includes(part), `${part} in ${text}`);
}
