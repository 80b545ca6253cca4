import Table from 'cli-table3';
import { Command, InvalidArgumentError } from 'commander';
import { createLogUpdate } from 'log-update';
import { systemClock } from '../../src/clock.ts';
import { TROUBLES, type Trouble } from './trace.ts';
import { addTroubles, explainLife, liveAll, WORLDS_FOR_ALL_TROUBLES } from './worlds.ts';

interface Options {
  readonly seeds: number;
  readonly first: number;
}

/** A terminal has one line that changes; a log gets a line now and then. */
const SHOW_EVERY_MS = process.stdout.isTTY ? 200 : 10_000;

/** `npm run worlds`: as many worlds as one likes, on all cores. Its exit code says whether all is well. */
async function liveThrough({ seeds, first }: Options): Promise<boolean> {
  const update = createLogUpdate(process.stdout);
  const show = (line: string): void => (process.stdout.isTTY ? update(line) : console.log(line));
  const startMs = systemClock.nowMs();
  const happened = new Map<Trouble, number>();
  let [ended, broken, shownMs] = [0, 0, startMs];

  await liveAll(Array.from({ length: seeds }, (_, index) => first + index), (life) => {
    ended += 1;
    addTroubles(happened, life);
    const lines = explainLife(life);
    if (lines.length > 0) {
      broken += 1;
      update.clear();
      console.log(lines.join('\n'));
    }
    const nowMs = systemClock.nowMs();
    if (nowMs - shownMs < SHOW_EVERY_MS && ended < seeds) return;
    shownMs = nowMs;
    show(progress({ ended, seeds, broken, elapsedMs: nowMs - startMs }));
  });
  update.done();

  console.log(troubleTable(happened));
  const missing = seeds < WORLDS_FOR_ALL_TROUBLES ? [] : TROUBLES.filter((trouble) => !happened.has(trouble));
  if (missing.length > 0) console.log(`never happened: ${missing.join(', ')}`);
  return broken === 0 && missing.length === 0;
}

interface Progress {
  readonly ended: number;
  readonly seeds: number;
  readonly broken: number;
  readonly elapsedMs: number;
}

function progress({ ended, seeds, broken, elapsedMs }: Progress): string {
  const perSecond = (ended * 1_000) / Math.max(elapsedMs, 1);
  const left = duration((seeds - ended) / perSecond);
  return `${ended} of ${seeds} worlds, ${perSecond.toFixed(1)} per second, ${duration(elapsedMs / 1_000)} gone, `
    + `${left} left, ${broken} with violations`;
}

function duration(seconds: number): string {
  const [minutes, rest] = [Math.floor(seconds / 60), Math.floor(seconds % 60)];
  return minutes < 60 ? `${minutes}m${rest}s` : `${Math.floor(minutes / 60)}h${minutes % 60}m`;
}

/** How often every kind of trouble has happened, in columns side by side. */
function troubleTable(happened: ReadonlyMap<Trouble, number>): string {
  const width = 3;
  const kinds = [...TROUBLES].sort();
  const height = Math.ceil(kinds.length / width);
  const head = Array.from({ length: width }, () => ['trouble', 'times']).flat();
  const colAligns = Array.from({ length: width }, () => ['left', 'right'] as const).flat();
  const table = new Table({ style: { head: [], border: [] }, chars: NO_LINES, head, colAligns });
  for (let row = 0; row < height; row += 1) {
    const cells = Array.from({ length: width }, (_, column) => kinds[column * height + row]);
    table.push(cells.flatMap<string | number>((kind) =>
      kind === undefined ? ['', ''] : [kind, happened.get(kind) ?? 0]));
  }
  return table.toString();
}

const NO_LINES = { 'mid': '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' };

function positive(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('It must be a whole number above 0.');
  return Number(text);
}

const command = new Command('worlds')
  .description('Lives through simulated worlds, one per seed, and checks every promise in each.')
  .option('--seeds <n>', 'how many worlds', positive, 2_000)
  .option('--first <n>', 'the first seed', positive, 1)
  .parse();
process.exitCode = await liveThrough(command.opts<Options>()) ? 0 : 1;
