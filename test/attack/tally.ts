import Table from 'cli-table3';
import type { Outcome } from './kinds.ts';

const PLAIN = { style: { head: [], border: [] } };

/** What all journeys of an attack have come to. */
export class Tally {
  readonly #blows = new Map<string, number>();
  readonly #recoveriesMs = new Map<string, number[]>();
  readonly #rows = { shown: 0, published: 0, lost: 0, doubled: 0, rejected: 0 };
  kills = 0;
  journeys = 0;

  strike(blow: string, kills: number): void {
    this.#blows.set(blow, (this.#blows.get(blow) ?? 0) + 1);
    this.kills += kills;
  }

  add({ verdict, recoveries }: Outcome): void {
    const { shown, published, lost, doubled, rejected } = verdict;
    const counts = { shown, published, lost: lost.length, doubled: doubled.length, rejected };
    for (const name of Object.keys(counts) as (keyof typeof counts)[]) this.#rows[name] += counts[name];
    for (const [blow, list] of recoveries) {
      this.#recoveriesMs.set(blow, [...(this.#recoveriesMs.get(blow) ?? []), ...list]);
    }
    this.journeys += 1;
  }

  /** `kill 12, stop 3, …` */
  blows(): string {
    return [...this.#blows].map(([blow, count]) => `${blow} ${count}`).join(', ');
  }

  table(): string {
    const rows = new Table({ ...PLAIN, head: Object.keys(this.#rows).map((name) => `rows ${name}`) });
    rows.push(Object.values(this.#rows));
    const blows = new Table({ ...PLAIN, head: ['blow', 'times', 'shards', 'p50 s', 'p99 s', 'max s'] });
    for (const [blow, times] of this.#blows) {
      const all = (this.#recoveriesMs.get(blow) ?? []).toSorted((a, b) => a - b);
      const shares = all.length === 0 ? ['', '', ''] : [0.5, 0.99, 1].map((share) => inSeconds(percentile(all, share)));
      blows.push([blow, times, all.length, ...shares]);
    }
    return `${rows.toString()}\nFrom a blow to the next commit of each shard that it struck, where no other blow came `
      + `between; after brokers that were away, from when they are back:\n${blows.toString()}`;
  }
}

/** The smallest value that `share` of all, in ascending order, do not exceed. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(Math.ceil(sorted.length * share) - 1, 0)]!;
}

function inSeconds(ms: number): string {
  return (ms / 1_000).toFixed(2);
}
