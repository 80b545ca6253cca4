import { systemClock } from '../../src/clock.ts';
import { openCodec } from '../../src/sink/avro.ts';
import { createWorkAnalytics } from '../../src/source/work-analytics.ts';
import { streamNamed } from '../../src/streams/index.ts';
import type { RawRow } from '../../src/streams/stream.ts';
import type { BenchAccount } from './account.ts';

/**
 * A ceiling: what one thread can do with the pages of 8x8 if it does nothing else. `parse` reads their JSON; `encode`
 * also makes events of the rows, and Avro of the events. Its argument is {@link PagesLoad}. Prints one JSON line.
 */
export interface PagesLoad {
  readonly account: BenchAccount;
  readonly registryUrl: string;
  readonly subject: string;
  readonly pageRows: number;
  readonly what: 'parse' | 'encode';
  readonly seconds: number;
}

const { account, registryUrl, subject, pageRows, what, seconds } = JSON.parse(process.argv[2]!) as PagesLoad;
const PAGES = 20;
const stream = streamNamed('call-legs');
const [pbxId] = account.options.pbxIds as readonly [string];
const window = { from: account.fromMs, to: account.toMs };
const bodies = await fetchPages();
const registry = { url: registryUrl, register: true, compatibility: 'BACKWARD' };
const codec = await openCodec(registry, subject, stream.schemaFile);

measure(1); // warm, as the connector is after its first pages
const [cpu, startedMs] = [process.cpuUsage(), performance.now()];
const records = measure(seconds);
const { user, system } = process.cpuUsage(cpu);
const took = (performance.now() - startedMs) / 1_000;
console.log(JSON.stringify({ records, seconds: took, cpuSeconds: (user + system) / 1e6 }));

function measure(forSeconds: number): number {
  let records = 0;
  for (const endMs = performance.now() + forSeconds * 1_000; performance.now() < endMs;) {
    for (const body of bodies) {
      const { data } = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as { data: RawRow[] };
      records += data.length;
      if (what === 'encode') data.forEach(encode);
    }
  }
  return records;
}

function encode(row: RawRow): void {
  const context = { pbxId, pass: 'live', window, observedAtMs: Date.now(), rejectedPayload: false };
  codec.encode(stream.toEvent(row, context).value);
}

/** The first pages, byte by byte, as 8x8 sends them. */
async function fetchPages(): Promise<readonly Uint8Array[]> {
  const found: Uint8Array[] = [];
  const { apiKey, username, password } = account.options;
  const source = createWorkAnalytics({
    baseUrl: account.url, fetch: keep, credentials: () => ({ apiKey, username, password }), pageSize: pageRows,
    parameters: {}, windowTimeoutMs: 60_000, clock: systemClock, random: Math.random, requestsPerMinute: 1e6,
    backgroundShare: 1, requestTimeoutMs: 60_000, bodyMaxBytes: 1e9, onRequest: () => undefined,
  });
  const request = { stream, pbxId, window, background: false };
  for await (const { rows } of source.readPages(request, new AbortController().signal)) {
    if (rows.length === 0 || found.length >= PAGES) break;
  }
  return found;

  async function keep(...request: Parameters<typeof fetch>): Promise<Response> {
    const response = await fetch(...request);
    const body = new Uint8Array(await response.arrayBuffer());
    if (String(request[0]).includes(stream.path)) found.push(body);
    return new Response(body, response);
  }
}
