import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AnswerTooLarge, readJson, readStart } from '../../src/source/body.ts';
import { readFixture } from '../fixtures/read-fixture.ts';
import { assertIsRefusal, fuzz, valueOrCode } from './fuzz.ts';
import { damaged, hostileText, hugeTexts } from './hostile.ts';

const answers = ['call-legs', 'token'].map((name) => readFixture<{ body: unknown }>(name).body);
const BYTES_MAX = 3_000;

/** JSON in the encodings that the world has for it; 8x8's are UTF-8. */
const encodings = [
  (text: string) => Buffer.from(text),
  (text: string) => Buffer.from(`\ufeff${text}`),
  (text: string) => Buffer.from(text, 'utf16le'),
  (text: string) => Buffer.from(text, 'latin1'),
];
const bytes = fc.tuple(hostileText(answers), fc.constantFrom(encodings[0]!, ...encodings));
const jsonTypes = ['application/json', 'APPLICATION/JSON ;charset=utf-16', 'application/hal+json'];
const otherType = fc.constantFrom('', 'text/html', 'text/json', 'application/json, text/html', 'application/+json');
const contentType = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(...jsonTypes) },
  { weight: 1, arbitrary: otherType },
);

interface Body {
  readonly bytes: Buffer;
  readonly type: string;
  /** Bytes of a chunk: characters fall apart. */
  readonly chunk: number;
}

// Goal: a body is read as the JSON it is, or refused; never half. Method: any encoding, damaged, in chunks of any size.
fuzz('readJson reads JSON whole or refuses the body', {
  inputs: fc.record({
    bytes: damaged(bytes.map(([text, encode]) => encode(text))),
    type: contentType,
    chunk: fc.integer({ min: 1, max: 5_000 }),
  }),
  outcomes: ['JSON', 'too large', 'SOURCE_MALFORMED'],
  check: outcomeOf,
});

fuzz('readStart reads the start of anything as text', {
  inputs: damaged(bytes.map(([text, encode]) => encode(text))),
  outcomes: ['text'],
  check: async (body) => {
    const text = await readStart(responseOf({ bytes: body, type: 'text/plain', chunk: 700 }), BYTES_MAX);
    assert.ok(text.isWellFormed() && text.length <= BYTES_MAX);
    return 'text';
  },
});

test('readJson comes to an end with huge bodies', async () => {
  for (const [what, text] of hugeTexts(answers[1])) {
    const response = responseOf({ bytes: Buffer.from(text), type: 'application/json', chunk: 65_536 });
    assert.ok(await valueOrCode(() => readJson(response, 32_000_000), ['SOURCE_MALFORMED']), what);
  }
});

async function outcomeOf(body: Body): Promise<string> {
  const response = responseOf(body);
  const isJson = jsonTypes.includes(body.type);
  try {
    const value = await readJson(response, BYTES_MAX);
    assert.ok(isJson && body.bytes.length <= BYTES_MAX);
    assert.deepEqual(value, JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body.bytes)));
    return 'JSON';
  } catch (error) {
    const { code } = assertIsRefusal(error, ['SOURCE_MALFORMED']);
    assert.equal(error instanceof AnswerTooLarge, isJson && body.bytes.length > BYTES_MAX);
    return error instanceof AnswerTooLarge ? 'too large' : code;
  } finally {
    assert.ok(response.body === null || response.bodyUsed, 'the body is left on the connection');
  }
}

function responseOf({ bytes: body, type, chunk }: Body): Response {
  let sent = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent >= body.length) return controller.close();
      controller.enqueue(new Uint8Array(body.subarray(sent, sent + chunk)));
      sent += chunk;
    },
  });
  return new Response(stream, { headers: { 'content-type': type } });
}
