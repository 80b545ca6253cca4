import { hash } from 'node:crypto';
import type { SealedPage, SeenEntry } from './offset-record.ts';

/** More fingerprints than that are not kept of a feed: the oldest go first. */
export const SEALED_KEYS_MAX = 200_000;

/**
 * What a key is remembered by when its entry is forgotten: the first 48 bits of its SHA-256. They fit a number exactly.
 * Of 200,000 keys, one late row in 1,400 million is taken for one of them, and lost; with 32 bits one in 21,000.
 */
export function fingerprintOf(key: string): number {
  return Number.parseInt(hash('sha256', key, 'hex').slice(0, 12), 16);
}

export function sealPage(
  { newestMs, entries }: { readonly newestMs: number; readonly entries: readonly SeenEntry[] },
): SealedPage {
  return { newestMs, fingerprints: Float64Array.from(entries, ({ key }) => fingerprintOf(key)).sort() };
}

/** Fingerprints of the keys that were published and are forgotten: deep sweeps alone still ask for them. */
export class SealedKeys {
  readonly #pages = new Map<number, SealedPage>();
  /** All fingerprints in ascending order; undefined when pages have changed since somebody has asked. */
  #sorted: Float64Array | undefined;

  /** In the order in which they were sealed. */
  get pages(): ReadonlyMap<number, SealedPage> {
    return this.#pages;
  }

  set(page: number, sealed: SealedPage): void {
    this.#pages.set(page, sealed);
    this.#sorted = undefined;
  }

  delete(page: number): void {
    if (this.#pages.delete(page)) this.#sorted = undefined;
  }

  /** True for a key that is not there once in 2^48 / n times; false is always true. */
  has(key: string): boolean {
    const sorted = (this.#sorted ??= merge([...this.#pages.values()]));
    const wanted = fingerprintOf(key);
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (sorted[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return sorted[low] === wanted;
  }
}

/** Built when somebody asks, and not with each page: pages are sealed every minute, and asked for every hour. */
function merge(pages: readonly SealedPage[]): Float64Array {
  const all = new Float64Array(pages.reduce((sum, { fingerprints }) => sum + fingerprints.length, 0));
  let at = 0;
  for (const { fingerprints } of pages) {
    all.set(fingerprints, at);
    at += fingerprints.length;
  }
  return all.sort();
}

/**
 * How many of the pages, oldest first, are to go: those before `fromMs`, and the oldest of what is more than `keysMax`.
 */
export function countOld(pages: readonly SealedPage[], fromMs: number, keysMax = SEALED_KEYS_MAX): number {
  let keys = pages.reduce((sum, { fingerprints }) => sum + fingerprints.length, 0);
  const first = pages.findIndex(({ newestMs, fingerprints }) => {
    if (newestMs >= fromMs && keys <= keysMax) return true;
    keys -= fingerprints.length;
    return false;
  });
  return first === -1 ? pages.length : first;
}
