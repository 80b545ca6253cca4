import { AnswerLog } from './answer-log.ts';
import type { FaultKind } from './faults.ts';
import { RateLimiter, Tokens } from './gate.ts';
import { createLedger } from './ledger.ts';
import type { Ledger } from './ledger.ts';
import type { SimulatorOptions } from './options.ts';
import { createPhoneSystem } from './phone-system.ts';
import type { PhoneSystem } from './phone-system.ts';
import type { Row } from './row.ts';
import type { TimeZone } from './time-zone.ts';

/** What happened so far. */
export interface Stats {
  /** By status; `none` where no status was sent. The simulator's own endpoints do not count. */
  readonly requests: Readonly<Record<string, number>>;
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  readonly tokensIssued: number;
  readonly pagesServed: number;
  readonly rowsServed: number;
  /** Bad manners of the caller: requests before a `Retry-After` had passed, and windows that end in the future. */
  readonly requestsDuringRetryAfter: number;
  readonly futureWindows: number;
}

/** One running simulator: its truth, and what changes while it runs. */
export interface World {
  readonly options: SimulatorOptions;
  readonly system: PhoneSystem;
  readonly ledger: Ledger;
  readonly answers: AnswerLog;
  readonly tokens: Tokens;
  readonly limiter: RateLimiter;
  readonly pages: PageMemory;
  /** Time zones already opened, by name. */
  readonly zones: Map<string, TimeZone>;
  readonly counts: Counts;
  faultsEnabled: boolean;
}

/** {@link Stats} while it is being counted. */
export interface Counts {
  number: number;
  requests: Record<string, number>;
  faults: Partial<Record<FaultKind, number>>;
  pagesServed: number;
  rowsServed: number;
  requestsDuringRetryAfter: number;
  futureWindows: number;
  /** When the longest wait asked for by a 429 ends. */
  throttledUntilMs: number;
}

export function createWorld(options: SimulatorOptions): World {
  const system = createPhoneSystem(options);
  return {
    options,
    system,
    ledger: createLedger(system),
    answers: new AnswerLog(),
    tokens: new Tokens(options.tokenLifetimeS),
    limiter: new RateLimiter(options.requestsPerMinute),
    pages: new PageMemory(),
    zones: new Map(),
    counts: {
      number: 0, requests: {}, faults: {}, pagesServed: 0, rowsServed: 0,
      requestsDuringRetryAfter: 0, futureWindows: 0, throttledUntilMs: 0,
    },
    faultsEnabled: true,
  };
}

export function statsOf({ counts, tokens }: World): Stats {
  const { pagesServed, rowsServed, requestsDuringRetryAfter, futureWindows } = counts;
  return {
    requests: { ...counts.requests }, faults: { ...counts.faults }, tokensIssued: tokens.issued,
    pagesServed, rowsServed, requestsDuringRetryAfter, futureWindows,
  };
}

/** How the page came about that gave out a scroll id. */
export interface GivenPage {
  /** Scroll id of the request for that page; undefined if it was the first page. */
  readonly requestedWith: string | undefined;
  readonly lastRows: readonly Row[];
}

/** The pages given out last, by query and scroll id: some faults show a page again. */
export class PageMemory {
  readonly #pages = new Map<string, GivenPage>();

  remember(key: string, page: GivenPage): void {
    this.#pages.delete(key);
    this.#pages.set(key, page);
    if (this.#pages.size > PAGES_REMEMBERED_MAX) this.#pages.delete(this.#pages.keys().next().value!);
  }

  find(key: string): GivenPage | undefined {
    return this.#pages.get(key);
  }
}

const PAGES_REMEMBERED_MAX = 1_000;
