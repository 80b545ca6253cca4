import Table from 'cli-table3';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { systemClock } from '../clock.ts';
import { loadConfig, readLedger, type Config } from '../connector.ts';
import { invalid } from '../errors.ts';
import { coverageOf, pieces, type Coverage } from '../feed/coverage.ts';
import { LIVE } from '../feed/pass.ts';
import { RETENTION_MS, type Window } from '../feed/window.ts';
import type { LedgerEntry } from '../streams/audit.ts';
import { iso, timeOf } from './time.ts';

/** Arguments of `8x8-connector ledger`. */
export interface LedgerArguments {
  readonly config: readonly string[];
  readonly from?: number;
  readonly to?: number;
  readonly pbx?: readonly string[];
  readonly pass: string;
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
    .addOption(new Option('--pass <name>', 'of a backfill or replay of that name').default(LIVE))
    .addOption(new Option('--per <unit>', 'a line per hour or per day').choices(['hour', 'day']).default('hour'))
    .addOption(new Option('--json', 'JSON lines instead of a table').conflicts('csv'))
    .addOption(new Option('--csv', 'CSV instead of a table'));
}

/** A line of what is printed: a feed in an hour or a day. */
interface Line extends Coverage {
  readonly pass: string;
  readonly stream: string;
  readonly pbxId: string;
}

/** Prints the ledger. @returns whether it is complete. */
export async function ledger(args: LedgerArguments, print: (line: string) => void): Promise<boolean> {
  const span = spanOf(args, systemClock.nowMs());
  const config = loadConfig(args.config);
  const entries = ofPass(args.pass, span, await readLedger(config, span.from));
  const configured = args.pass === LIVE ? config.source : { pbxIds: [], streams: [] };
  const lines = linesOf(feedsOf(configured, entries, args.pbx), span, args);
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

/** Passes read the same spans again, so those of one alone add up. A live feed may be too young to have any. */
function ofPass(pass: string, span: Window, entries: readonly LedgerEntry[]): readonly LedgerEntry[] {
  const own = entries.filter((entry) => entry.pass === pass && entry.windowFrom < span.to);
  if (own.length > 0 || pass === LIVE) return own;
  const others = [...new Set(entries.map((entry) => entry.pass))].sort();
  const known = others.length === 0 ? 'of no pass' : `only of ${others.join(', ')}`;
  const when = `from ${iso(span.from)} to ${iso(span.to)}`;
  throw invalid(`--pass ${pass}: the ledger has none of it ${when}, ${known}; --from and --to choose another span`);
}

/** Entries by feed: of those that are in the settings, and of any other that has some. */
type Feeds = ReadonlyMap<string, readonly LedgerEntry[]>;

function feedsOf(
  { pbxIds, streams }: Pick<Config['source'], 'pbxIds' | 'streams'>,
  entries: readonly LedgerEntry[],
  pbxs: readonly string[] | undefined,
): Feeds {
  const configured = pbxIds.flatMap((pbxId) => streams.map((stream) => ({ pbxId, stream })));
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

function linesOf(feeds: Feeds, span: Window, { pass, per }: Pick<LedgerArguments, 'pass' | 'per'>): readonly Line[] {
  return [...feeds].flatMap(([feed, entries]) => {
    const [pbxId, stream] = [feed.slice(0, feed.lastIndexOf(' ')), feed.slice(feed.lastIndexOf(' ') + 1)];
    const spans = pieces(pass === LIVE ? span : within(span, entries), PER_MS[per]);
    return coverageOf(entries, spans).map((coverage) => ({ pass, pbxId, stream, ...coverage }));
  });
}

/** A pass over history has an end of its own: what lies beyond its windows is not waited for. */
function within({ from, to }: Window, entries: readonly LedgerEntry[]): Window {
  return {
    from: Math.max(from, Math.min(...entries.map(({ windowFrom }) => windowFrom))),
    to: Math.min(to, Math.max(...entries.map(({ windowTo }) => windowTo))),
  };
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
  for (const { pass, stream, pbxId: pbx, holes } of lines) {
    const feed = `${pass}/${stream}/${pbx}`;
    for (const { from, to } of holes) print(`MISSING: ${feed} was not read from ${iso(from)} to ${iso(to)}.`);
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
  print(['from', 'to', 'pass', 'pbxId', 'stream', ...COLUMNS, 'holeSeconds', 'pendingFrom'].join(','));
  for (const line of lines) {
    const { span, pass, pbxId, stream, holes, pendingFromMs } = line;
    const holeMs = holes.reduce((sum, { from, to }) => sum + to - from, 0);
    const counts = COLUMNS.map((name) => line[name]);
    const cells = [iso(span.from), iso(span.to), pass, pbxId, stream, ...counts, holeMs / 1_000,
      pendingFromMs === undefined ? '' : iso(pendingFromMs)];
    print(cells.map(csvCell).join(','));
  }
}

/** @see https://www.rfc-editor.org/rfc/rfc4180 */
function csvCell(value: string | number): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** `a,b+c` names the PBX a, and the PBXs b and c that are read in one request. */
function names(text: string): readonly string[] {
  const list = text.split(',').map((name) => name.trim().split('+').join(','));
  if (list.includes('')) throw new InvalidArgumentError('Expected PBX names with commas between.');
  return list;
}
