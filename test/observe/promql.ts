/** What a query in PromQL names: enough to compare it with a registry, not a parser. */
export interface Named {
  readonly metrics: readonly string[];
  /** In matchers and in groupings. */
  readonly labels: readonly string[];
  /** Of matchers: `code="A|B"` is `['code', 'A']` and `['code', 'B']`. */
  readonly values: readonly (readonly [label: string, value: string])[];
}

const OPERATORS = new Set(['and', 'or', 'unless', 'bool', 'offset']);

export function namesIn(query: string): Named {
  const labels: string[] = [];
  const values: (readonly [string, string])[] = [];
  const bare = query
    .replace(/\{([^}]*)\}/g, (_, matchers: string) => {
      for (const [, label, value] of matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"/g)) {
        labels.push(label!);
        for (const one of value!.split('|')) values.push([label!, one]);
      }
      return '';
    })
    .replace(/\[[^\]]*\]/g, '')
    .replace(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g, (_, grouping: string) => {
      labels.push(...grouping.split(',').map((label) => label.trim()).filter((label) => label !== ''));
      return ' ';
    });
  const metrics = [...bare.matchAll(/(?<![\w.])[a-zA-Z_]\w*(?!\w|\s*\()/g)].map(([name]) => name)
    .filter((name) => !OPERATORS.has(name));
  return { metrics, labels, values };
}
