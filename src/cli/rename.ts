import { Argument, InvalidArgumentError, Option, type Command } from 'commander';
import { systemClock } from '../clock.ts';
import { changeOffsets, loadConfig, readOffsets, type Config } from '../connector.ts';
import { ConnectorError, invalid } from '../errors.ts';
import { decideChange, type ChangeRequest } from '../feed/change.ts';
import { DERIVED, feedName, STREAM_NAMES, type FeedId, type StreamName } from '../feed/feed.ts';
import type { OffsetState } from '../feed/offset.ts';
import { LIVE } from '../feed/pass.ts';
import { renamed, renameOf, type Rename } from '../feed/rename.ts';
import { saveOffset, type SavedOffset } from '../feed/saved.ts';
import { formats } from '../formats.ts';
import { configOption, reasonOption, taken, whoOption } from './offsets.ts';
import { iso } from './time.ts';

type Print = (line: string) => void;

/** Arguments of `8x8-connector offsets rename`. */
export interface RenameArguments {
  /** Names as feeds have them. */
  readonly from: string;
  readonly to: string;
  readonly config: readonly string[];
  readonly stream?: StreamName;
  readonly dryRun?: boolean;
  readonly reason: string;
  readonly who: string;
}

type ImportRequest = ChangeRequest & { readonly kind: 'import' };

export function addRenameOptions(command: Command): Command {
  return command
    .description('let a PBX go on under another name; its feeds of the old name stand still from then on')
    .addArgument(new Argument('<old>', 'its name, as in EIGHT_PBX_IDS').argParser(groupOf))
    .addArgument(new Argument('<new>', 'its new name').argParser(groupOf))
    .addOption(configOption())
    .addOption(new Option('--stream <name>', 'only this report').choices(STREAM_NAMES))
    .addOption(reasonOption())
    .addOption(whoOption())
    .option('--dry-run', 'only tell what would be copied, and change nothing');
}

/**
 * Copies what the feeds of a PBX know to those of its new name, which go on from there.
 *
 * The old ones stand still first, and whoever reads them is fenced: so what is copied is all that they have published.
 */
export async function renameOffsets(args: RenameArguments, print: Print): Promise<void> {
  const { from, to, dryRun = false } = args;
  const rename = taken(renameOf(from, to));
  const config = loadConfig(args.config);
  const configured = config.source.pbxIds.map((pbxId) => pbxId.toLowerCase());
  if (![from, to].some((name) => configured.includes(name.toLowerCase()))) {
    throw invalid(`neither ${from} nor ${to} is in EIGHT_PBX_IDS`);
  }
  const known = await readStates(config, args);
  const old = oldFeeds(known, args);
  if (!old.some(({ feed }) => isRead(feed))) throw invalid(`${from} has no offset to copy; "offsets show" lists all`);
  const request = requestOf(old.map(saveOffset), args, rename);
  for (const { feed } of request.offsets.values()) {
    const decision = decideChange(known, feed, request);
    if ('unchanged' in decision) throw refused(feed, decision.unchanged);
  }
  const passes = [...known.values()].filter(({ feed }) => isOf(feed, from) && feed.pass !== LIVE);
  if (passes.length > 0) print(`Not copied, for they are of the old name: ${passes.map(nameOf).join(', ')}.`);
  if (dryRun) return foretell(request, print);

  await pause(config, args, old.filter(({ feed }) => isRead(feed)));
  try {
    const states = new Map(old.map((one) => [nameOf(one), one.state]));
    const saved = oldFeeds(await readStates(config, args), args)
      .map((one) => ({ ...saveOffset(one), state: states.get(nameOf(one)) ?? one.state }));
    await copy(config, args, requestOf(saved, args, rename), print);
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    const cure = `${from} stands still. Do it again; or let it go on: passes resume --name live --pbx ${from}`;
    throw new ConnectorError(error.code, `${error.message}\n${cure}`, { cause: error });
  }
}

