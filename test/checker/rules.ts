import type { LedgerRow, Report, Row, Run } from './dumps.ts';

/** What the settings of a run mean for the checker, with the defaults of the README. Times in milliseconds. */
export interface Rules {
  readonly sweepEveryMs: number;
  /** How far back sweeps look, and what is missing of a call is waited for. */
  readonly lookbackMs: number;
  /** Whether a record counts the legs of child calls, too. */
  readonly countsChildren: boolean;
  /** How late a row may be shown after its disconnect, and must be found. */
  readonly coveredLatenessMs: number;
  readonly requestsPerMinute: number;
  readonly rejectedPayload: boolean;
  /** Whether events have nothing of a person. Of the other policies the checker knows nothing. */
  readonly strict: boolean;
  /** Names of the feeds that must be there: `call-legs/acme`, PBXs in lower case. */
  readonly feeds: readonly string[];
  /** Whether a request for these PBXs shows the row at all. */
  isShown(pbxs: string, row: LedgerRow): boolean;
  /** The time of a row that a window means; undefined if it is in no window. */
  windowTimeOf(row: LedgerRow): number | undefined;
}

/** At which age a pass looks for rows once more; undefined if it is no deep sweep. */
export function deepAgeMs(pass: string): number | undefined {
  const [, age] = /^deep-(\d+[smhd])$/.exec(pass) ?? [];
  return age === undefined ? undefined : spanMs(age);
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

export function rulesOf({ settings, forbiddenPbxIds, recordsFilter }: Run): Rules {
  const span = (name: string, preset: string): number => spanMs(settings[name] ?? preset);
  const isOn = (name: string): boolean => settings[name] === 'true';
  const sweepEveryMs = span('PACE_SWEEP_EVERY', '10m');
  const lookbackMs = span('PACE_LOOKBACK', '2h');
  const forbidden = new Set(forbiddenPbxIds.map((id) => id.toLowerCase()));
  return {
    sweepEveryMs,
    lookbackMs,
    countsChildren: settings['CALL_LEG_COUNT'] === 'with-children',
    coveredLatenessMs: lookbackMs - sweepEveryMs - span('PACE_STEP_MIN', '1m'),
    requestsPerMinute: Number(settings['EIGHT_REQUESTS_PER_MINUTE'] ?? 10),
    rejectedPayload: isOn('REJECTED_PAYLOAD'),
    strict: settings['PRIVACY_PRESET'] === 'strict',
    feeds: listOf(settings['EIGHT_STREAMS'] ?? 'call-legs,call-records')
      .flatMap((stream) => listOf(settings['EIGHT_PBX_IDS']).map((group) => `${stream}/${groupName(group)}`)),
    isShown(pbxs, row) {
      const pbx = row.pbxId.toLowerCase();
      if (forbidden.has(pbx) || !isInGroup(pbxs, pbx)) return false;
      const content = row.revisions[0]!.row;
      return !(row.report === 'call-legs' && isOn('EIGHT_IS_SIMPLIFIED') && isLeftOut(content))
        && matchesParties(settings, content);
    },
    windowTimeOf(row) {
      const filter = row.report === 'call-records' ? recordsFilter
        : isOn('EIGHT_IS_CONNECT_TIME') ? 'connect' : 'disconnect';
      if (filter === 'disconnect') return row.disconnectedTimeUTC;
      const ms = row.revisions[0]!.row[filter === 'start' ? 'startTimeUTC' : 'connectTimeUTC'];
      return typeof ms === 'number' && ms > 0 ? ms : undefined;
    },
  };
}

/** 8x8 shows the last two years only. @see https://developer.8x8.com/analytics/docs/work-analytics-call-legs */
export const RETENTION_MS = 2 * 365 * UNIT_MS['d']!;

/** So far beyond the seam of two passes both read, whichever way 8x8 takes the bounds of a window. */
export const SEAM_MS = 2_000;

/** `allpbxes`, or names with commas between; all in lower case. */
export function isInGroup(pbxs: string, pbx: string): boolean {
  return pbxs === 'allpbxes' || pbxs.split(',').includes(pbx);
}

/** A key with its PBX in lower case, as events have it. */
export function subjectOf(key: string): string {
  const [pbx = '', ...rest] = key.split('/');
  return [pbx.toLowerCase(), ...rest].join('/');
}

export function keyOf(report: Report, row: Row): string {
  const ids = report === 'call-legs' ? ['pbxId', 'callId', 'legId'] : ['pbxId', 'callId'];
  return ids.map((name) => String(row[name])).join('/');
}

/**
 * What `isSimplified` leaves out: offers to agents, forks and recordings.
 *
 * @see https://developer.8x8.com/analytics/docs/work-analytics-call-legs
 */
function isLeftOut(row: Row): boolean {
  return row['parentCallId'] !== null || /^Call(Forking|Recording)/.test(String(row['callee']));
}

function matchesParties(settings: Run['settings'], row: Row): boolean {
  const caller = listOf(settings['EIGHT_CALLER']);
  const callee = listOf(settings['EIGHT_CALLEE']);
  const either = listOf(settings['EIGHT_CALLER_OR_CALLEE']);
  const [from, to] = [String(row['caller']), String(row['callee'])];
  return (caller.length === 0 || caller.includes(from)) && (callee.length === 0 || callee.includes(to))
    && (either.length === 0 || either.includes(from) || either.includes(to));
}

/** `b+a` is one request for two PBXs, and the same feed as `a+b`. */
function groupName(group: string): string {
  return group.toLowerCase().split('+').toSorted().join(',');
}

function listOf(text = ''): readonly string[] {
  return text.split(',').map((part) => part.trim()).filter((part) => part !== '');
}

function spanMs(text: string): number {
  const [, count, unit] = /^(\d+)(ms|s|m|h|d)$/.exec(text) ?? [];
  if (count === undefined) throw new Error(`no span of time: ${text}`);
  return Number(count) * UNIT_MS[unit!]!;
}
