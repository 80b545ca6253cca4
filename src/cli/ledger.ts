import Table from 'cli-table3';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { systemClock } from '../clock.ts';
import { loadConfig, readLedger, type Config } from '../connector.ts';
import { ConnectorError } from '../errors.ts';
import { coverageOf, pieces, type Coverage } from '../feed/coverage.ts';
import { RETENTION_MS, type Window } from '../feed/window.ts';
import type { LedgerEntry } from '../streams/audit.ts';
import { timeOf } from './time.ts';

/** Arguments of `8x8-connector ledger`. */
export interface LedgerArguments {
  readonly config: readonly string[];
  readonly from?: number;
  readonly to?: number;
  readonly pbx?: readonly string[];
  readonly per: 'hour' | 'day';
  readonly json?: boolean;
  readonly csv?: boolean;
}

const HOUR_MS = 3_600_000;
const PER_MS = { hour: HOUR_MS, day: 24 * HOUR_MS };

export function addLedgerOptions(command: Command): Command {
  return command
    .description('show what was read, hour by hour, and what is missing; then the exit code is 6')
    .addOption(new Option('-c, --config <file...>', 'JSON files with settings, as for run').default([], 'none'))
    .addOption(new Option('--from <time>', 'ISO time; default: a day before the end').argParser(timeOf))
    .addOption(new Option('--to <time>', 'ISO time; default: now').argParser(timeOf))
    .addOption(new Option('--pbx <names>', 'only these, as in EIGHT_PBX_IDS').argParser(names))
    .addOption(new Option('--per <unit>', 'a line per hour or per day').choices(['hour', 'day']).default('hour'))
    .addOption(new Option('--json', 'JSON lines instead of a table').conflicts('csv'))
    .addOption(new Option('--csv', 'CSV instead of a table'));
}

/** A line of what is printed: a feed in an hour or a day. */
interface Line extends Coverage {
  readonly stream: string;
  readonly pbxId: string;
}

/** Prints the ledger. @returns whether it is complete. */
export async function ledger(args: LedgerArguments, print: (line: string) => void): Promise<boolean> {
  const span = spanOf(args, systemClock.nowMs());
  const config = loadConfig(args.config);
  const entries = (await readLedger(config, span.from)).filter(({ pass }) => pass === 'live');
  const lines = linesOf(feedsOf(config, entries, args.pbx), pieces(span, PER_MS[args.per]));
  const write = args.json ? writeJson : args.csv ? writeCsv : writeTable;
  write(lines, print);
  return lines.every(({ holes }) => holes.length === 0);
}

function spanOf({ from, to }: LedgerArguments, nowMs: number): Window {
  const end = Math.min(to ?? nowMs, nowMs);
  const span = { from: from ?? end - 24 * HOUR_MS, to: end };
  if (span.from > nowMs) throw invalid('--from lies in the future');
  if (span.from >= span.to) throw invalid('--from must lie before --to');
  if (span.from < nowMs - RETENTION_MS) throw invalid('--from lies more than two years back, 8x8 keeps no more');
  return span;
}

/** Entries by feed: of those that are in the settings, and of any other that has some. */
type Feeds = ReadonlyMap<string, readonly LedgerEntry[]>;

function feedsOf({ source }: Config, entries: readonly LedgerEntry[], pbxs: readonly string[] | undefined): Feeds {
  const configured = source.pbxIds.flatMap((pbxId) => source.streams.map((stream) => ({ pbxId, stream })));
  const feeds = [...configured, ...entries].map(({ pbxId, stream }) => `${pbxId.toLowerCase()} ${stream}`).sort();
  const byFeed = Map.groupBy(entries, ({ pbxId, stream }) => `${pbxId.toLowerCase()} ${stream}`);
  const all = new Map(feeds.map((feed) => [feed, byFeed.get(feed) ?? []]));
  if (pbxs === undefined) return all;

  const pbxOf = (feed: string): string => feed.slice(0, feed.lastIndexOf(' '));
  const known = new Set(feeds.map(pbxOf));
  const strange = pbxs.find((pbx) => !known.has(pbx.toLowerCase()));
  if (strange !== undefined) throw invalid(`--pbx ${strange}: there are only ${[...known].join(', ')}`);
  return new Map([...all].filter(([feed]) => pbxs.some((pbx) => pbx.toLowerCase() === pbxOf(feed))));
}

function linesOf(feeds: Feeds, spans: readonly Window[]): readonly Line[] {
  return [...feeds].flatMap(([feed, entries]) => {
    const [pbxId, stream] = [feed.slice(0, feed.lastIndexOf(' ')), feed.slice(feed.lastIndexOf(' ') + 1)];
    return coverageOf(entries, spans).map((coverage) => ({ pbxId, stream, ...coverage }));
  });
}

const COLUMNS = ['windows', 'new', 'corrected', 'late', 'rejected', 'recovered', 'short'] as const;

function writeTable(lines: readonly Line[], print: (line: string) => void): void {
  const style = { head: [], border: [] };
  const table = new Table({ style, head: ['from (UTC)', 'PBX', 'stream', ...COLUMNS, 'complete'] });
  for (const line of lines) {
    const counts = COLUMNS.map((name) => ({ content: String(line[name]), hAlign: 'right' as const }));
    table.push([iso(line.span.from).slice(0, 16).replace('T', ' '), line.pbxId, line.stream, ...counts, stateOf(line)]);
  }
  print(table.toString());
  for (const { stream, pbxId: pbx, holes } of lines) {
    for (const { from, to } of holes) print(`MISSING: ${stream}/${pbx} was not read from ${iso(from)} to ${iso(to)}.`);
  }
  if (lines.every(({ holes }) => holes.length === 0)) print('Nothing is missing of what was passed.');
}

function stateOf({ holes, pendingFromMs, span }: Line): string {
  if (holes.length > 0) return 'HOLE';
  if (pendingFromMs === undefined) return 'yes';
  return pendingFromMs === span.from ? 'not yet' : `to ${iso(pendingFromMs).slice(11, 19)}`;
}

function writeJson(lines: readonly Line[], print: (line: string) => void): void {
  for (const { span, holes, pendingFromMs, ...line } of lines) {
    print(JSON.stringify({
      from: iso(span.from), to: iso(span.to), ...line,
      holes: holes.map(({ from, to }) => ({ from: iso(from), to: iso(to) })),
      pendingFrom: pendingFromMs === undefined ? null : iso(pendingFromMs),
    }));
  }
}

function writeCsv(lines: readonly Line[], print: (line: string) => void): void {
  print(['from', 'to', 'pbxId', 'stream', ...COLUMNS, 'holeSeconds', 'pendingFrom'].join(','));
  for (const line of lines) {
    const { span, pbxId, stream, holes, pendingFromMs } = line;
    const holeMs = holes.reduce((sum, { from, to }) => sum + to - from, 0);
    const cells = [iso(span.from), iso(span.to), pbxId, stream, ...COLUMNS.map((name) => line[name]), holeMs / 1_000,
      pendingFromMs === undefined ? '' : iso(pendingFromMs)];
    print(cells.map(csvCell).join(','));
  }
}

/** @see https://www.rfc-editor.org/rfc/rfc4180 */
function csvCell(value: string | number): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** `a,b+c` names the PBX a, and the PBXs b and c that are read in one request. */
function names(text: string): readonly string[] {
  const list = text.split(',').map((name) => name.trim().split('+').join(','));
  if (list.includes('')) throw new InvalidArgumentError('Expected PBX names with commas between.');
  return list;
}

function invalid(problem: string): ConnectorError {
  return new ConnectorError('CONFIG_INVALID', problem);
}
