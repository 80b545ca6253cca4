import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { canonicalJson, digest, eventIdOf } from '../../src/streams/digest.ts';

const sha256 = (text: string) => createHash('sha256').update(text, 'utf8').digest();

test('eventIdOf is SHA-256 over stream, key, revision and content hash, a line each', () => {
  const id = eventIdOf('call-legs', 'acme/1/2', 3, 2 ** 48 - 1);
  assert.equal(id, sha256('call-legs\nacme/1/2\n3\n281474976710655').toString('hex').slice(0, 32));
  assert.notEqual(id, eventIdOf('call-records', 'acme/1/2', 3, 2 ** 48 - 1));
  assert.notEqual(id, eventIdOf('call-legs', 'acme/1/2', 4, 2 ** 48 - 1));
});

test('digest takes the first 48 bits of SHA-256 as a whole number', () => {
  const { hex, contentHash } = digest('Zoë ☎');
  assert.equal(contentHash, sha256('Zoë ☎').readUIntBE(0, 6));
  assert.equal(hex, sha256('Zoë ☎').toString('hex').slice(0, 32));
});

test('canonicalJson writes equal values alike', () => {
  const cases: readonly (readonly [unknown, string])[] = [
    [null, 'null'],
    [undefined, 'null'],
    [Infinity, 'null'],
    [-0, '0'],
    [1.5, '1.5'],
    [true, 'true'],
    ['a"\u0000☎', '"a\\"\\u0000☎"'],
    ['\ud800', '"\ufffd"'],
    [{ '\ud800': 1 }, '{"\ufffd":1}'],
    [[], '[]'],
    [{}, '{}'],
    [[1, [2, [], {}], 3], '[1,[2,[],{}],3]'],
    [{ b: { d: 1, c: [null] }, a: 'x', Z: 0, 10: 1, 9: 2 }, '{"10":1,"9":2,"Z":0,"a":"x","b":{"c":[null],"d":1}}'],
    [JSON.parse('{"__proto__":{"x":1}}'), '{"__proto__":{"x":1}}'],
  ];
  for (const [value, json] of cases) assert.equal(canonicalJson(value), json);
});
