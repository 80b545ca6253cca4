import { InvalidArgumentError, Option, type Command } from 'commander';
import { loadConfig, resetOffset } from '../connector.ts';
import { feedName, type FeedId, type StreamName } from '../feed/feed.ts';
import { streams } from '../streams/index.ts';
import { timeOf } from './time.ts';

/** Arguments of `8x8-connector offsets reset`. */
export interface ResetArguments {
  readonly config: readonly string[];
  readonly feed: FeedId;
  readonly to: number;
  readonly reason: string;
}

export function addResetOptions(command: Command): Command {
  return command
    .description('make a feed read again from a time, or mend offsets that are refused')
    .addOption(new Option('-c, --config <file...>', 'JSON files with settings, as for run').default([], 'none'))
    .addOption(new Option('--feed <name>', 'name of the feed as in the log, e.g. live/call-legs/acme')
      .argParser(feedOf).makeOptionMandatory())
    .addOption(new Option('--to <time>', 'ISO time from which it shall read again, e.g. 2026-11-20T00:00:00Z')
      .argParser(timeOf).makeOptionMandatory())
    .option('--reason <text>', 'kept in the offsets topic beside the new offset', 'not given');
}

/** Sets where a feed continues from; workers may run meanwhile. */
export async function reset(args: ResetArguments, print: (line: string) => void): Promise<void> {
  const { feed, to: toMs, reason } = args;
  const { fromMs, seenKeys, broken } = await resetOffset(loadConfig(args.config), { feed, toMs, reason });
  const before = fromMs === undefined ? 'unknown' : new Date(fromMs).toISOString();
  print(`${feedName(feed)} continues from ${new Date(toMs).toISOString()} (before: ${before}).`);
  if (broken > 0) print(`Records that nobody could read, now deleted: ${broken}.`);
  print(`Rows known as published, which are not published again: ${seenKeys}. Whatever else is read from there on is ` +
    'published, with the event id it had before.');
}

/** `live/call-legs/acme`; a PBX name may hold a slash, a pass may not. */
function feedOf(name: string): FeedId {
  const [, pass, stream, pbxId] = /^([^/]+)\/([^/]+)\/(.+)$/.exec(name) ?? [];
  if (pass === undefined || pbxId === undefined || !streams.some((known) => known.name === stream)) {
    throw new InvalidArgumentError('Expected the name of a feed as in the log, such as live/call-legs/acme.');
  }
  return { pass, stream: stream as StreamName, pbxId };
}
