import type { ServerClock } from '../../src/simulator/server-clock.ts';
import { startSimulator } from '../../src/simulator/work-analytics.ts';
import type { SimulatorSettings } from '../../src/simulator/options.ts';
import type { Simulator } from '../../src/simulator/work-analytics.ts';

export type Json = Record<string, unknown>;

/** A page as the wire has it. */
export interface PageJson {
  readonly meta: { readonly totalRecordCount: number; readonly scrollId?: string | null };
  readonly data: readonly Json[];
}

export const NOON = Date.parse('2026-05-01T12:00:00Z');
export const minutes = (count: number): number => count * 60_000;
export const hours = (count: number): number => count * 3_600_000;

/** Time that only the test moves; a sleep ends when the test has moved it far enough. */
export class TestClock implements ServerClock {
  /** By how much each look at the clock moves it, as real time goes on while an answer is made. */
  tickMs = 0;
  #nowMs: number;

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    this.#nowMs += this.tickMs;
    return this.#nowMs;
  }

  pass(ms: number): void {
    this.#nowMs += ms;
  }

  /** No test waits: what takes long takes no time at all. */
  sleep(): Promise<void> {
    return Promise.resolve();
  }
}

/** `2024-05-01 10:00:00` */
export function reportTime(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}

/** What a test says to a simulator of its own, over real HTTP. */
export class Caller {
  readonly simulator: Simulator;
  token = '';

  constructor(simulator: Simulator) {
    this.simulator = simulator;
  }

  async login(form: Json = {}, apiKey = this.simulator.options.apiKey): Promise<Response> {
    const { username, password } = this.simulator.options;
    const body = new URLSearchParams({ username, password, ...form } as Record<string, string>);
    const response = await fetch(`${this.simulator.url}/v1/oauth/token`, {
      method: 'POST', headers: { '8x8-apikey': apiKey }, body,
    });
    if (response.ok) this.token = ((await response.clone().json()) as { access_token: string }).access_token;
    return response;
  }

  /** Asks for the last two hours of all PBXes unless told otherwise. An undefined parameter is left out. */
  get(report: string, change: Record<string, string | undefined> = {}, headers: Record<string, string> = {}):
  Promise<Response> {
    const nowMs = this.simulator.options.clock.nowMs();
    const parameters = {
      pbxId: 'allpbxes', startTime: reportTime(nowMs - hours(2)), endTime: reportTime(nowMs), timeZone: 'UTC',
      pageSize: '50', ...change,
    };
    const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== undefined) as never);
    return fetch(`${this.simulator.url}/v2/${report}?${query}`, {
      redirect: 'manual',
      headers: { '8x8-apikey': this.simulator.options.apiKey, 'authorization': `Bearer ${this.token}`, ...headers },
    });
  }

  async page(report: string, change: Record<string, string | undefined> = {}): Promise<PageJson> {
    const response = await this.get(report, change);
    if (response.status !== 200) throw new Error(`status ${response.status}: ${await response.text()}`);
    return await response.json() as PageJson;
  }

  /** All answers of a scroll, the last one without rows. */
  async scroll(report: string, change: Record<string, string | undefined> = {}): Promise<readonly PageJson[]> {
    const pages: PageJson[] = [];
    let scrollId: string | undefined;
    for (let turn = 0; turn < 1_000; turn += 1) {
      const page = await this.page(report, { ...change, scrollId });
      pages.push(page);
      if (page.data.length === 0) return pages;
      scrollId = page.meta.scrollId ?? undefined;
    }
    throw new Error('the scroll did not end');
  }
}

/** Runs a test, logged in, against a simulator whose clock stands at noon; always closes it. */
export async function withSimulator(
  settings: SimulatorSettings, run: (caller: Caller, clock: TestClock) => Promise<void>,
): Promise<void> {
  const clock = new TestClock(NOON);
  const simulator = await startSimulator({ clock, ...settings });
  try {
    const caller = new Caller(simulator);
    simulator.setFaults(false);
    await caller.login();
    simulator.setFaults(true);
    await run(caller, clock);
  } finally {
    await simulator.close();
  }
}
