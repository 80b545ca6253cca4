import { hashNumbers, Random } from './random.ts';

/** What can go wrong with one request. Each is in the fault model of the project, and each is survivable. */
export const FAULT_KINDS = [
  /** 429, alone or several in a row. */
  'throttled',
  /** 500, 502 or 503 with a body that is not JSON, alone or several in a row. */
  'server-error',
  /** No answer for long, then the connection closes. */
  'hang',
  /** The connection breaks in the middle of the body. */
  'cut',
  /** A whole answer by its length, but the JSON stops in the middle. */
  'truncated',
  /** An HTML page with status 200, as a captive portal sends. */
  'html',
  /** JSON under a content type that denies it. */
  'wrong-content-type',
  /** 401 in the form of an expired token; the token is dead from then on. */
  'token-expired',
  /** 401 in the form of a malformed token; the token is dead from then on. */
  'token-revoked',
  /** The page before once more, with its scroll id. */
  'repeated-page',
  /** Rows whose time lies just outside the window. */
  'outside-rows',
  /** One good row of this answer is damaged as a poison row is, this once. */
  'damaged-row',
  /** Rows twice in one page, and rows of the page before. */
  'duplicate-rows',
  /** `totalRecordCount` is wrong. */
  'wrong-count',
  /** The body comes in drops. */
  'slow-body',
  /** 400: the scroll id is not valid any more. */
  'scroll-expired',
  /** The end of a scroll though there are rows. Only a later reading of the window can tell. */
  'empty-page',
  /** A row of a PBX that nobody asked for. */
  'foreign-row',
  /** 302 to another host. */
  'redirect',
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

/** A request as the faults see it. */
export interface FaultRequest {
  /** Counts the requests of one simulator, from 1. */
  readonly number: number;
  readonly endpoint: 'token' | 'report';
  /** It carries a scroll id: it is not the first of its scroll. */
  readonly scrolling: boolean;
}

export interface Fault {
  readonly kind: FaultKind;
  /** 32 bits of chance for what the kind leaves open: which row, which status, how long. */
  readonly choice: number;
}

export interface FaultOptions {
  readonly seed: number;
  /** Probability per request of each kind, 0 to 1, together at most 1. A kind not named never happens. */
  readonly probabilities: Readonly<Partial<Record<FaultKind, number>>>;
  /** Most 429s or 5xx in a row, from 1. */
  readonly burstMax: number;
  /** What a `throttled` fault asks to wait, in milliseconds. */
  readonly retryAfterMs: number;
  readonly hangMs: number;
  /** How long a `slow-body` takes in all. */
  readonly slowBodyMs: number;
}

export const NO_FAULTS: FaultOptions = {
  seed: 1, probabilities: {}, burstMax: 1, retryAfterMs: 2_000, hangMs: 30_000, slowBodyMs: 5_000,
};

/** About one request in twelve goes wrong: enough for every kind within a few thousand requests. */
export const STANDARD_FAULTS: FaultOptions = {
  ...NO_FAULTS,
  burstMax: 3,
  probabilities: {
    'throttled': 0.01, 'server-error': 0.01, 'hang': 0.002, 'cut': 0.005, 'truncated': 0.005, 'html': 0.003,
    'wrong-content-type': 0.002, 'token-expired': 0.003, 'token-revoked': 0.002, 'repeated-page': 0.005,
    'outside-rows': 0.01, 'damaged-row': 0.002, 'duplicate-rows': 0.01, 'wrong-count': 0.005, 'slow-body': 0.003,
    'scroll-expired': 0.003,
  },
};

/** Share of rows that are poison for good where the standard faults are on. */
export const STANDARD_POISON_SHARE = 0.001;

/** Decides by seed and number of the request alone, so that a run can be repeated. Pure. */
export function decideFault(options: FaultOptions, request: FaultRequest): Fault | undefined {
  for (let back = 0; back < options.burstMax && back < request.number; back += 1) {
    const drawn = drawFault(options, request.number - back);
    if (drawn === undefined || back >= drawn.length) continue;
    return applies(drawn.kind, request) ? { kind: drawn.kind, choice: drawn.choice } : undefined;
  }
  return undefined;
}

interface DrawnFault extends Fault {
  /** Requests in a row that it spoils. */
  readonly length: number;
}

function drawFault({ seed, probabilities, burstMax }: FaultOptions, number: number): DrawnFault | undefined {
  const random = new Random(hashNumbers([seed, number]));
  let left = random.next();
  const kind = FAULT_KINDS.find((candidate) => (left -= probabilities[candidate] ?? 0) < 0);
  if (kind === undefined) return undefined;
  const bursts = kind === 'throttled' || kind === 'server-error';
  return { kind, choice: random.whole(0, 0xffff_ffff), length: bursts ? random.whole(1, burstMax) : 1 };
}

/** Where a kind makes no sense, nothing goes wrong. */
function applies(kind: FaultKind, { endpoint, scrolling }: FaultRequest): boolean {
  switch (kind) {
    case 'throttled':
    case 'server-error':
    case 'hang':
    case 'cut':
    case 'truncated':
    case 'html':
    case 'redirect':
      return true;
    case 'repeated-page':
    case 'scroll-expired':
      return endpoint === 'report' && scrolling;
    case 'wrong-content-type':
    case 'token-expired':
    case 'token-revoked':
    case 'outside-rows':
    case 'damaged-row':
    case 'duplicate-rows':
    case 'wrong-count':
    case 'slow-body':
    case 'empty-page':
    case 'foreign-row':
      return endpoint === 'report';
  }
}
