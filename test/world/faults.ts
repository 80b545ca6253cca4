import type { Random } from '../../src/simulator/random.ts';

/** What can go wrong with one request. */
export const REQUEST_FAULTS = [
  /** 429, alone or several in a row, and how long to wait. */
  'throttled',
  /** 5xx, alone or several in a row. */
  'server-error',
  /** The connection breaks before there is an answer. */
  'reset',
  /** No answer at all. */
  'hang',
  /** Half of the body, then the connection breaks. */
  'cut',
  /** Half of the body, then nothing. */
  'stalled-body',
  /** The body comes in drops, too slowly at times. */
  'slow-body',
  /** The JSON stops in the middle. */
  'truncated',
  'not-utf8',
  /** JSON, but none that the API knows. */
  'out-of-shape',
  /** A page of a proxy with status 200. */
  'html',
  /** JSON under a content type that denies it. */
  'wrong-content-type',
  'redirect',
  /** 401, and the token is dead from then on. */
  'token-expired',
  'token-revoked',
  /** 400 for a scrollId that was good. */
  'scroll-expired',
  /** A PBX that may not be read for once. */
  'pbx-refused',
] as const;

/** What can be wrong with a page that arrives well. */
export const PAGE_FAULTS = [
  /** The page before once more, with its scrollId. */
  'repeated-page',
  /** All rows of the page before in front of this one's. */
  'repeated-rows',
  /** A row twice, and the rows before it. */
  'duplicate-rows',
  'rows-out-of-order',
  /** Rows of the minute before and the minute after the window. */
  'outside-rows',
  /** A good row that nobody can map, this once. */
  'damaged-row',
  /** A row of a PBX that nobody asked for. */
  'foreign-row',
  /** `totalRecordCount` is wrong, also that of the end. */
  'wrong-count',
  /** The end of the scroll, although there are rows that may still be late. */
  'empty-page',
  /** The page after the one asked for; the rows between them may still be late. */
  'skipped-page',
] as const;

/** How 8x8 is away as a whole. */
export const OUTAGES = [
  'no-connection', 'no-answer', 'server-errors', 'throttle-storm', 'login-refused', 'key-refused',
] as const;

export type RequestFault = (typeof REQUEST_FAULTS)[number];
export type PageFault = (typeof PAGE_FAULTS)[number];
export type Outage = (typeof OUTAGES)[number];

export interface FaultRules {
  /** Of a request, and of a page: probabilities. */
  readonly requestFaultShare: number;
  readonly pageFaultShare: number;
  /** The kinds that this world knows. */
  readonly requestFaults: readonly RequestFault[];
  readonly pageFaults: readonly PageFault[];
  /** Most 429s or 5xx in a row. */
  readonly burstMax: number;
}

/** Decides what goes wrong with each request in turn. */
export class Faults {
  readonly #rules: FaultRules;
  readonly #random: Random;
  #burst: { readonly kind: RequestFault; left: number } | undefined;

  constructor(rules: FaultRules, random: Random) {
    this.#rules = rules;
    this.#random = random;
  }

  ofRequest(): RequestFault | undefined {
    if (this.#burst !== undefined && this.#burst.left > 0) {
      this.#burst.left -= 1;
      return this.#burst.kind;
    }
    const { requestFaultShare, requestFaults, burstMax } = this.#rules;
    if (!this.#random.chance(requestFaultShare)) return undefined;
    const kind = this.#random.pick(requestFaults);
    const bursts = kind === 'throttled' || kind === 'server-error';
    if (bursts) this.#burst = { kind, left: this.#random.whole(1, burstMax) - 1 };
    return kind;
  }

  ofPage(): PageFault | undefined {
    const { pageFaultShare, pageFaults } = this.#rules;
    return this.#random.chance(pageFaultShare) ? this.#random.pick(pageFaults) : undefined;
  }
}
