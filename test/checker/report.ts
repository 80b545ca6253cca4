import type { InvariantId, Verdict } from './check.ts';

/** More examples of one kind of violation say little. */
const EXAMPLES_MAX = 3;

/** Invariants that may have had nothing to look at. */
export type Optional = ReadonlySet<string>;

/** Without the broker's disk at hand, a reader beside the run, or a topic of calls there is nothing to look at. */
export const OPTIONAL: Optional = new Set<InvariantId>(['I9', 'I10', 'I21']);

export function isBad({ id, outcome }: Verdict, optional: Optional): boolean {
  return outcome === 'broken' || (outcome === 'blind' && !optional.has(id));
}

/** What speaks against a run, a line each; none if all holds. */
export function complaintsOf(verdicts: readonly Verdict[], optional: Optional): readonly string[] {
  return verdicts.filter((verdict) => isBad(verdict, optional)).flatMap(({ id, title, outcome, at, violations }) => {
    const name = `${id} ${title}`;
    if (outcome === 'blind') return [`${name}: there was nothing to look at: 0 ${at}`];
    const more = violations.length - EXAMPLES_MAX;
    const examples = violations.slice(0, EXAMPLES_MAX).map((text) => `${name}: ${text}`);
    return more > 0 ? [...examples, `${name}: and ${more} more`] : examples;
  });
}

/** One row for each invariant. */
export function tableOf(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(({ id, title, outcome, looked, at, violations }) => {
    const verdict = outcome === 'broken' ? `BROKEN ${violations.length} times` : outcome;
    return [id.padEnd(4), title.padEnd(22), verdict.padEnd(18), `${looked} ${at}`].join(' ');
  });
  return rows.join('\n');
}
