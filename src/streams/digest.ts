import { hash } from 'node:crypto';
import type { FeedId } from '../feed/feed.ts';

/** What equal content has in common, whenever and by whomever it is read. */
export interface Digest {
  /** The first 32 hex characters of the SHA-256 of the content. */
  readonly hex: string;
  /** The first 48 bits of it: fits a JavaScript number exactly. */
  readonly contentHash: number;
}

export function digest(content: string): Digest {
  const hex = hash('sha256', content, 'hex').slice(0, HEX_LENGTH);
  return { hex, contentHash: Number.parseInt(hex.slice(0, 12), 16) };
}

/**
 * Names one event for ever: the same row with the same content has the same id in every pass, on every worker
 * and after every restart, so a consumer can drop a copy without knowing where it came from.
 *
 * It is the first 32 hex characters of SHA-256 over the UTF-8 text
 * `<stream>\n<key>\n<revision>\n<contentHash>`, the numbers in decimal. No part can hold a line feed.
 */
export function eventIdOf(stream: FeedId['stream'], key: string, revision: number, contentHash: number): string {
  return hash('sha256', `${stream}\n${key}\n${revision}\n${contentHash}`, 'hex').slice(0, HEX_LENGTH);
}

const HEX_LENGTH = 32;

type Piece = string | { readonly value: unknown };

/**
 * JSON text in which equal values look equal: keys sorted by UTF-16 units, no spaces, lone surrogates replaced
 * by U+FFFD, and what JSON cannot hold written as `null`.
 *
 * It walks with a stack of its own, so no nesting is too deep for it: `JSON.stringify` throws on what
 * `JSON.parse` has read.
 */
export function canonicalJson(value: unknown): string {
  const todo: Piece[] = [{ value }];
  let text = '';
  for (let piece = todo.pop(); piece !== undefined; piece = todo.pop()) {
    if (typeof piece === 'string') text += piece;
    else if (Array.isArray(piece.value)) pushArray(todo, piece.value);
    else if (typeof piece.value === 'object' && piece.value !== null) pushObject(todo, piece.value);
    else text += scalarJson(piece.value);
  }
  return text;
}

/** Pieces are taken from the end, so they go in backwards. */
function pushArray(todo: Piece[], items: readonly unknown[]): void {
  todo.push(']');
  for (let index = items.length - 1; index >= 0; index -= 1) {
    todo.push({ value: items[index] }, index === 0 ? '[' : ',');
  }
  if (items.length === 0) todo.push('[');
}

function pushObject(todo: Piece[], object: object): void {
  const entries = Object.entries(object).sort(byKey);
  todo.push('}');
  for (let index = entries.length - 1; index >= 0; index -= 1) {
    const [key, value] = entries[index]!;
    todo.push({ value }, `${index === 0 ? '{' : ','}${JSON.stringify(key.toWellFormed())}:`);
  }
  if (entries.length === 0) todo.push('{');
}

function scalarJson(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.toWellFormed());
  return typeof value === 'number' || typeof value === 'boolean' ? JSON.stringify(value) : 'null';
}

/** By UTF-16 units, not by locale: the order must be the same on every machine. */
function byKey([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number {
  return left < right ? -1 : Number(left > right);
}
