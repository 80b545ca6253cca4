import { ConnectorError } from '../errors.ts';
import { fieldOf, sanitize } from './sanitize.ts';

/** A 4xx answer that asks for no retry. */
export interface Refusal {
  readonly status: number;
  /** The start of its body. Nothing of it may be shown unless {@link sanitize} has seen it. */
  readonly text: string;
}

/** A report was refused for a reason that the documentation does not explain. */
export class ReportRefused extends ConnectorError {
  readonly status: number;

  constructor(status: number, message: string) {
    super('SOURCE_REFUSED', message, { retryAfterMs: REFUSED_REST_MS });
    this.status = status;
  }
}

/** Our credentials were refused, or cannot be used. */
export class CredentialRefused extends ConnectorError {
  /** Which of them, as far as 8x8 tells: it may lay to the user what is the key's fault. */
  readonly credential: 'api-key' | 'user';

  constructor(credential: CredentialRefused['credential'], message: string, retryAfterMs = REFUSED_REST_MS) {
    super('SOURCE_REFUSED', message, { retryAfterMs });
    this.credential = credential;
  }
}

/** Often enough to notice a corrected password, seldom enough not to lock the user out. */
export const REFUSED_REST_MS = 5 * 60_000;

/** Rights on a PBX are granted by a person; 8x8 says that changes take minutes to spread. */
const PBX_REFUSED_REST_MS = 15 * 60_000;

/**
 * Says which credential 8x8 refused, and the cure.
 *
 * Documented  400 `{ code: "SHA001", message: "Invalid 8x8-apikey" }`,
 *             400 `{ error: "invalid_grant", error_description: "USER_NOTFOUND_ERROR" }`
 * Source      https://developer.8x8.com/analytics/docs/work-analytics-call-legs, and its OpenAPI file
 * UNVERIFIED  the answer to a wrong password, a locked user, and a user who never opened Analytics. We take any
 *             other `invalid_grant` and any 401 for wrong login data. A live account would settle it.
 */
export function explainTokenRefusal(refusal: Refusal, secrets: readonly string[]): ConnectorError {
  if (isApiKeyRefused(refusal)) return apiKeyRefused();
  if (fieldOf(refusal.text, 'error_description') === 'USER_NOTFOUND_ERROR') {
    return refused(
      'the user is unknown to Work Analytics; cure: EIGHT_USERNAME = a user with Work Analytics access,' +
        ' who must open Analytics for 8x8 Work once in a browser',
    );
  }
  if (refusal.status === 401 || fieldOf(refusal.text, 'error') === 'invalid_grant') {
    return refused('the login was refused; cure: EIGHT_USERNAME and EIGHT_PASSWORD. Is the user locked?');
  }
  return refused(describe(refusal, 'an access token', secrets));
}

/**
 * Says why 8x8 refused a report, and the cure.
 *
 * Documented  400 SHA001; 401 `{ error: "invalid_token" }`, which may echo the token; 403
 *             `{ error: "Access Denied", message }`; 400 with code 105-400-038, whose envelope is unknown
 * Source      as above, and support-portal.8x8.com viewArticle c81998de-5d4e-4eda-bdd0-e8fe6dadf658
 */
export function explainReportRefusal(refusal: Refusal, report: ReportName, secrets: readonly string[]): ConnectorError {
  if (isApiKeyRefused(refusal)) return apiKeyRefused();
  if (refusal.status === 401) {
    return refused('an access token was refused although it is new; cure: the API key and the user of one account');
  }
  if (isPbxRefused(refusal)) {
    return new ConnectorError(
      'SOURCE_PBX_REFUSED',
      `8x8 lets this user not read ${report.stream} of PBX ${report.pbxId}; cure: is the name right, has the user a` +
        ' licence with Analytics, and the access level "Analytics: Supervisor" for this PBX?',
      { retryAfterMs: PBX_REFUSED_REST_MS },
    );
  }
  const message = describe(refusal, `${report.stream} of PBX ${report.pbxId}`, secrets);
  return new ReportRefused(refusal.status, `8x8: ${message}`);
}

/** What the user asked for, in the user's own words. */
export interface ReportName {
  readonly stream: string;
  readonly pbxId: string;
}

/** Whether new credentials could help: they may have been rotated, or the token has run out. */
export function isCredentialRefused(refusal: Refusal): boolean {
  return refusal.status === 401 || isApiKeyRefused(refusal);
}

function isApiKeyRefused({ text }: Refusal): boolean {
  return fieldOf(text, 'code') === 'SHA001' || fieldOf(text, 'message') === 'Invalid 8x8-apikey';
}

/** The same lack of rights has a 400 and a 403 form. */
function isPbxRefused(refusal: Refusal): boolean {
  if (refusal.status === 403 && fieldOf(refusal.text, 'error') === 'Access Denied') return true;
  return refusal.text.includes('105-400-038') || statedReason(refusal).includes('does not have access to');
}

/** The sentence for people, wherever the three known envelopes keep it. */
function statedReason({ text }: Refusal): string {
  return fieldOf(text, 'message') ?? fieldOf(text, 'messages') ?? fieldOf(text, 'error_description') ?? '';
}

function describe(refusal: Refusal, what: string, secrets: readonly string[]): string {
  const said = sanitize(statedReason(refusal), secrets);
  const hint = refusal.status === 404 ? '; is EIGHT_BASE_URL right?' : '';
  return `${what} was refused with status ${refusal.status}${said && `: ${said}`}${hint}`;
}

function apiKeyRefused(): ConnectorError {
  return refused(
    'the API key was refused; cure: EIGHT_API_KEY = the Key of the app in 8x8 Admin Console > API Keys, not the' +
      ' Secret. A new key takes minutes to work',
    'api-key',
  );
}

function refused(why: string, credential: CredentialRefused['credential'] = 'user'): CredentialRefused {
  return new CredentialRefused(credential, `8x8: ${why}`);
}
