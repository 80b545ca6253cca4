import { Option, type Command } from 'commander';
import Table from 'cli-table3';
import { systemClock } from '../clock.ts';
import { changeOffsets, followHeads, loadConfig, readOffsets, type Config } from '../connector.ts';
import { invalid } from '../errors.ts';
import { feedsOf, requestOf } from '../feed/ask.ts';
import { decideChange, type ChangeRequest } from '../feed/change.ts';
import { isDeep } from '../feed/deep-sweep.ts';
import { feedName, type FeedId } from '../feed/feed.ts';
import { progressOf, type PassPlan } from '../feed/pass.ts';
import { refuseOwnTopic } from '../operate.ts';
import { configOption, option, reasonOption, taken, whoOption } from './offsets.ts';
import { createProgress } from './progress.ts';
import { iso, timeOf } from './time.ts';

type Print = (line: string) => void;

/** Which feeds of a pass; all, unless it says otherwise. */
export interface Selection {
  readonly config: readonly string[];
  readonly name: string;
  readonly pbx?: string;
  readonly stream?: string;
}

/** Arguments of the commands that change a pass. */
export interface PassArguments extends Selection {
  readonly reason: string;
  readonly who: string;
}

/** Arguments of `8x8-connector backfill` and `replay`. */
export interface BeginArguments extends PassArguments {
  readonly from: number;
  readonly to: number;
  /** Of a replay. */
  readonly topic?: string;
  readonly dryRun?: boolean;
  readonly detach?: boolean;
}

export function addBeginOptions(command: Command): Command {
  return addSelection(command)
    .addOption(new Option('--from <time>', 'calls that ended then or later, e.g. 2026-01-01').argParser(timeOf)
      .makeOptionMandatory())
    .addOption(new Option('--to <time>', 'calls that ended before').argParser(timeOf).makeOptionMandatory())
    .addOption(reasonOption())
    .addOption(whoOption())
    .option('--dry-run', 'only tell what would be read, and change nothing')
    .option('--detach', 'do not wait for its end; the workers go on with it either way');
}

export function addReplayOptions(command: Command): Command {
  return addBeginOptions(command).option('--topic <name>', 'where to; default: the topic of the stream');
}

export function addPassOptions(command: Command): Command {
  return addSelection(command).addOption(reasonOption()).addOption(whoOption());
}

function addSelection(command: Command): Command {
  return command
    .addOption(configOption())
    .requiredOption('--name <pass>', 'name of the pass')
    .option('--pbx <names>', 'only these, as in EIGHT_PBX_IDS')
    .option('--stream <name>', 'only this report: call-legs or call-records');
}

/**
 * Begins a pass over history, and shows how it goes until it has come to its end. The workers of the connector do it,
 * beside their live feeds; whoever stops watching does not stop it, and the same command watches it again.
 */
export async function begin(
  args: BeginArguments & { readonly replay: boolean },
  signal: AbortSignal,
  print: Print,
): Promise<void> {
  const { from: fromMs, to: toMs, replay, name, stream, topic, reason, who } = args;
  const nowMs = systemClock.nowMs();
  const asked = { type: replay ? 'replay' : 'backfill', pass: name, stream, fromMs, toMs, topic } as const;
  const request = taken(requestOf(asked, nowMs, option)) as ChangeRequest & { readonly kind: 'begin' };
  const config = loadConfig(args.config);
  const feeds = feedsIn(config, args);
  refuseOwnTopic(config, request);
  if (args.dryRun === true) return foretell(config, feeds, request, print);

  const reports = await changeOffsets(config, { feeds, request, note: { reason, who, at: nowMs } });
  for (const { feed, unchanged, plan } of reports) {
    print(`${feedName(feed)}: ${unchanged ?? `reads ${spanOf(plan!)}`}.`);
  }
  if (reports.every(({ plan }) => plan === undefined)) throw invalid('nothing to read; see above');
  const isAsked = (plan: PassPlan | undefined): boolean =>
    plan?.fromMs === fromMs && plan.replay === replay && plan.topic === topic;
  const goingOn = reports.filter(({ plan }) => isAsked(plan));
  if (goingOn.length === 0) throw invalid(`--name ${name}: another pass has that name; take a new one`);
  if (args.detach !== true) await watch(config, goingOn.map(({ feed }) => feed), signal, print);
}

/** Lets feeds of a pass, also of the live one, stand still, go on, or end. */
export async function change(
  args: PassArguments & { readonly kind: 'pause' | 'resume' | 'cancel' },
  print: Print,
): Promise<void> {
  const { kind, reason, who, name } = args;
  const config = loadConfig(args.config);
  const known = new Set((await readOffsets(config)).map(({ feed }) => feed));
  const feeds = feedsIn(config, args).filter((feed) => known.has(feedName(feed)));
  if (feeds.length === 0) throw invalid(`--name ${name}: no such pass of these feeds; "passes show" lists all`);
  const note = { reason, who, at: systemClock.nowMs() };
  const reports = await changeOffsets(config, { feeds, request: { kind }, note });
  for (const { feed, unchanged } of reports) print(`${feedName(feed)}: ${unchanged ?? SAID[kind]}.`);
  if (reports.every(({ unchanged }) => unchanged !== undefined)) throw invalid('nothing was changed; see above');
}

