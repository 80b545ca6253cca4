/** What a run has come to. */
export interface Figure {
  readonly records: number;
  readonly seconds: number;
  /** Of its process. */
  readonly cpuSeconds?: number;
  /** The most memory that it held. */
  readonly peakMiB?: number;
  /** Mean duration of a transaction. */
  readonly transactionMs?: number;
}

/** The runs of one moment, by what was run; the road is always there. */
export type Round = Readonly<Record<string, Figure>> & { readonly road: Figure };

/** All rounds of a case, as they are kept as JSON. */
export interface Measured {
  readonly name: string;
  readonly what: string;
  readonly rounds: readonly Round[];
}

/** A value, and between which it lay. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Of what a guard has kept, so much may be lost. */
const LOSS_MAX = 0.1;

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const half = (sorted.length - 1) / 2;
  const median = (sorted[Math.floor(half)]! + sorted[Math.ceil(half)]!) / 2;
  return { median, min: sorted[0]!, max: sorted.at(-1)! };
}

export function perSecond({ records, seconds }: Figure): number {
  return records / seconds;
}

/** How fast the road is beside something else, round by round: each ratio comes from one moment of one machine. */
export function ratioOf({ rounds }: Measured, beside: string): Spread {
  return spreadOf(rounds.map((round) => perSecond(round.road) / perSecond(round[beside]!)));
}

/** Rows of a table: what was run, and its figures, medians over the rounds. */
export function rowsOf(measured: Measured): readonly (readonly string[])[] {
  const { name, rounds } = measured;
  return Object.keys(rounds[0]!).map((what) => {
    const figures = rounds.map((round) => round[what]!);
    const median = (read: (figure: Figure) => number | undefined, digits: number): string => {
      const values = figures.map(read).filter((value) => value !== undefined);
      return values.length === 0 ? '' : spreadOf(values).median.toFixed(digits);
    };
    return [
      what === 'road' ? name : '', what, median(({ records }) => records, 0), median(({ seconds }) => seconds, 1),
      median(perSecond, 0), what === 'road' ? '' : shown(ratioOf(measured, what)),
      median(({ cpuSeconds, records }) => cpuSeconds && (cpuSeconds * 1_000_000) / records, 1),
      median(({ peakMiB }) => peakMiB, 0), median(({ transactionMs }) => transactionMs, 1),
    ];
  });
}

export const HEAD = [
  'case', 'what', 'records', 's', 'records / s', 'road / this', 'CPU s per million', 'peak MiB', 'ms / transaction',
];

function shown({ median, min, max }: Spread): string {
  return min === max ? median.toFixed(2) : `${median.toFixed(2)} (${min.toFixed(2)} to ${max.toFixed(2)})`;
}

/** Why a change must not pass: its ratio is lost by more than a tenth of what was kept. Undefined if it may. */
export function objectionTo(kept: number, now: Spread): string | undefined {
  if (now.median >= kept * (1 - LOSS_MAX)) return undefined;
  const lost = Math.round((1 - now.median / kept) * 100);
  return `the road has become slower by ${lost} %: ${shown(now)} of kafkajs alone, kept is ${kept.toFixed(2)}`;
}
