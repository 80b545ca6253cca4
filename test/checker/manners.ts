import type { AnswerLine } from './dumps.ts';
import { iso, type Evidence } from './evidence.ts';
import type { Finding } from './invariant.ts';
import { windowOf } from './scans.ts';

/** A request that was under way when 8x8 asked for silence is no bad manner. */
const UNDER_WAY_MS = 1_000;
const MINUTE_MS = 60_000;

/** Burst that a fresh worker may have, whatever one before it has used: a tenth of the budget. */
const BURST_SHARE = 0.1;

/**
 * I13 API manners: nobody asks while 8x8 wants silence of him, nor for what is still to come, nor in another zone than
 * UTC; all together keep to the budget, and log in as seldom as tokens allow.
 */
export function mannersAreKept(evidence: Evidence): Finding {
  const { answers } = evidence;
  const violations = [
    ...(answers.length > 0 && answers[0]!.number !== 1 ? ['the log of answers has forgotten the first ones'] : []),
    ...loudRequests(answers),
    ...wrongWindows(evidence),
    ...hastyRequests(evidence),
    ...needlessLogins(evidence),
  ];
  return { looked: answers.length, at: 'requests to 8x8', violations };
}

/** Whoever holds a token holds it alone. Of two workers, each knows only what it was told itself. */
function loudRequests(answers: readonly AnswerLine[]): readonly string[] {
  const silences = new Map<string, AnswerLine>();
  return answers.flatMap((answer) => {
    const { token, atMs, number } = answer;
    if (token === null) return [];
    const silence = silences.get(token);
    if (answer.silentUntilMs !== null) silences.set(token, answer);
    const loud = silence !== undefined && atMs > silence.atMs + UNDER_WAY_MS && atMs < silence.silentUntilMs!;
    if (!loud) return [];
    const told = `answer ${silence.number} at ${iso(silence.atMs)} has asked ${token} for silence`;
    return [`request ${number} comes at ${iso(atMs)}, but ${told} until ${iso(silence.silentUntilMs!)}`];
  });
}

function wrongWindows({ answers, run: { skewMs } }: Evidence): readonly string[] {
  return answers.filter(({ endpoint }) => endpoint !== 'token').flatMap((answer) => {
    const { number, atMs, query } = answer;
    const zone = query['timeZone'] === 'UTC' ? [] : [`request ${number} asks in the zone ${query['timeZone']}`];
    const { to } = windowOf(answer);
    if (!(to > atMs + skewMs)) return zone;
    return [...zone, `request ${number} at ${iso(atMs)} asks up to ${iso(to)}, which is to come`];
  });
}

function hastyRequests({ answers, rules, run }: Evidence): readonly string[] {
  const burst = Math.ceil(rules.requestsPerMinute * BURST_SHARE);
  const most = rules.requestsPerMinute + burst * Math.max(run.workersStarted - 1, 0);
  const first = answers.find(({ atMs }, index) => atMs - (answers[index - most]?.atMs ?? -Infinity) < MINUTE_MS);
  if (first === undefined) return [];
  return [`request ${first.number} at ${iso(first.atMs)} is more than the ${most}th within a minute`];
}

/** One login for each worker, for each token that was refused, for each login that failed, and as tokens grow old. */
function needlessLogins({ answers, run: { workersStarted, tokenLifetimeS } }: Evidence): readonly string[] {
  const logins = answers.filter(({ endpoint, status, fault }) =>
    endpoint === 'token' && status === 200 && fault === null);
  const refused = answers.filter(({ endpoint, status }) => endpoint !== 'token' && status === 401).length;
  const spanMs = (answers.at(-1)?.atMs ?? 0) - (answers[0]?.atMs ?? 0);
  const aged = Math.ceil(spanMs / (tokenLifetimeS * 1_000 * TOKEN_USED_SHARE)) * workersStarted;
  const most = workersStarted + refused + aged;
  if (logins.length <= most) return [];
  const during = `by ${workersStarted} workers in ${Math.round(spanMs / 1_000)} s`;
  return [`${logins.length} logins ${during}, with ${refused} tokens refused: ${most} would do`];
}

/** Of its life a token is used at least so much. */
const TOKEN_USED_SHARE = 0.5;
