import { userInfo } from 'node:os';
import Table from 'cli-table3';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { systemClock } from '../clock.ts';
import { changeOffsets, loadConfig, readOffsets, type Config } from '../connector.ts';
import { ConnectorError, invalid } from '../errors.ts';
import { requestOf, type Problem } from '../feed/ask.ts';
import { decideChange, type ChangeRequest } from '../feed/change.ts';
import { feedName, feedNamed, type FeedId } from '../feed/feed.ts';
import { spanMs } from '../formats.ts';
import { iso, timeOf } from './time.ts';

type Print = (line: string) => void;

/** Arguments of `8x8-connector offsets show`. */
export interface ShowArguments {
  readonly config: readonly string[];
  readonly json?: boolean;
}

/** Arguments of `8x8-connector offsets reset` and `rewind`. */
export interface ResetArguments {
  readonly config: readonly string[];
  readonly feed: FeedId;
  readonly to?: number;
  readonly by?: number;
  readonly reason: string;
  readonly who: string;
  readonly dryRun?: boolean;
}

export function addShowOptions(command: Command): Command {
  return command
    .description('show where every feed stands; workers go on')
    .addOption(configOption())
    .option('--json', 'JSON lines instead of a table');
}

export function addResetOptions(command: Command): Command {
  return addChangeOptions(command
    .description('make a feed read again from a time, or mend offsets that are refused')
    .addOption(new Option('--to <time>', 'ISO time from which it shall read again, e.g. 2026-11-20T00:00:00Z')
      .argParser(timeOf).makeOptionMandatory()));
}

export function addRewindOptions(command: Command): Command {
  return addChangeOptions(command
    .description('make a feed read again what it has read last')
    .addOption(new Option('--by <span>', 'how far back from where it stands, e.g. 2h')
      .argParser(spanOf).makeOptionMandatory()));
}

function addChangeOptions(command: Command): Command {
  return command
    .addOption(configOption())
    .addOption(new Option('--feed <name>', 'name of the feed as in the log, e.g. live/call-legs/acme')
      .argParser(feedOf).makeOptionMandatory())
    .addOption(reasonOption())
    .addOption(whoOption())
    .option('--dry-run', 'only tell what would be read again, and change nothing');
}

export function reasonOption(): Option {
  return new Option('--reason <text>', 'why; kept in the offsets topic beside the new offset').default('not given');
}

export function whoOption(): Option {
  return new Option('--who <name>', 'who does it; kept there, too').default(userInfo().username, 'the user');
}

export function configOption(): Option {
  return new Option('-c, --config <file...>', 'JSON files with settings, as for run').default([], 'none');
}

/** Prints where every feed stands. */
export async function show({ config, json = false }: ShowArguments, print: Print): Promise<void> {
  const nowMs = systemClock.nowMs();
  const rows = (await readOffsets(loadConfig(config))).map(({ feed, shard, offset, problem = '' }) => ({
    feed,
    shard,
    watermark: offset === undefined ? '' : iso(offset.watermarkMs),
    behindSeconds: offset === undefined ? '' : Math.round((nowMs - offset.watermarkMs) / 1_000),
    state: offset?.state.toLowerCase() ?? '',
    seenKeys: offset?.seenCount ?? '',
    commits: offset?.commits ?? '',
    generation: offset?.generation ?? '',
    problem,
  }));
  if (json) return rows.forEach((row) => print(JSON.stringify(row)));
  const head = ['feed', 'shard', 'watermark', 'behind s', 'state', 'seen keys', 'commits', 'generation', 'problem'];
  const table = new Table({ style: { head: [], border: [] }, head });
  table.push(...rows.map((row) => Object.values(row)));
  print(table.toString());
}

/** Sets where a feed continues from; workers may run meanwhile. */
export async function reset(args: ResetArguments, print: Print): Promise<void> {
  const { feed, to: toMs, by: byMs, reason, who, dryRun = false } = args;
  const nowMs = systemClock.nowMs();
  const asked = { type: toMs === undefined ? 'rewind' : 'reset', pass: feed.pass, byMs, toMs } as const;
  const request = taken(requestOf(asked, nowMs, option)) as ResetRequest;
  const config = loadConfig(args.config);
  if (dryRun) return foretell(config, feed, request, print);

  const note = { reason, who, at: nowMs };
  const [report] = await changeOffsets(config, { feeds: [feed], request, note });
  const { unchanged, fromMs, toMs: now, seenKeys, broken } = report!;
  if (unchanged !== undefined) throw refused(feed, unchanged);
  const before = fromMs === undefined ? 'unknown' : iso(fromMs);
  print(`${feedName(feed)} continues from ${iso(now!)} (before: ${before}).`);
  if (broken > 0) print(`Records that nobody could read, now deleted: ${broken}.`);
  print(`Rows known as published, which are not published again: ${seenKeys}. Whatever else is read from there on is ` +
    'published, with the event id it had before if 8x8 has not changed it.');
}

type ResetRequest = ChangeRequest & { readonly kind: 'reset' };

async function foretell(config: Config, feed: FeedId, request: ResetRequest, print: Print): Promise<void> {
  const name = feedName(feed);
  const offset = (await readOffsets(config)).find((shown) => shown.feed === name)?.offset;
  const decision = decideChange(new Map(offset === undefined ? [] : [[name, offset]]), feed, request);
  if ('unchanged' in decision) throw refused(feed, decision.unchanged);
  const toMs = decision.change.watermarkMs!;
  const now = offset === undefined ? 'unknown' : iso(offset.watermarkMs);
  print(`${name} would continue from ${iso(toMs)} (now: ${now}).`);
  const windows = Math.max(0, Math.ceil(((offset?.watermarkMs ?? toMs) - toMs) / config.pace.stepMaxMs));
  print(`Windows to be read again: ${windows}, at PACE_STEP_MAX. Rows from then on that are known as published, and ` +
    `would not be published again: ${offset?.seenSince(toMs) ?? 0}. Nothing was changed.`);
}

function refused(feed: FeedId, why: string): ConnectorError {
  const cure = `cure: 8x8-connector offsets reset --feed ${feedName(feed)} --to <time>`;
  return new ConnectorError('OFFSETS_INVALID', `${feedName(feed)}: ${why}; ${cure}`);
}

function feedOf(name: string): FeedId {
  const feed = feedNamed(name);
  if (feed !== undefined) return feed;
  throw new InvalidArgumentError('Expected the name of a feed as in the log, such as live/call-legs/acme.');
}

/** How an option is named in what is said of it. */
export function option(name: string): string {
  return `--${name}`;
}

/** @throws ConnectorError CONFIG_INVALID for what makes no sense. */
export function taken<T extends object>(asked: T | Problem): T {
  if ('problem' in asked) throw invalid(asked.problem);
  return asked;
}

function spanOf(text: string): number {
  const ms = spanMs(text);
  if (typeof ms !== 'number' || ms < 1_000) throw new InvalidArgumentError('Expected a span such as 30m, 2h or 7d.');
  return ms;
}
