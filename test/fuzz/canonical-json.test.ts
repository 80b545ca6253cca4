import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalJson } from '../../src/streams/digest.ts';
import { documentedLegs, documentedRecords } from '../streams/documented.ts';
import { fuzz } from './fuzz.ts';
import { hostileJson, hugeTexts } from './hostile.ts';

// Goal: equal content has equal text, for ever. Method: compare with the same said by recursion, keys turned around.
fuzz('canonicalJson writes any JSON as one text', {
  inputs: hostileJson([...documentedLegs, ...documentedRecords]),
  outcomes: ['text'],
  check: (value) => {
    const text = canonicalJson(value);
    assert.equal(text, byRecursion(value));
    assert.equal(canonicalJson(turned(value)), text);
    assert.ok(text.isWellFormed());
    JSON.parse(text);
    return 'text';
  },
});

test('canonicalJson comes to an end with huge values', () => {
  for (const [what, text] of hugeTexts(documentedLegs[0])) assert.ok(canonicalJson(JSON.parse(text)).length > 0, what);
});

function byRecursion(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(byRecursion).join()}]`;
  if (typeof value === 'string') return JSON.stringify(value.toWellFormed());
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const names = Object.keys(value).sort();
  const fields = names.map((name) => `${byRecursion(name)}:${byRecursion((value as Record<string, unknown>)[name])}`);
  return `{${fields.join()}}`;
}

function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).reverse().map(([name, inner]) => [name, turned(inner)] as const);
  return Object.fromEntries(fields);
}