const SAID = { pause: 'stands still, until it is resumed', resume: 'goes on', cancel: 'has ended' } as const;

interface ShownPass {
  readonly feed: string;
  readonly kind: string;
  readonly from: string;
  readonly to: string;
  /** Where a replay puts its rows; empty: in the topic of their stream. */
  readonly topic: string;
  readonly state: string;
  /** Null where there is no end. */
  readonly percent: number | null;
}

/** Prints every pass over history, and how far it has come; of deep sweeps, which have no end, where they stand. */
export async function showPasses(
  { config, json = false }: { readonly config: readonly string[]; readonly json?: boolean },
  print: Print,
): Promise<void> {
  const rows = (await readOffsets(loadConfig(config))).flatMap(({ feed, offset }): readonly ShownPass[] => {
    if (offset !== undefined && isDeep(offset.feed.pass)) {
      const [from, to] = [iso(offset.originMs), iso(offset.watermarkMs)];
      return [{ feed, kind: 'deep sweep', from, to, topic: '', state: offset.state.toLowerCase(), percent: null }];
    }
    if (offset?.pass === undefined) return [];
    const { pass: { fromMs, endMs, replay, topic = '' }, watermarkMs, state } = offset;
    const part = progressOf(watermarkMs, offset.pass);
    const kind = replay ? 'replay' : 'backfill';
    const told = part === 1 ? 'done' : state.toLowerCase();
    const percent = Math.floor(part * 1_000) / 10;
    return [{ feed, kind, from: iso(fromMs), to: iso(endMs), topic, state: told, percent }];
  });
  if (json) return rows.forEach((row) => print(JSON.stringify(row)));
  const head = ['feed', 'kind', 'from', 'to', 'topic', 'state', '%'];
  const table = new Table({ style: { head: [], border: [] }, head });
  table.push(...rows.map((row) => Object.values({ ...row, percent: row.percent ?? '' })));
  print(rows.length === 0 ? 'There is no pass but the live one.' : table.toString());
}

async function watch(config: Config, feeds: readonly FeedId[], signal: AbortSignal, print: Print): Promise<void> {
  const done = new AbortController();
  const progress = createProgress(feeds, systemClock.nowMs());
  const show = createScreen(print);
  const following = followHeads(config, feeds[0]!.pass, (head) => {
    progress.learn(head, systemClock.nowMs());
    if (progress.ended()) done.abort();
  }, AbortSignal.any([signal, done.signal])).finally(() => done.abort());
  while (!signal.aborted && !done.signal.aborted) {
    show(progress.line(systemClock.nowMs()));
    await systemClock.sleepUntil(systemClock.nowMs() + 1_000, AbortSignal.any([signal, done.signal]));
  }
  await following;
  show(progress.line(systemClock.nowMs()), true);
  if (!progress.ended()) print('Not watched any more. The workers go on with it; the same command watches it again.');
}

/** A line that is written over on a terminal; elsewhere one every ten seconds. */
function createScreen(print: Print): (line: string, last?: boolean) => void {
  let lines = 0;
  return (line, last = false) => {
    if (process.stdout.isTTY) process.stdout.write(`\r\u001b[2K${line}${last ? '\n' : ''}`);
    else if (last || lines % 10 === 0) print(line);
    lines += 1;
  };
}

async function foretell(
  config: Config,
  feeds: readonly FeedId[],
  request: ChangeRequest & { readonly kind: 'begin' },
  print: Print,
): Promise<void> {
  const shown = await readOffsets(config);
  const states = new Map(shown.flatMap(({ feed, offset }) => (offset === undefined ? [] : [[feed, offset] as const])));
  let windows = 0;
  for (const feed of feeds) {
    const decision = decideChange(states, feed, request);
    const plan = 'change' in decision ? decision.change.pass : undefined;
    if (plan !== undefined) windows += Math.ceil((plan.endMs - plan.fromMs) / config.pace.stepMaxMs);
    print(`${feedName(feed)}: ${'unchanged' in decision ? decision.unchanged : `would read ${spanOf(plan!)}`}.`);
  }
  print(`Windows to be read: ${windows}, at PACE_STEP_MAX. Nothing was changed.`);
}

/** @throws ConnectorError CONFIG_INVALID for a PBX or a stream that is not configured. */
function feedsIn({ source }: Config, { name: pass, pbx, stream }: Selection): readonly FeedId[] {
  return taken(feedsOf({ pass, pbx, stream }, source, option));
}

function spanOf({ fromMs, endMs }: PassPlan): string {
  return `from ${iso(fromMs)} to ${iso(endMs)}`;
}
