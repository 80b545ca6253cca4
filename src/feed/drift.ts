/** Something about the rows of a feed that is not as it was known to be. Told once, by its name. */
export interface Named {
  readonly name: string;
}

/** A report that changes in more ways than that is told by its first ones. */
const DRIFTS_MAX = 100;

/** What the feed has not told yet, each once. */
export function untold<D extends Named>(
  told: ReadonlySet<string>,
  events: readonly { readonly drift: readonly D[] }[],
): readonly D[] {
  const found = new Map<string, D>();
  for (const { drift } of events) {
    for (const one of drift) {
      if (told.size + found.size >= DRIFTS_MAX) return [...found.values()];
      if (!told.has(one.name) && !found.has(one.name)) found.set(one.name, one);
    }
  }
  return [...found.values()];
}
