import type { Answer } from './answers.ts';
import type { FaultKind } from './faults.ts';
import type { JsonRow, Report } from './rows.ts';

/** What a request said of itself, as it came over the wire. */
export interface AskedFor {
  readonly endpoint: 'token' | Report;
  /** Of a report: its parameters but for the scroll id, which names a call. */
  readonly query: Readonly<Record<string, string>>;
  /** It carries a scroll id: it is not the first of its scroll. */
  readonly scrolling: boolean;
  /** Name of the access token it came with, which no two callers share; null if it had none of ours. */
  readonly token: string | null;
}

/** One request and its answer, for whoever checks how a caller behaves and what it could know. */
export interface AnswerEntry extends AskedFor {
  /** Counts the answers, from 1. */
  readonly number: number;
  /** When the request came, epoch milliseconds. */
  readonly atMs: number;
  readonly status: number | 'none';
  /** What went wrong with it, if something did. */
  readonly fault: FaultKind | null;
  /** Rows that the caller could read. */
  readonly rows: number;
  /** Of those, the ones that are in no ledger: damaged copies of good rows, and rows of a PBX nobody has. */
  readonly strange: readonly JsonRow[];
  /** Until when a 429 asks for silence, epoch milliseconds; null if it does not say. */
  readonly silentUntilMs: number | null;
}

/** Old answers are forgotten a tenth at a time; an entry takes about half a kilobyte. */
const ANSWERS_KEPT_MAX = 100_000;

/** The latest answers of a simulator, in the order of their requests. */
export class AnswerLog {
  readonly #entries: AnswerEntry[] = [];
  #number = 0;

  add(asked: AskedFor, answer: Answer, { atMs, throttledUntilMs }: { atMs: number; throttledUntilMs: number }): void {
    this.#number += 1;
    this.#entries.push({
      number: this.#number,
      atMs,
      ...asked,
      status: answer.delivery === 'none' ? 'none' : answer.status,
      fault: answer.fault ?? null,
      rows: answer.served.length + answer.strange.length,
      strange: answer.strange,
      silentUntilMs: answer.status === 429 && throttledUntilMs > atMs ? throttledUntilMs : null,
    });
    if (this.#entries.length > ANSWERS_KEPT_MAX) this.#entries.splice(0, ANSWERS_KEPT_MAX / 10);
  }

  entries(): readonly AnswerEntry[] {
    return this.#entries.slice();
  }
}

/** Reads a token's name out of it; null for what is no token of ours. */
export function tokenName(authorization: string | undefined): string | null {
  const payload = /^Bearer [^.]+\.([^.]+)\.[^.]+$/i.exec(authorization ?? '')?.[1];
  try {
    const { jti } = JSON.parse(Buffer.from(payload ?? '', 'base64url').toString()) as { jti?: unknown };
    return typeof jti === 'string' ? jti : null;
  } catch {
    return null;
  }
}
