import { countRows } from '../../src/simulator/walk.ts';
import { startSimulator } from '../../src/simulator/work-analytics.ts';
import type { SimulatorLoad } from './account.ts';

/**
 * The simulator in a process of its own, with all its rows made ahead, so that a benchmark measures reading them.
 * Its argument is a {@link SimulatorLoad}. Prints one JSON line: its address, its account, and how many rows of the
 * reports there are within the time that is measured. Ends when its standard input does.
 */
const { fromMs, toMs, reports, ...world } = JSON.parse(process.argv[2]!) as SimulatorLoad;
const nowMs = Date.now();
const simulator = await startSimulator({ ...world, historyMs: nowMs - fromMs, rowsCachedMax: Infinity });
simulator.prepare(fromMs, toMs);
const span = { pbxIds: world.pbxIds, timeOf: 'disconnect', lowMs: fromMs, highMs: toMs - 1, nowMs } as const;
const rows = reports.map((report) =>
  countRows(simulator.system, { ...span, report, simplified: false, matches: undefined }).count);

console.log(JSON.stringify({ url: simulator.url, options: simulator.options, rows: rows.reduce((a, b) => a + b, 0) }));
process.stdin.resume().on('end', () => process.exit());
