import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer, Call, Http } from '../../src/source/http.ts';
import { createTokens } from '../../src/source/token.ts';
import { readFixture } from '../fixtures/read-fixture.ts';
import { credentials, fakeClock, never } from '../source/scripted-server.ts';
import { fuzz, valueOrCode } from './fuzz.ts';
import { hostileText, hugeTexts } from './hostile.ts';

const answers = [readFixture<{ body: unknown }>('token').body];
const DAY_MS = 24 * 60 * 60_000;

// Goal: a login answer is a token that can stand in a header, for a life that makes sense, or it is asked for again.
fuzz('a login answer gives a usable token or is refused', {
  inputs: hostileText(answers),
  outcomes: ['a token', 'SOURCE_MALFORMED'],
  check: outcomeOf,
});

test('a login answer that is huge comes to an end', async () => {
  for (const [what, text] of hugeTexts(answers[0])) assert.ok(await outcomeOf(text), what);
});

async function outcomeOf(text: string): Promise<string> {
  const clock = fakeClock();
  const asked: string[] = [];
  const http: Http = {
    async send<T>(call: Call<T>): Promise<Answer<T>> {
      asked.push(call.path);
      return { value: call.parse(JSON.parse(text)) };
    },
    setShare: () => undefined,
    aheadMs: () => 0,
  };
  const tokens = createTokens({ credentials: () => credentials, http, clock });
  const got = await valueOrCode(() => tokens.get(never, 0), ['SOURCE_MALFORMED']);
  if ('code' in got) return got.code;

  const { accessToken } = got.value;
  assert.equal(new Headers({ authorization: `Bearer ${accessToken}` }).get('authorization'), `Bearer ${accessToken}`);
  assert.ok(accessToken.length <= 16_384, `${accessToken.length} characters fit in no header`);
  assert.equal(await tokens.get(never, 0), got.value, 'it is not kept at all');
  clock.advance(DAY_MS);
  await tokens.get(never, 0);
  assert.equal(asked.length, 2, 'it is kept for longer than a day');
  return 'a token';
}
