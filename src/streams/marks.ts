import type { FieldTable } from './kinds.ts';

/** Two characters for each field: twelve bits of a hash of its value, in the alphabet of base64url. */
const MARK_LENGTH = 2;
const ALPHABET = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_');

/** Of a field that 8x8 said nothing of; one that a table gets later is taken to have been so. */
const NOTHING = 'AA';

/**
 * The fields whose changes are named. Ids are the key, and do not change. Places are remembered: fields that are added
 * come last, so extras come first.
 */
export function markedFields(fields: FieldTable): readonly string[] {
  return ['extras', ...Object.keys(fields).filter((name) => fields[name] !== 'id')];
}

/**
 * What is remembered of a published content so that a change can be named, field by field. It holds no value, and since
 * it depends on the key nobody can tell from it which calls have one in common. Of 4,096 changes of a field one cannot
 * be told. That there is a change is told by `contentHash`.
 *
 * Fields are only ever added to the end of `names`.
 */
export function marksOf(
  names: readonly string[],
  key: string,
  value: Readonly<Record<string, unknown>>,
): string {
  const marks = Buffer.allocUnsafe(names.length * MARK_LENGTH);
  const seed = hashText(0, key);
  for (let index = 0; index < names.length; index += 1) {
    const bits = bitsOf(seed ^ index, value[names[index]!]);
    marks[index * MARK_LENGTH] = ALPHABET[bits >>> 6]!;
    marks[index * MARK_LENGTH + 1] = ALPHABET[bits & 63]!;
  }
  return marks.toString('latin1');
}

/** The fields whose values differ. None if nothing is known of what was before. */
export function changedFields(names: readonly string[], before: string, after: string): readonly string[] {
  if (before === '') return [];
  return names.filter((_, index) => markAt(before, index) !== markAt(after, index));
}

function markAt(marks: string, index: number): string {
  return marks.slice(index * MARK_LENGTH, (index + 1) * MARK_LENGTH) || NOTHING;
}

function bitsOf(seed: number, value: unknown): number {
  if (value === null) return 0;
  if (typeof value === 'number') return finish(mix(mix(seed, value | 0), Math.floor(value / 2 ** 32)));
  if (typeof value === 'boolean') return finish(mix(seed, Number(value)));
  return finish(hashText(seed, typeof value === 'string' ? value : JSON.stringify(value)));
}

function hashText(seed: number, text: string): number {
  let hash = seed;
  for (let index = 0; index < text.length; index += 1) hash = mix(hash, text.charCodeAt(index));
  return hash;
}

/** FNV-1a. */
function mix(hash: number, number: number): number {
  return Math.imul(hash ^ number, 0x01000193);
}

/** The end of MurmurHash3, so that the bits that are kept depend on all. */
function finish(hash: number): number {
  let bits = hash ^ (hash >>> 16);
  bits = Math.imul(bits, 0x85ebca6b);
  bits ^= bits >>> 13;
  bits = Math.imul(bits, 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) & 0xfff;
}