/** @throws ConnectorError OFFSETS_INVALID if nobody can read an offset of one of the two names. */
async function readStates(config: Config, { from, to }: RenameArguments): Promise<ReadonlyMap<string, OffsetState>> {
  const states = new Map<string, OffsetState>();
  for (const { feed, offset, problem } of await readOffsets(config)) {
    if (offset !== undefined && problem === undefined) states.set(feed, offset);
    else if ([from, to].some((pbxId) => feed.endsWith(`/${pbxId.toLowerCase()}`))) {
      const cure = `cure: 8x8-connector offsets reset --feed ${feed} --to <time>`;
      throw new ConnectorError('OFFSETS_INVALID', `${feed}: ${problem}; ${cure}`);
    }
  }
  return states;
}

/** The live feeds of the old name, that of whole calls, too, unless one report is meant. */
function oldFeeds(states: ReadonlyMap<string, OffsetState>, { from, stream }: RenameArguments): readonly OffsetState[] {
  return [...states.values()].filter(({ feed }) =>
    isOf(feed, from) && feed.pass === LIVE && (stream ?? feed.stream) === feed.stream);
}

function requestOf(saved: readonly SavedOffset[], { to }: RenameArguments, rename: Rename): ImportRequest {
  const offsets = saved.map((one) => renamed(one, to, rename));
  return { kind: 'import', onlyNew: true, offsets: new Map(offsets.map((one) => [feedName(one.feed), one])) };
}

async function pause(config: Config, { to, reason, who }: RenameArguments, old: readonly OffsetState[]): Promise<void> {
  const note = { reason: `renamed to ${to}: ${reason}`, who, at: systemClock.nowMs() };
  await changeOffsets(config, { feeds: old.map(({ feed }) => feed), request: { kind: 'pause' }, note });
}

async function copy(
  config: Config, { from, reason, who }: RenameArguments, request: ImportRequest, print: Print,
): Promise<void> {
  const feeds = [...request.offsets.values()].map(({ feed }) => feed);
  const note = { reason: `renamed from ${from}: ${reason}`, who, at: systemClock.nowMs() };
  for (const { feed, unchanged, toMs, seenKeys } of await changeOffsets(config, { feeds, request, note })) {
    if (unchanged !== undefined) throw refused(feed, unchanged);
    print(`${feedName(feed)} continues from ${iso(toMs!)}, keys: ${seenKeys}${stateOf(request, feed)}.`);
  }
  print(`${from} stands still. Now put the new name in its place in EIGHT_PBX_IDS.`);
}

function foretell(request: ImportRequest, print: Print): void {
  for (const { feed, watermarkMs, seen } of request.offsets.values()) {
    const state = stateOf(request, feed);
    print(`${feedName(feed)} would continue from ${iso(watermarkMs)}, keys: ${seen.length}${state}.`);
  }
  print('Nothing was changed.');
}

/** A feed that stood still does so under its new name, too; also after a second try. */
function stateOf({ offsets }: ImportRequest, feed: FeedId): string {
  const stands = offsets.get(feedName(feed))!.state === 'PAUSED';
  return stands ? `; it stands still, as it did, until "passes resume --name live --pbx ${feed.pbxId}"` : '';
}

function isOf({ pbxId }: FeedId, name: string): boolean {
  return pbxId.toLowerCase() === name.toLowerCase();
}

function isRead({ stream }: FeedId): boolean {
  return stream !== DERIVED;
}

function nameOf({ feed }: OffsetState): string {
  return feedName(feed);
}

/** One name, or a group such as `a+b`. */
function groupOf(text: string): string {
  const format = formats['pbx-ids'];
  const ids = format.coerce(text) as readonly string[];
  try {
    format.validate(ids);
    if (ids.length === 1) return ids[0]!;
  } catch { /* as if there were several */ }
  throw new InvalidArgumentError('Expected one name as in EIGHT_PBX_IDS, such as acme or a+b.');
}

function refused(feed: FeedId, why: string): ConnectorError {
  return invalid(`${feedName(feed)}: ${why}, so nothing is copied over it`);
}
