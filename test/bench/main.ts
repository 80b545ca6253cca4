import { parseArgs } from 'node:util';
import { startStack } from '../stack/stack.ts';
import { measureBackfill } from './backfill.ts';
import { measureFleet } from './fleet.ts';
import { measureRoad } from './road.ts';
import { measureTakeovers } from './takeover.ts';
import { measureWorkers } from './workers.ts';

/** What is measured: `--fleet`, `--workers`, `--backfill`, or the road and takeovers; the others say how much of it. */
const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    calls: { type: 'string' },
    pages: { type: 'string', default: '1000' },
    'no-takeover': { type: 'boolean', default: false },
    fleet: { type: 'boolean', default: false },
    workers: { type: 'boolean', default: false },
    backfill: { type: 'boolean', default: false },
    pbxs: { type: 'string' },
    budget: { type: 'string', default: '1500' },
    step: { type: 'string', default: '60' },
    minutes: { type: 'string' },
    hours: { type: 'string', default: '8' },
    rows: { type: 'string', default: '1000000' },
    window: { type: 'string', default: '6h' },
  },
});
const { fleet, workers, backfill, budget, step, hours, rows, window, rounds, pages } = options;
const [calls, pbxs, minutes] = [options.calls, options.pbxs, options.minutes].map(given);

// An exit has listeners that kill the workers; a signal would end us without it.
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

const stack = await startStack();
try {
  if (fleet) {
    const load = { pbxs: pbxs ?? 500, calls: calls ?? 10, minutes: minutes ?? 5 };
    console.log(await measureFleet(stack, { ...load, budget: Number(budget), step: Number(step) }));
  }
  if (workers) {
    console.log(await measureWorkers(stack, { pbxs: pbxs ?? 100, calls: calls ?? 120, hours: Number(hours) }));
  }
  if (backfill) {
    const load = { rows: Number(rows), window, calls: calls ?? 20_000, minutes: minutes ?? 1 };
    console.log(await measureBackfill(stack, load));
  }
  if (!fleet && !workers && !backfill) {
    const load = { rounds: Number(rounds), calls: calls ?? 40_000, pages: Number(pages) };
    console.log(await measureRoad(stack, load));
    if (!options['no-takeover']) console.log(await measureTakeovers(Number(rounds)));
  }
} finally {
  await stack.stop();
}

function given(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}
