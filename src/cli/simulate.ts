import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { startSimulator } from '../simulator/work-analytics.ts';

/** What `simulate` may be told. Times in milliseconds, shares 0 to 1. */
export interface SimulateArguments {
  readonly host: string;
  readonly port: number;
  readonly seed: number;
  readonly pbxs: readonly string[];
  readonly callsPerHour: number;
  readonly history: number;
  readonly latency: number;
  readonly lateShare: number;
  readonly lateMax: number;
  readonly revisedShare: number;
  readonly faults: 'off' | 'standard';
  readonly requestsPerMinute: number;
  readonly pageSizeRule: 'max-7000' | 'must-be-50';
  readonly tokenLifetime: number;
}

/** Runs the simulated 8x8 until `signal` aborts. Prints what a connector needs to talk to it. */
export async function simulate(
  args: SimulateArguments, signal: AbortSignal, print: (line: string) => void,
): Promise<void> {
  const simulator = await startSimulator({
    host: args.host,
    port: args.port,
    seed: args.seed,
    pbxIds: args.pbxs,
    callsPerHour: args.callsPerHour,
    historyMs: args.history,
    latencyMs: args.latency,
    lateShare: args.lateShare,
    lateMaxMs: args.lateMax,
    revisedShare: args.revisedShare,
    faults: args.faults,
    requestsPerMinute: args.requestsPerMinute,
    pageSizeRule: args.pageSizeRule,
    tokenLifetimeS: Math.max(1, Math.round(args.tokenLifetime / 1_000)),
  });
  const { url, origin, options } = simulator;
  print(`# Simulated 8x8 Work Analytics, seed ${options.seed}. Nothing in it is real, not even the password.`);
  print(`EIGHT_BASE_URL=${url}`);
  print(`EIGHT_API_KEY=${options.apiKey}`);
  print(`EIGHT_USERNAME=${options.username}`);
  print(`EIGHT_PASSWORD=${options.password}`);
  print(`EIGHT_PBX_IDS=${options.pbxIds.join(',')}`);
  print(`# Truth: ${origin}/simulator/ledger?report=call-legs&from=<epoch ms>&to=<epoch ms>`);
  print(`# Counts: ${origin}/simulator/stats`);

  await aborted(signal);
  await simulator.close();
}

/** Adds the options of {@link SimulateArguments} to a command. */
export function addSimulateOptions(command: Command): Command {
  return command
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port to listen on; 0 takes any free one', wholeNumber, 8_088)
    .option('--seed <number>', 'equal seeds make equal worlds', wholeNumber, 1)
    .option('--pbxs <names>', 'PBX names, with commas', names, ['acme', 'globex'])
    .option('--calls-per-hour <number>', 'calls per hour of each PBX, 1 to 1000000', callsPerHour, 100)
    .addOption(new Option('--history <duration>', 'how far back calls go, e.g. 24h')
      .argParser(duration).default(24 * HOUR_MS, '24h'))
    .addOption(new Option('--latency <duration>', 'from the end of a call until its rows can be read')
      .argParser(duration).default(30_000, '30s'))
    .option('--late-share <share>', 'share of rows that come later than that, 0 to 1', share, 0)
    .addOption(new Option('--late-max <duration>', 'how much later they come at most')
      .argParser(duration).default(10 * MINUTE_MS, '10m'))
    .option('--revised-share <share>', 'share of rows whose content changes after they are first seen', share, 0)
    .addOption(new Option('--faults <preset>', 'what goes wrong').choices(['off', 'standard']).default('off'))
    .addOption(new Option('--requests-per-minute <number>', 'limit above which requests get a 429')
      .argParser(wholeNumber).default(Infinity, 'no limit'))
    .addOption(new Option('--page-size-rule <rule>', 'which page sizes are accepted')
      .choices(['max-7000', 'must-be-50']).default('max-7000'))
    .addOption(new Option('--token-lifetime <duration>', 'how long an access token lives')
      .argParser(duration).default(30 * MINUTE_MS, '30m'));
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: MINUTE_MS, h: HOUR_MS, d: 24 * HOUR_MS };

function duration(text: string): number {
  const [, count, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? [];
  if (count === undefined || unit === undefined) {
    throw new InvalidArgumentError('Expected a duration such as 500ms, 30s, 10m, 24h or 7d.');
  }
  return Number(count) * UNITS_MS[unit]!;
}

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('Expected a whole number.');
  return Number(text);
}

function callsPerHour(text: string): number {
  const count = wholeNumber(text);
  if (count < 1 || count > 1_000_000) throw new InvalidArgumentError('Expected 1 to 1000000.');
  return count;
}

function share(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1)) {
    throw new InvalidArgumentError('Expected a number from 0 to 1.');
  }
  return value;
}

function names(text: string): readonly string[] {
  const list = text.split(',').map((name) => name.trim()).filter((name) => name !== '');
  if (list.length === 0) throw new InvalidArgumentError('Expected names with commas between.');
  return list;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
