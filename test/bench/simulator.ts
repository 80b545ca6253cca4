import { startSimulator } from '../../src/simulator/work-analytics.ts';

/**
 * The simulator in a process of its own, with all its rows made ahead, so that a benchmark measures reading them.
 * Prints one JSON line: its address, its account, and how many rows there are. Ends when its standard input does.
 */
const [callsPerHour, latencyMs] = process.argv.slice(2).map(Number);
const HOUR_MS = 3_600_000;
const world = { pbxIds: ['acme'], callsPerHour: callsPerHour!, historyMs: HOUR_MS, latencyMs: latencyMs! };
const simulator = await startSimulator(world);
const nowMs = Date.now();
const rows = simulator.prepare(nowMs - 2 * HOUR_MS, nowMs);

console.log(JSON.stringify({ url: simulator.url, origin: simulator.origin, options: simulator.options, rows }));
process.stdin.resume().on('end', () => process.exit());
