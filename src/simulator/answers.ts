import type { FaultKind } from './faults.ts';
import type { SimulatorOptions } from './options.ts';
import type { Row } from './row.ts';
import type { JsonRow, Report } from './rows.ts';
import { formatUtc } from './time-zone.ts';

/** What goes over the wire, and what the ledger is to be told once it has. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly pieces: readonly Buffer[];
  /**
   * `whole` all of it; `cut` half of it, then the connection breaks; `slow` in drops; `none` nothing, and
   * after a long time the connection closes.
   */
  readonly delivery: 'whole' | 'cut' | 'slow' | 'none';
  readonly served: readonly Row[];
  readonly damaged: readonly Row[];
  /** Rows it shows that are no content of any true row: the damaged copies, and rows of a PBX nobody has. */
  readonly strange: readonly JsonRow[];
  /** What is wrong with it, if something is. */
  readonly fault?: FaultKind | undefined;
}

/** The request is refused with this answer. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly answer: Answer;

  constructor(answer: Answer) {
    super(`refused with status ${answer.status}`);
    this.answer = answer;
  }
}

export function jsonAnswer(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return bodyAnswer(status, Buffer.from(JSON.stringify(body)), { 'content-type': 'application/json', ...headers });
}

export function bodyAnswer(status: number, body: Buffer, headers: Readonly<Record<string, string>>): Answer {
  return { status, headers, pieces: [body], delivery: 'whole', served: [], damaged: [], strange: [] };
}

export function htmlAnswer(status: number, title: string): Answer {
  const page = `<html><head><title>${title}</title></head><body><h1>${title}</h1><hr>nginx</body></html>`;
  return bodyAnswer(status, Buffer.from(page), { 'content-type': 'text/html; charset=utf-8' });
}

/** @see https://developer.8x8.com/analytics/docs/work-analytics-call-legs and 8x8's OpenAPI file */
export const invalidApiKey = (): Answer => jsonAnswer(400, {
  status: 400,
  message: 'Invalid 8x8-apikey',
  code: 'SHA001',
  details: [{
    type: 'invalidValue',
    location: 'header',
    path: ['8x8-apikey'],
    hint: "Please provide valid apikey. If you don't have one, please sign up and create a developer account",
  }],
});

export const unknownUser = (): Answer =>
  jsonAnswer(400, { error_description: 'USER_NOTFOUND_ERROR', error: 'invalid_grant' });

/** UNVERIFIED: status and body for a wrong password or a missing field; 8x8 documents the unknown user only. */
export const badCredentials = (): Answer =>
  jsonAnswer(400, { error_description: 'Bad credentials', error: 'invalid_grant' });

export const malformedToken = (): Answer =>
  jsonAnswer(401, { error: 'invalid_token', error_description: 'Cannot convert access token to JSON' });

/** Documented for a sibling API. It echoes the token, so a reader must not log it. */
export const expiredToken = (token: string): Answer =>
  jsonAnswer(401, { error: 'invalid_token', error_description: `Access token expired: ${token}` });

/** UNVERIFIED: no Authorization header at all. The body is the usual one of the framework 8x8 seems to use. */
export const missingToken = (): Answer => jsonAnswer(401, {
  error: 'unauthorized', error_description: 'Full authentication is required to access this resource',
});

export function pbxForbidden(options: SimulatorOptions, report: Report, pbxId: string): Answer {
  const user = options.username;
  if (options.forbiddenForm === '400-category') {
    // UNVERIFIED: the envelope. Message and code are documented in a support article.
    return jsonAnswer(400, {
      status: 400,
      code: '105-400-038',
      message: `user(${user}) does not have access to api category(CDR) for pbxId([${pbxId}]).`,
    });
  }
  const message = `user(${user}) does not have access to pbxId(${pbxId}) to make this request.`;
  return springError(options, report, { status: 403, error: 'Access Denied', message });
}

/** UNVERIFIED: status and envelope of a bad parameter; the envelope is that of the documented 403. */
export function badParameter(options: SimulatorOptions, report: Report, message: string): Answer {
  return springError(options, report, { status: 400, error: 'Bad Request', message });
}

/** NOT DOCUMENTED for this API: that there is a limit at all, its headers, its body. */
export function tooManyRequests(options: SimulatorOptions, waitMs: number): Answer {
  return jsonAnswer(429, { message: 'API rate limit exceeded' }, throttleHeaders(options, waitMs));
}

export function serverError(options: SimulatorOptions, status: number): Answer {
  switch (options.serverErrorBody) {
    case 'html': return htmlAnswer(status, `${status} Server Error`);
    case 'json': return jsonAnswer(status, { status, messages: ['Server Error'] });
    case 'empty': return bodyAnswer(status, Buffer.alloc(0), {});
  }
}

function throttleHeaders(options: SimulatorOptions, waitMs: number): Readonly<Record<string, string>> {
  const seconds = Math.max(1, Math.ceil(waitMs / 1_000));
  switch (options.throttleStyle) {
    case 'retry-after-seconds': return { 'retry-after': `${seconds}` };
    case 'retry-after-date': {
      const untilMs = options.clock.nowMs() + options.dateSkewMs + waitMs;
      return { 'retry-after': new Date(Math.ceil(untilMs / 1_000) * 1_000).toUTCString() };
    }
    // UNVERIFIED: that `reset` counts seconds from now; sibling APIs name the headers only.
    case 'x-ratelimit': return {
      'x-ratelimit-limit': `${Number.isFinite(options.requestsPerMinute) ? options.requestsPerMinute : 60}`,
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': `${seconds}`,
    };
    case 'none': return {};
  }
}

interface SpringError {
  readonly status: number;
  readonly error: string;
  readonly message: string;
}

/** The documented envelope of a 403: `timeStamp` with a capital S, and the path inside 8x8's house. */
function springError(options: SimulatorOptions, report: Report, { status, error, message }: SpringError): Answer {
  return jsonAnswer(status, {
    timeStamp: formatUtc(options.clock.nowMs()),
    status,
    error,
    exception: message,
    message,
    path: `/api/analytics/report/external/v2/${report}`,
  });
}
