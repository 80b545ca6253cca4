import { readFileSync } from 'node:fs';
import { settingList } from '../../src/config.ts';
import { ageText } from '../../src/feed/deep-sweep.ts';
import { createMetrics } from '../../src/observe/metrics.ts';
import { callLegLeftOut } from '../../src/streams/call-legs.ts';
import { callRecordLeftOut } from '../../src/streams/call-records.ts';
import { topicsTable } from './topics.ts';

/** Every part of the README that is made from the source, by the name in its `<!-- name -->` marks. */
export async function readmeSections(): Promise<Readonly<Record<string, string>>> {
  return {
    'poll-once': `\`\`\`ts\n${functionText('src/worker/poll.ts', 'pollOnce')}\n\`\`\``,
    'topics': topicsTable(),
    'call-leg': fieldTable('call-leg.avsc', callLegLeftOut),
    'call-record': fieldTable('call-record.avsc', callRecordLeftOut),
    'rejected': fieldTable('rejected.avsc'),
    'ledger': fieldTable('ledger.avsc'),
    'watermark': fieldTable('watermark.avsc'),
    'drift': fieldTable('drift.avsc'),
    'call': fieldTable('call.avsc'),
    'settings': settingsTable(),
    'metrics': await metricsTable(),
  };
}

/** `config/default.json`: every setting with its default, and its doc as a note beside it. */
export function defaultConfig(): string {
  const groups: Record<string, Record<string, unknown>> = {};
  for (const { path, env, doc, default: value } of settingList) {
    const [group, name] = path.split('.') as [string, string];
    groups[group] ??= {};
    groups[group][`// ${name}`] = `${doc} (${env})`;
    if (value !== null) groups[group][name] = spoken(name, value);
  }
  return `${JSON.stringify(groups, null, 2)}\n`;
}

/** Puts each section between its marks. @throws Error for a mark without a section, or a section without marks. */
export function fillIn(text: string, sections: Readonly<Record<string, string>>): string {
  const names = [...text.matchAll(/^<!-- ([a-z-]+) -->$/gm)].map(([, name]) => name!);
  const unlike = new Set(names).symmetricDifference(new Set(Object.keys(sections)));
  if (unlike.size > 0) throw new Error(`README.md and sections.ts do not name the same sections: ${[...unlike]}`);
  return names.reduce((filled, name) => {
    const between = new RegExp(`(<!-- ${name} -->\\n)[\\s\\S]*?(<!-- /${name} -->)`);
    return filled.replace(between, (_, open: string, close: string) => `${open}${sections[name]}\n${close}`);
  }, text);
}

function settingsTable(): string {
  const rows = settingList.map(({ path, env, doc, default: value, sensitive }) => {
    const file = sensitive ? ` or \`${env}_FILE\`` : '';
    const standard = value === null ? '**required**' : `\`${spoken(path.split('.')[1]!, value)}\``;
    return `| \`${env}\`${file} | \`${path}\` | ${value === '' ? 'none' : standard} | ${doc} |`;
  });
  return ['| environment | in a file | default | what it does |', '|---|---|---|---|', ...rows].join('\n');
}

/** A default as a person writes it: `7200000` milliseconds are `2h`. */
function spoken(name: string, value: unknown): unknown {
  if (name === 'retentionMs') return 'forever';
  if (name === 'deepSweepsMs') return (value as readonly number[]).map(ageText).join(',');
  if (!name.endsWith('Ms') || typeof value !== 'number') return Array.isArray(value) ? value.join(',') : value;
  const units = [['d', 86_400_000], ['h', 3_600_000], ['m', 60_000], ['s', 1_000]] as const;
  const [unit, ms] = units.find(([, size]) => value % size === 0)!;
  return `${value / ms}${unit}`;
}

interface Field {
  readonly name: string;
  readonly type: unknown;
  readonly doc: string;
}

function fieldTable(file: string, leftOut: Readonly<Record<string, string>> = {}): string {
  const schema = JSON.parse(readFileSync(new URL(`../../schemas/${file}`, import.meta.url), 'utf8'));
  const rows = (schema.fields as Field[]).map(({ name, type, doc }) => `| \`${name}\` | ${typeText(type)} | ${doc} |`);
  const left = Object.entries(leftOut).map(([name, twin]) =>
    `| ~~\`${name}\`~~ | left out | The same as \`${twin}\`, as text. |`);
  return ['| field | type | meaning |', '|---|---|---|', ...rows, ...left].join('\n');
}

function typeText(type: unknown): string {
  if (Array.isArray(type)) return `${typeText(type.find((branch) => branch !== 'null'))}, or null`;
  if (typeof type === 'string') return type;
  const { type: name, logicalType, items, values } = type as Record<string, string>;
  if (logicalType !== undefined) return logicalType;
  if (name === 'array') return `array of ${typeText(items)}`;
  if (name === 'map') return `map of ${typeText(values)}`;
  return name!;
}

async function metricsTable(): Promise<string> {
  const metrics = await createMetrics(() => 0).registry.getMetricsAsJSON();
  const rows = metrics
    .filter(({ name }) => name.startsWith('connector_'))
    .map(({ name, type, help }) => `| \`${name}\` | ${type} | ${help} |`);
  return ['| metric | kind | meaning |', '|---|---|---|', ...rows].join('\n');
}

/** An exported function as it stands in its file, from its docstring to its closing brace. */
function functionText(file: string, name: string): string {
  const text = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
  const start = text.indexOf(`export async function ${name}(`);
  const docstring = text.lastIndexOf('/**', start);
  return text.slice(docstring, text.indexOf('\n}\n', start) + 2);
}
