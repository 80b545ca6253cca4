import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import Table from 'cli-table3';
import { openJourney } from '../road/journey.ts';
import { percentile } from './tally.ts';

const SAMPLE_EVERY_MS = 10_000;
const HOUR_MS = 3_600_000;
/** The median of the last quarter may be above that of the second by this factor. */
const FLAT = 1.1;

/** What a worker holds at one moment. Memory in MiB. */
const MEASURES = ['RSS MiB', 'heap MiB', 'file descriptors', 'sockets'] as const;
type Sample = Readonly<Record<(typeof MEASURES)[number], number>>;

/**
 * One worker under a steady load. A lookback of minutes, so that within the first of them it remembers as many keys as
 * it ever will.
 *
 * @returns whether what it holds stays as it is.
 */
export async function soak(hours: number): Promise<boolean> {
  const journey = await openJourney({
    simulator: { pbxIds: ['acme', 'globex', 'initech', 'umbrella'], callsPerHour: 6_000 },
    settings: { PACE_LOOKBACK: '2m', PACE_SWEEP_EVERY: '10s' },
  });
  try {
    const worker = journey.start();
    const { http } = await journey.line(({ msg }) => msg === 'starting');
    const samples: Sample[] = [];
    for (const endsMs = Date.now() + hours * HOUR_MS; Date.now() < endsMs;) {
      await sleep(SAMPLE_EVERY_MS);
      samples.push(await sampleOf(worker.pid, String(http)));
      if (samples.length % 6 === 0) console.log(JSON.stringify(samples.at(-1)));
    }
    const { shown, published, lost, doubled, complaints } = await journey.settle();
    console.log(`${shown} rows shown, ${published} published, ${lost.length} lost, ${doubled.length} doubled`);
    for (const complaint of complaints) console.log(complaint);
    const flat = tell(samples);
    return flat && lost.length === 0 && doubled.length === 0 && complaints.length === 0;
  } finally {
    await journey.close();
  }
}

async function sampleOf(pid: number, http: string): Promise<Sample> {
  const metrics = await (await fetch(`${http}/metrics`)).text();
  const heapBytes = Number(/^nodejs_heap_size_used_bytes (.*)$/m.exec(metrics)![1]);
  const rssKiB = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]);
  const files = readdirSync(`/proc/${pid}/fd`).map((fd) => targetOf(`/proc/${pid}/fd/${fd}`));
  return {
    'RSS MiB': Math.round(rssKiB / 1_024),
    'heap MiB': Math.round(heapBytes / 1_048_576),
    'file descriptors': files.length,
    sockets: files.filter((target) => target.startsWith('socket:')).length,
  };
}

/** It may be closed since it was listed. */
function targetOf(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return '';
  }
}

/** Prints how each measure went, and tells whether all of them are flat. */
function tell(samples: readonly Sample[]): boolean {
  const head = ['', 'first', 'last', 'max', '2nd quarter', 'last quarter', 'per hour', ''];
  const table = new Table({ style: { head: [], border: [] }, head });
  const flats = MEASURES.map((name) => {
    const values = samples.map((sample) => sample[name]);
    const quarter = Math.floor(values.length / 4);
    const [second, last] = [median(values.slice(quarter, 2 * quarter)), median(values.slice(-quarter))];
    const flat = last <= second * FLAT;
    table.push([name, values[0]!, values.at(-1)!, Math.max(...values), second, last,
      slopePerHour(values).toFixed(1), flat ? 'flat' : 'GROWS']);
    return flat;
  });
  console.log(table.toString());
  return flats.every(Boolean);
}

function median(values: readonly number[]): number {
  return percentile(values.toSorted((a, b) => a - b), 0.5);
}

/** By least squares, over all but the first quarter, in which it warms up. */
function slopePerHour(all: readonly number[]): number {
  const values = all.slice(Math.floor(all.length / 4));
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const rise = values.reduce((sum, value, at) => sum + (at - middle) * (value - mean), 0);
  const run = values.reduce((sum, _, at) => sum + (at - middle) ** 2, 0);
  return (rise / run) * (HOUR_MS / SAMPLE_EVERY_MS);
}
