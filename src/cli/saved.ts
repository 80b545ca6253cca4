import { readFileSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { systemClock } from '../clock.ts';
import { changeOffsets, loadConfig, readOffsets, type Config } from '../connector.ts';
import { ConnectorError, invalid } from '../errors.ts';
import { decideChange, forgottenBy } from '../feed/change.ts';
import { DERIVED, feedName } from '../feed/feed.ts';
import type { OffsetState } from '../feed/offset.ts';
import { LIVE } from '../feed/pass.ts';
import { readSaved, saveOffset, writeSaved, type SavedFile, type SavedOffset } from '../feed/saved.ts';
import { configOption, reasonOption, whoOption } from './offsets.ts';
import { iso } from './time.ts';

type Print = (line: string) => void;

/** Arguments of `8x8-connector offsets export`. */
export interface ExportArguments {
  readonly config: readonly string[];
  readonly file?: string;
  readonly skipBroken?: boolean;
}

/** Arguments of `8x8-connector offsets import`. */
export interface ImportArguments {
  readonly config: readonly string[];
  readonly file: string;
  readonly feed?: readonly string[];
  readonly fromAnotherConnector?: boolean;
  readonly dryRun?: boolean;
  readonly reason: string;
  readonly who: string;
}

type ImportRequest = { readonly kind: 'import'; readonly offsets: ReadonlyMap<string, SavedOffset> };

export function addExportOptions(command: Command): Command {
  return command
    .description('write the offsets of all feeds as JSON; workers go on')
    .addOption(configOption())
    .option('--file <file>', 'where to; default: standard output')
    .option('--skip-broken', 'leave out feeds whose offsets nobody can read, instead of refusing');
}

export function addImportOptions(command: Command): Command {
  return command
    .description('set feeds to what an export says; what they have published since is published again')
    .addOption(configOption())
    .requiredOption('--file <file>', 'an export')
    .option('--feed <name...>', 'only these, such as live/call-legs/acme; default: all in the file')
    .option('--from-another-connector', 'take the file although it is of another CONNECTOR_NAME')
    .addOption(reasonOption())
    .addOption(whoOption())
    .option('--dry-run', 'only tell what would be set, and change nothing');
}

/**
 * Writes what every feed continues from as JSON.
 *
 * @throws ConnectorError OFFSETS_INVALID that names the feeds that nobody can read, unless they are to be skipped.
 */
export async function exportOffsets(args: ExportArguments, print: Print): Promise<void> {
  const config = loadConfig(args.config);
  const shown = await readOffsets(config);
  const broken = shown.filter(({ problem }) => problem !== undefined);
  if (broken.length > 0 && args.skipBroken !== true) {
    const cure = 'cure: "offsets reset" mends a feed; --skip-broken leaves it out';
    const problems = broken.map(({ feed, problem }) => `${feed}: ${problem}`).join('\n');
    throw new ConnectorError('OFFSETS_INVALID', `${problems}\n${cure}`);
  }
  const offsets = [...statesOf(shown).values()].map(saveOffset);
  const text = writeSaved({ connector: config.connector.name, offsets }, systemClock.nowMs());
  if (args.file === undefined) return print(text);
  try {
    writeFileSync(args.file, `${text}\n`);
  } catch (error) {
    throw invalid(`${args.file} cannot be written (${(error as NodeJS.ErrnoException).code})`);
  }
  const keys = offsets.reduce((sum, { seen }) => sum + seen.length, 0);
  print(`Feeds: ${offsets.length}, keys of published rows: ${keys}, left out as broken: ${broken.length}.`);
}

/** Sets feeds to what a file says; workers may run meanwhile, and go on from there. */
export async function importOffsets(args: ImportArguments, print: Print): Promise<void> {
  const { reason, who, dryRun = false } = args;
  const config = loadConfig(args.config);
  const nowMs = systemClock.nowMs();
  const file = readFile(args.file, nowMs);
  if (file.connector !== config.connector.name && args.fromAnotherConnector !== true) {
    throw invalid(`${args.file}: it is of another CONNECTOR_NAME; --from-another-connector takes it nevertheless`);
  }
  const chosen = choose(file, args.feed, args.file);
  if (dryRun || chosen.some((saved) => !isConfigured(config, saved))) {
    const states = statesOf(await readOffsets(config));
    refuseUnknown(chosen.filter((saved) => !isConfigured(config, saved) && !states.has(feedName(saved.feed))));
    if (dryRun) return foretell(states, chosen, print);
  }
  const feeds = chosen.map(({ feed }) => feed);
  const reports = await changeOffsets(config, { feeds, request: requestOf(chosen), note: { reason, who, at: nowMs } });
  for (const { feed, unchanged, fromMs, toMs, seenKeys, forgotten, broken } of reports) {
    const name = feedName(feed);
    print(unchanged === undefined
      ? `${name} continues from ${iso(toMs!)} (before: ${fromMs === undefined ? 'unknown' : iso(fromMs)}), ` +
        `${keysOf(seenKeys, forgotten)}.`
      : `${name}: ${unchanged}.`);
    if (broken > 0) print(`Records of ${name} that nobody could read, now deleted: ${broken}.`);
  }
  if (reports.some(({ unchanged }) => unchanged !== undefined)) throw invalid('not all feeds were set; see above');
}

/** @throws ConnectorError CONFIG_INVALID that says where the file is wrong, and never quotes it. */
function readFile(file: string, nowMs: number): SavedFile {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw invalid(`${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  const saved = readSaved(text, nowMs);
  if ('problem' in saved) throw invalid(`${file}: ${saved.problem}`);
  return saved;
}

function choose({ offsets }: SavedFile, names: readonly string[] | undefined, file: string): readonly SavedOffset[] {
  const missing = names?.find((name) => !offsets.some(({ feed }) => feedName(feed) === name.toLowerCase()));
  if (missing !== undefined) throw invalid(`--feed ${missing}: ${file} does not have it`);
  const wanted = new Set(names?.map((name) => name.toLowerCase()));
  return names === undefined ? offsets : offsets.filter(({ feed }) => wanted.has(feedName(feed)));
}

function isConfigured({ source, kafka }: Config, { feed, pass }: SavedOffset): boolean {
  const isPass = feed.pass === LIVE || pass !== undefined;
  const hasPbx = source.pbxIds.some((pbxId) => pbxId.toLowerCase() === feed.pbxId.toLowerCase());
  const hasStream = feed.stream === DERIVED ? kafka.topicCalls !== 'off' : source.streams.includes(feed.stream);
  return isPass && hasPbx && hasStream;
}

function refuseUnknown(unknown: readonly SavedOffset[]): void {
  if (unknown.length === 0) return;
  const names = unknown.map(({ feed }) => feedName(feed)).join(', ');
  throw invalid(`${names}: neither in EIGHT_PBX_IDS and EIGHT_STREAMS, nor known; --feed chooses others`);
}

/** Of those that can be read, by the name of the feed. */
function statesOf(shown: Awaited<ReturnType<typeof readOffsets>>): ReadonlyMap<string, OffsetState> {
  return new Map(shown.flatMap(({ feed, offset, problem }) =>
    offset === undefined || problem !== undefined ? [] : [[feed, offset] as const]));
}

function foretell(states: ReadonlyMap<string, OffsetState>, chosen: readonly SavedOffset[], print: Print): void {
  const request = requestOf(chosen);
  for (const { feed, watermarkMs, seen } of chosen) {
    const name = feedName(feed);
    const decision = decideChange(states, feed, request);
    if ('unchanged' in decision) {
      print(`${name}: ${decision.unchanged}.`);
      continue;
    }
    const now = states.get(name);
    const forgotten = now === undefined ? 0 : forgottenBy(now, decision.change);
    const stands = now === undefined ? 'unknown' : iso(now.watermarkMs);
    print(`${name} would continue from ${iso(watermarkMs)} (now: ${stands}), ${keysOf(seen.length, forgotten)}.`);
  }
  print('Nothing was changed.');
}

function requestOf(chosen: readonly SavedOffset[]): ImportRequest {
  return { kind: 'import', offsets: new Map(chosen.map((saved) => [feedName(saved.feed), saved])) };
}

function keysOf(known: number, forgotten: number): string {
  return `keys: ${known}, forgotten: ${forgotten}`;
}
