import { InvalidArgumentError } from 'commander';
import { floorToSecond } from '../feed/window.ts';

/** An argument that is a time, epoch milliseconds. Without a zone it would mean another one on each machine. */
export function timeOf(text: string): number {
  const ms = Date.parse(text);
  if (Number.isNaN(ms) || !/(Z|[+-]\d\d:\d\d)$/.test(text)) {
    throw new InvalidArgumentError('Expected a time with its zone, such as 2026-11-20T00:00:00Z.');
  }
  return floorToSecond(ms);
}

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}
