import {
  badCredentials, badParameter, expiredToken, htmlAnswer, invalidApiKey, jsonAnswer, malformedToken, missingToken,
  Refusal, serverError, tooManyRequests, unknownUser,
} from './answers.ts';
import type { Answer } from './answers.ts';
import { decideFault } from './faults.ts';
import type { Fault, FaultKind, FaultRequest } from './faults.ts';
import { answerReport } from './report.ts';
import { readReportRequest } from './report-request.ts';
import type { Report } from './rows.ts';
import type { World } from './world.ts';

export interface TokenCall {
  readonly apiKey: string | undefined;
  readonly form: URLSearchParams;
}

export interface ReportCall {
  readonly report: Report;
  readonly apiKey: string | undefined;
  readonly authorization: string | undefined;
  readonly parameters: URLSearchParams;
}

export function answerTokenCall(world: World, { apiKey, form }: TokenCall): Answer {
  return passGate(world, { endpoint: 'token', scrolling: false }, () => {
    const { options } = world;
    if (apiKey !== options.apiKey) return invalidApiKey();
    if (form.has('username') && form.get('username') !== options.username) return unknownUser();
    if (!form.has('username') || form.get('password') !== options.password) return badCredentials();
    const expires = {
      number: { expires_in: options.tokenLifetimeS },
      text: { expires_in: `${options.tokenLifetimeS}` },
      missing: {},
    }[options.expiresIn];
    const token = world.tokens.issue(options.clock.nowMs());
    return jsonAnswer(200, { access_token: token, token_type: 'bearer', ...expires });
  });
}

export function answerReportCall(world: World, call: ReportCall): Answer {
  const { report, parameters } = call;
  return passGate(world, { endpoint: 'report', scrolling: parameters.has('scrollId') }, (fault) => {
    if (call.apiKey !== world.options.apiKey) return invalidApiKey();
    const token = /^Bearer (.+)$/i.exec(call.authorization ?? '')?.[1];
    if (token === undefined) return missingToken();
    if (fault?.kind === 'token-expired') world.tokens.expire(token);
    if (fault?.kind === 'token-revoked') world.tokens.revoke(token);
    const state = world.tokens.stateOf(token, world.options.clock.nowMs());
    if (state === 'unknown') return malformedToken();
    if (state === 'expired') return expiredToken(token);
    if (fault?.kind === 'scroll-expired') return badParameter(world.options, report, 'scrollId is expired');
    return answerReport(world, readReportRequest(world, report, parameters), fault);
  });
}

/** Limit, then faults: what happens to every request, whatever it asks for. */
function passGate(
  world: World, request: Omit<FaultRequest, 'number'>, answerWell: (fault: Fault | undefined) => Answer,
): Answer {
  const { options, counts, limiter } = world;
  const nowMs = options.clock.nowMs();
  counts.number += 1;
  if (nowMs < counts.throttledUntilMs) counts.requestsDuringRetryAfter += 1;

  const waitMs = limiter.take(nowMs);
  if (waitMs > 0) return throttle(world, waitMs);

  const fault = world.faultsEnabled ? decideFault(options.faults, { ...request, number: counts.number }) : undefined;
  if (fault !== undefined) counts.faults[fault.kind] = (counts.faults[fault.kind] ?? 0) + 1;
  const spoil = fault === undefined ? undefined : SPOILS[fault.kind];
  const well = (): Answer => answerWell(fault);
  const answer = orRefused(() => spoil === undefined ? well() : spoil(world, fault!, well));
  return { ...answer, fault: fault?.kind };
}

function orRefused(answer: () => Answer): Answer {
  try {
    return answer();
  } catch (error) {
    if (error instanceof Refusal) return error.answer;
    throw error;
  }
}

/** How a fault spoils what would have been a good answer. */
type Spoil = (world: World, fault: Fault, answerWell: () => Answer) => Answer;

/** The faults that lie in the transport; those in the rows are report.ts's. */
const SPOILS: Readonly<Partial<Record<FaultKind, Spoil>>> = {
  'throttled': (world) => throttle(world, world.options.faults.retryAfterMs),
  'server-error': ({ options }, { choice }) => serverError(options, [500, 502, 503][choice % 3]!),
  'html': () => htmlAnswer(200, 'Sign in'),
  'hang': () => ({ ...jsonAnswer(200, {}), delivery: 'none' }),
  'redirect': () => jsonAnswer(302, {}, { location: 'http://elsewhere.invalid/' }),
  'cut': (_world, _fault, answerWell) => unserved(answerWell(), 'cut'),
  'truncated': (_world, _fault, answerWell) => truncate(answerWell()),
  'slow-body': (_world, _fault, answerWell) => ({ ...answerWell(), delivery: 'slow' }),
  'wrong-content-type': (_world, _fault, answerWell) =>
    withType(unserved(answerWell(), 'whole'), 'text/html; charset=utf-8'),
};

function throttle(world: World, waitMs: number): Answer {
  if (world.options.throttleStyle !== 'none') {
    world.counts.throttledUntilMs = Math.max(world.counts.throttledUntilMs, world.options.clock.nowMs() + waitMs);
  }
  return tooManyRequests(world.options, waitMs);
}

/** Rows that nobody can be expected to have read. */
function unserved(answer: Answer, delivery: Answer['delivery']): Answer {
  return { ...answer, delivery, served: [], damaged: [], strange: [] };
}

function truncate(answer: Answer): Answer {
  const body = Buffer.concat(answer.pieces);
  return { ...unserved(answer, 'whole'), pieces: [body.subarray(0, Math.floor(body.length * 0.6))] };
}

function withType(answer: Answer, type: string): Answer {
  return { ...answer, headers: { ...answer.headers, 'content-type': type } };
}
