import assert from 'node:assert/strict';
import { test } from 'node:test';
import { untold } from '../../src/feed/drift.ts';

const event = (...names: readonly string[]) => ({ drift: names.map((name) => ({ name })) });
const namesOf = (told: readonly string[], ...events: ReturnType<typeof event>[]): readonly string[] =>
  untold(new Set(told), events).map(({ name }) => name);

test('untold is what was never told, each once, in its order', () => {
  assert.deepEqual(namesOf(['b'], event('c', 'a'), event(), event('b', 'a', 'd')), ['c', 'a', 'd']);
  assert.deepEqual(namesOf([], event()), []);
});

test('what a feed tells, and remembers to have told, is bounded', () => {
  const many = Array.from({ length: 300 }, (_, index) => event(`field ${index}`));
  assert.equal(namesOf([], ...many).length, 100);
  assert.equal(namesOf(Array.from({ length: 99 }, (_, index) => `other ${index}`), ...many).length, 1);
  assert.equal(namesOf(Array.from({ length: 100 }, (_, index) => `other ${index}`), ...many).length, 0);
});
