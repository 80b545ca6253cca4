import type { Evidence } from './evidence.ts';

/** What an invariant has looked at, and what breaks it. */
export interface Finding {
  /** How much there was to look at; 0 means that it has proven nothing. */
  readonly looked: number;
  /** What that number counts. */
  readonly at: string;
  /** A smallest example each: what is there, and what speaks against it. */
  readonly violations: readonly string[];
}

/** Judges the evidence alone: no clock, no I/O. */
export type Invariant = (evidence: Evidence) => Finding;
