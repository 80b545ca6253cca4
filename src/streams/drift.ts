import type { Named } from '../feed/drift.ts';
import type { RawRow } from './stream.ts';

/** How a row differs from what 8x8 documents. Nothing of it is lost: what has no place is kept in `extras`. */
export interface Drift extends Named {
  readonly kind: 'unknown-field' | 'misfit' | 'missing-field' | 'new-word';
  /** "?" if the field has a name that is none, for it might say something of a person. */
  readonly field: string;
  /** The word that is new; else what kind of JSON has come in the field, or null for nothing. */
  readonly found: string | null;
}

/** What is known of a report. */
export interface Known {
  /** Every documented field, published or not. */
  readonly fields: ReadonlySet<string>;
  /** Of fields that hold one of a few words: those that are known. */
  readonly words: Readonly<Record<string, readonly string[]>>;
}

/** What most rows have. */
export const NO_DRIFT: readonly Drift[] = [];

/** @param missing how many documented fields the row does not have at all */
export function driftOf({ fields, words }: Known, row: RawRow, value: RawRow, missing: number): readonly Drift[] {
  const drifts: Drift[] = [];
  for (const name in value['extras'] as object) {
    drifts.push(drift(fields.has(name) ? 'misfit' : 'unknown-field', name, kindOfJson(row[name])));
  }
  if (missing > 0) {
    for (const name of fields) if (row[name] === undefined) drifts.push(drift('missing-field', name, null));
  }
  for (const name in words) {
    const word = value[name];
    if (typeof word === 'string' && word !== '' && !words[name]!.includes(word)) {
      drifts.push(drift('new-word', name, wordOrNot(word)));
    }
  }
  return drifts.length === 0 ? NO_DRIFT : drifts;
}

function drift(kind: Drift['kind'], name: string, found: string | null): Drift {
  const field = /^[A-Za-z]\w{0,63}$/.test(name) && !/\d{5}/.test(name) ? name : '?';
  return { name: [kind, field, ...(kind === 'new-word' ? [found] : [])].join(' '), kind, field, found };
}

/** Only what looks like a word of 8x8's is shown: who knows what is in the field. */
function wordOrNot(text: string): string {
  return /^\p{L}[\p{L} ()/-]{0,39}$/u.test(text) ? text : '?';
}

function kindOfJson(raw: unknown): string {
  if (Array.isArray(raw)) return 'array';
  return raw === null ? 'null' : typeof raw;
}
