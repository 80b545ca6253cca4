#!/usr/bin/env -S node --disable-warning=TimeoutNegativeWarning --max-semi-space-size=16
import { Command, CommanderError } from 'commander';
import { readBuild } from './build.ts';
import { addAclOptions, printAcls, type AclArguments } from './cli/acl.ts';
import { addDoctorOptions, doctor, type DoctorArguments } from './cli/doctor.ts';
import { addEraseOptions, erase, type EraseArguments } from './cli/erase.ts';
import { addLedgerOptions, ledger, type LedgerArguments } from './cli/ledger.ts';
import {
  addResetOptions, addRewindOptions, addShowOptions, configOption, reset, show, type ResetArguments, type ShowArguments,
} from './cli/offsets.ts';
import {
  addBeginOptions, addPassOptions, addReplayOptions, begin, change, showPasses, type BeginArguments, type PassArguments,
} from './cli/passes.ts';
import { addRenameOptions, renameOffsets, type RenameArguments } from './cli/rename.ts';
import { run } from './cli/run.ts';
import {
  addExportOptions, addImportOptions, exportOffsets, importOffsets, type ExportArguments, type ImportArguments,
} from './cli/saved.ts';
import { addSimulateOptions, simulate, type SimulateArguments } from './cli/simulate.ts';
import { ConnectorError, type ErrorCode } from './errors.ts';

/** Exit codes; the README documents them. */
const EXIT = { stopped: 0, bug: 1, config: 2, source: 3, sink: 4, late: 5, hole: 6, unwell: 7, twice: 130 } as const;

/** A clean stop takes less; what hangs longer is safe to cut, for nothing but Kafka holds our place. */
const STOP_MAX_MS = 9_000;

const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** Resolves when a slow reader of ours has taken all: the end of the process would cut it. */
const flushed = (): Promise<void> => new Promise((resolve) => process.stdout.write('', () => resolve()));

// A reader that has seen enough, such as `head`, is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? EXIT.stopped : EXIT.bug);
});

const program = new Command('8x8-connector')
  .description('Puts every 8x8 Work phone call on Kafka: exactly once, on time, and provably complete.')
  .version(readBuild().version)
  .exitOverride()
  .configureHelp({ showGlobalOptions: true });

program
  .command('run')
  .description('tail 8x8 and publish to Kafka until stopped')
  .option('-c, --config <file...>', 'JSON files with settings, read in order; environment variables win', [])
  .option('--dry-run', 'print events as JSON lines and write nothing to Kafka', false)
  .action((args: { config: string[]; dryRun: boolean }) => run(args, stopSignal(), print));

addSimulateOptions(program.command('simulate').description('serve a simulated 8x8 Work Analytics API'))
  .action((args: SimulateArguments) => simulate(args, stopSignal(), print));

addLedgerOptions(program.command('ledger')).action(async (args: LedgerArguments) => {
  if (await ledger(args, print)) return;
  await flushed();
  process.exit(EXIT.hole);
});

addDoctorOptions(program.command('doctor')).action(async (args: DoctorArguments) => {
  if (await doctor(args, stopSignal(), print)) return;
  await flushed();
  process.exit(EXIT.unwell);
});

addAclOptions(program.command('acl').description('rights at Kafka').command('print'))
  .action((args: AclArguments) => printAcls(args, print));

addEraseOptions(program.command('erase')).action((args: EraseArguments) => erase(args, print));

const offsets = program.command('offsets').description('what the connector continues from');
addShowOptions(offsets.command('show')).action((args: ShowArguments) => show(args, print));
for (const command of [addResetOptions(offsets.command('reset')), addRewindOptions(offsets.command('rewind'))]) {
  command.action((args: ResetArguments) => reset(args, print));
}
addExportOptions(offsets.command('export')).action((args: ExportArguments) => exportOffsets(args, print));
addImportOptions(offsets.command('import')).action((args: ImportArguments) => importOffsets(args, print));
addRenameOptions(offsets.command('rename')).action((from: string, to: string, args: RenameArguments) =>
  renameOffsets({ ...args, from, to }, print));

addBeginOptions(program.command('backfill').description('read history beside the live feeds, and publish it'))
  .action((args: BeginArguments) => begin({ ...args, replay: false }, stopSignal(), print));
addReplayOptions(program.command('replay').description('publish again on purpose, marked by the name of its pass'))
  .action((args: BeginArguments) => begin({ ...args, replay: true }, stopSignal(), print));

const passes = program.command('passes').description('passes over history, and the live one');
passes.command('show').description('list them, and how far they have come; workers go on')
  .addOption(configOption())
  .option('--json', 'JSON lines instead of a table')
  .action((args: { config: string[]; json?: boolean }) => showPasses(args, print));
for (const [kind, what] of [
  ['pause', 'let it stand still, also the pass "live"'], ['resume', 'let it go on'], ['cancel', 'end it'],
] as const) {
  addPassOptions(passes.command(kind).description(what))
    .action((args: PassArguments) => change({ ...args, kind }, print));
}

try {
  await program.parseAsync();
  await flushed();
  process.exit(EXIT.stopped);
} catch (error) {
  process.exit(report(error));
}

/** Aborts on the first SIGINT or SIGTERM; a second one, or a stop that takes too long, ends the process at once. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  const onSignal = (): void => {
    if (stop.signal.aborted) process.exit(EXIT.twice);
    stop.abort(new Error('stopped by a signal'));
    setTimeout(() => process.exit(EXIT.late), STOP_MAX_MS).unref();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return stop.signal;
}

/** An error we foresaw is one line that says what, where and the cure; any other is a bug and shows its stack. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.stopped : EXIT.config;
  if (!(error instanceof ConnectorError)) {
    process.stderr.write(`8x8-connector: a bug: ${error instanceof Error ? error.stack : String(error)}\n`);
    return EXIT.bug;
  }
  process.stderr.write(`8x8-connector: ${error.code}: ${error.message}\n`);
  return exitCode(error.code);
}

function exitCode(code: ErrorCode): number {
  if (code === 'CONFIG_INVALID') return EXIT.config;
  return code.startsWith('SOURCE_') ? EXIT.source : EXIT.sink;
}
