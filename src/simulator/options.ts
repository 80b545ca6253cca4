import { NO_FAULTS, STANDARD_FAULTS, STANDARD_POISON_SHARE } from './faults.ts';
import type { FaultOptions } from './faults.ts';
import { PHONE_SYSTEM_DEFAULTS } from './phone-system.ts';
import type { PhoneSystemOptions } from './phone-system.ts';
import { WINDOW_RULES_DEFAULTS } from './query.ts';
import type { WindowRules } from './query.ts';
import { serverClock } from './server-clock.ts';
import type { ServerClock } from './server-clock.ts';
import type { FoldChoice } from './time-zone.ts';

/**
 * The simulated 8x8 as an HTTP server. What is marked ND is NOT DOCUMENTED by 8x8: a switch, because the
 * connector has to stand every choice. The first choice named is the default.
 */
export interface SimulatorOptions extends PhoneSystemOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly clock: ServerClock;

  readonly apiKey: string;
  readonly username: string;
  readonly password: string;
  readonly tokenLifetimeS: number;
  /** ND for this API: a sibling of it sends `expires_in` as text. */
  readonly expiresIn: 'number' | 'text' | 'missing';

  /** 8x8's schema says at most 7000, its guides say it must be 50. ND: that anything else is a 400. */
  readonly pageSizeRule: 'max-7000' | 'must-be-50';
  /** ND. */
  readonly windowRules: WindowRules;
  /** ND: which instant a wall clock time means that comes twice. */
  readonly foldChoice: FoldChoice;
  /** ND: the first page of a window without rows: as the end of a scroll, without a scroll id, or `data: null`. */
  readonly emptyWindow: 'end-of-scroll' | 'no-scroll-id' | 'null-data';
  /** Documented: `No Data`. The others are feared: null, no scroll id at all, or a new id each time. */
  readonly endMarker: 'no-data' | 'null' | 'missing' | 'fresh-id';

  /** Real limit over all requests, sliding; Infinity for none. ND. */
  readonly requestsPerMinute: number;
  /** ND: how a 429 says how long to wait. */
  readonly throttleStyle: 'retry-after-seconds' | 'retry-after-date' | 'x-ratelimit' | 'none';
  /** ND: the body of a 5xx. */
  readonly serverErrorBody: 'html' | 'json' | 'empty';

  /** PBXes that exist, but that the user may not read. */
  readonly forbiddenPbxIds: readonly string[];
  /** Both forms are documented. */
  readonly forbiddenForm: '403' | '400-category';
  /** ND: a forbidden PBX among others (also by `allpbxes`) refuses the whole request, or is left out. */
  readonly forbiddenAmongOthers: 'refuse' | 'leave-out';
  /** ND: a name that no PBX has. */
  readonly unknownPbx: '403' | 'empty';

  /** Added to the clock in the `Date` header and in `Retry-After` dates, not in rows. */
  readonly dateSkewMs: number;
  readonly faults: FaultOptions;
}

/** As given to `startSimulator`: all has defaults, and the faults may be named. */
export type SimulatorSettings = Partial<Omit<SimulatorOptions, 'faults' | 'windowRules'>> & {
  readonly windowRules?: Partial<WindowRules>;
  /**
   * `off` is the default. `standard` also makes 0.1 % of rows poison, unless `poisonShare` is given. An
   * object changes the standard burst length and times, and says which kinds happen.
   */
  readonly faults?: 'off' | 'standard' | Partial<FaultOptions>;
};

export const SIMULATOR_DEFAULTS: Omit<SimulatorOptions, 'startedAtMs'> = {
  ...PHONE_SYSTEM_DEFAULTS,
  host: '127.0.0.1',
  port: 0,
  clock: serverClock,
  apiKey: 'eght_simulator_key',
  username: 'simulator@example.com',
  password: 'simulator-password',
  tokenLifetimeS: 1_800,
  expiresIn: 'number',
  pageSizeRule: 'max-7000',
  windowRules: WINDOW_RULES_DEFAULTS,
  foldChoice: 'earlier',
  emptyWindow: 'end-of-scroll',
  endMarker: 'no-data',
  requestsPerMinute: Infinity,
  throttleStyle: 'retry-after-seconds',
  serverErrorBody: 'html',
  forbiddenPbxIds: [],
  forbiddenForm: '403',
  forbiddenAmongOthers: 'refuse',
  unknownPbx: '403',
  dateSkewMs: 0,
  faults: NO_FAULTS,
};

/** Fills in what was not given. The world starts now, unless told otherwise. */
export function settleOptions(settings: SimulatorSettings): SimulatorOptions {
  const { faults = 'off', windowRules, ...given } = settings;
  const clock = given.clock ?? serverClock;
  const seed = given.seed ?? SIMULATOR_DEFAULTS.seed;
  return {
    ...SIMULATOR_DEFAULTS,
    startedAtMs: clock.nowMs(),
    poisonShare: faults === 'standard' ? STANDARD_POISON_SHARE : SIMULATOR_DEFAULTS.poisonShare,
    ...given,
    windowRules: { ...WINDOW_RULES_DEFAULTS, ...windowRules },
    faults: settleFaults(faults, seed),
  };
}

function settleFaults(faults: NonNullable<SimulatorSettings['faults']>, seed: number): FaultOptions {
  if (faults === 'off') return { ...NO_FAULTS, seed };
  if (faults === 'standard') return { ...STANDARD_FAULTS, seed };
  return { ...STANDARD_FAULTS, seed, probabilities: {}, ...faults };
}
