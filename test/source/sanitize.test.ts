import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldOf, sanitize } from '../../src/source/sanitize.ts';

const cases: { name: string; text: string; secrets?: string[]; shown: string }[] = [
  { name: 'leaves a sentence as it is', text: 'pageSize must be 50', shown: 'pageSize must be 50' },
  { name: 'hides our own secrets', text: 'bad password hunter2!', secrets: ['hunter2'], shown: 'bad password ***!' },
  { name: 'hides them as a form spells them', text: 'got p%26w+1', secrets: ['p&w 1'], shown: 'got ***' },
  { name: 'hides a secret that begins with another', text: 'no acme2024!', secrets: ['acme', 'acme2024!'],
    shown: 'no ***' },
  { name: 'hides a secret across lines', text: 'no pass\r\nword', secrets: ['pass  word'], shown: 'no ***' },
  { name: 'hides a token', text: 'expired: eyJhbGciOiJSUzI1NiJ9.yyyyyyy.zzzzzzzzzzz', shown: 'expired: ***' },
  { name: 'hides phone numbers', text: 'from +15555551220 to (555) 123-4567', shown: 'from *** to (***' },
  { name: 'hides users', text: 'user(someuser.acme.com) has no access', shown: 'user(***) has no access' },
  { name: 'hides addresses', text: 'jane@acme.com is locked', shown: '*** is locked' },
  { name: 'lets no line be forged', text: 'bad\r\n{"level":"info"}\u001b[31m', shown: 'bad  {"level":"info"} [31m' },
  { name: 'is short', text: 'ab '.repeat(100_000), shown: 'ab '.repeat(67).slice(0, 200).trim() },
];

for (const { name, text, secrets = [], shown } of cases) {
  test(`sanitize ${name}`, () => assert.equal(sanitize(text, secrets), shown));
}

test('sanitize takes no time to speak of on hostile texts', () => {
  for (const text of ['a'.repeat(65_536), '1 '.repeat(30_000), 'user('.repeat(10_000), `1${' '.repeat(60_000)}`]) {
    const startedMs = performance.now();
    sanitize(text, ['secret']);
    assert.ok(performance.now() - startedMs < 100);
  }
});

test('fieldOf finds a text field, and the first text of a list', () => {
  assert.equal(fieldOf('{"message":"no"}', 'message'), 'no');
  assert.equal(fieldOf('{"messages":["no","never"]}', 'messages'), 'no');
});

const wordless = ['{"message":7}', '{"message":{}}', '{"messages":[]}', '{"__proto__":{"message":"no"}}'];
for (const body of ['', '<html>', 'null', '[]', ...wordless]) {
  test(`fieldOf finds nothing in ${body || 'nothing'}`, () => {
    assert.equal(fieldOf(body, 'message') ?? fieldOf(body, 'messages'), undefined);
  });
}
