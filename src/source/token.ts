import type { Clock } from '../clock.ts';
import { ConnectorError } from '../errors.ts';
import { untilAborted } from './abort.ts';
import type { Http } from './http.ts';
import { CredentialRefused, explainTokenRefusal, REFUSED_REST_MS } from './refusals.ts';

export interface Credentials {
  /** The Key of an app in 8x8 Admin Console. Work Analytics does not use its Secret. */
  readonly apiKey: string;
  readonly username: string;
  readonly password: string;
}

/** What a data call proves itself with: the token, and the key it was issued under. */
export interface Token {
  readonly accessToken: string;
  readonly apiKey: string;
  /** All that 8x8 knows of our secrets and could repeat in an answer. */
  readonly secrets: readonly string[];
}

/** One access token for all feeds. */
export interface Tokens {
  /**
   * The current token; a new one if there is none or it is about to expire. Whoever comes while
   * one is being fetched waits for the same one.
   *
   * @throws ConnectorError SOURCE_REFUSED, naming the credential; the errors of {@link Http.send}.
   */
  get(signal: AbortSignal, retriesMax: number): Promise<Token>;

  /** Says that a token was refused. Only the current one is forgotten: a newer one may be there already. */
  drop(token: Token): void;
}

export interface TokensOptions {
  /** Called for every token, so that rotated secrets are read again. */
  readonly credentials: () => Credentials;
  readonly http: Http;
  readonly clock: Clock;
}

/** A token is renewed when this part of its life is over. */
const RENEW_AT = 0.8;

/** 8x8 says 1800 s. If it says nothing that makes sense, we trust the token for less. */
const LIFETIME_DEFAULT_S = 300;
const LIFETIME_MAX_S = 24 * 60 * 60;

/** A token travels in a header, and few servers take headers beyond this. That of 8x8's sample has 40 characters. */
const TOKEN_LENGTH_MAX = 8_192;

/**
 * Keeps the access token.
 *
 * Request     POST {base}/v1/oauth/token, header `8x8-apikey`, form `username`, `password`
 * Response    { access_token: string, token_type: "bearer", expires_in: 1800 }, `expires_in` in seconds; a
 *             sibling API writes that number as a string. There is no refresh token.
 * Source      https://developer.8x8.com/analytics/docs/work-analytics-call-legs
 *
 * After a refusal the same credentials are not tried again for {@link REFUSED_REST_MS}, however many feeds
 * ask: 8x8 may lock the user. Changed credentials are tried at once.
 */
export function createTokens({ credentials, http, clock }: TokensOptions): Tokens {
  let current: { readonly token: Token; readonly renewAtMs: number } | undefined;
  let flight: { readonly token: Promise<Token>; readonly signal: AbortSignal } | undefined;
  let refusal: { readonly error: ConnectorError; readonly of: Credentials; readonly untilMs: number } | undefined;

  async function get(signal: AbortSignal, retriesMax: number): Promise<Token> {
    for (;;) {
      signal.throwIfAborted();
      if (current !== undefined && clock.nowMs() < current.renewAtMs) return current.token;
      flight ??= takeOff(signal, retriesMax);
      const joined = flight;
      try {
        return await untilAborted(joined.token, signal);
      } catch (error) {
        // The feed that fetched for all of us was stopped. That is no reason for us to stop.
        if (joined.signal.aborted && !signal.aborted) continue;
        throw error;
      }
    }
  }

  function takeOff(signal: AbortSignal, retriesMax: number): { token: Promise<Token>; signal: AbortSignal } {
    const token = fetchToken(signal, retriesMax).finally(() => {
      flight = undefined;
    });
    return { token, signal };
  }

  async function fetchToken(signal: AbortSignal, retriesMax: number): Promise<Token> {
    const login = readCredentials(credentials);
    const startedMs = clock.nowMs();
    const restMs = (refusal?.untilMs ?? startedMs) - startedMs;
    // A longer rest was begun by a clock that has been set back since.
    if (restMs > 0 && restMs <= REFUSED_REST_MS && isSameLogin(login, refusal!.of)) {
      throw new ConnectorError(refusal!.error.code, refusal!.error.message, { retryAfterMs: restMs });
    }
    const answer = await http.send({
      endpoint: 'token',
      method: 'POST',
      path: '/v1/oauth/token',
      headers: { '8x8-apikey': login.apiKey, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ username: login.username, password: login.password }).toString(),
      retriesMax,
      patience: { leftMs: Infinity }, // not one window's: its retries and their rests are its limit
      parse: parseToken,
    }, signal);

    const secrets = [login.apiKey, login.username, login.password];
    if ('refusal' in answer) {
      const error = explainTokenRefusal(answer.refusal, secrets);
      refusal = { error, of: login, untilMs: clock.nowMs() + REFUSED_REST_MS };
      throw error;
    }
    refusal = undefined;
    const { accessToken, lifetimeS } = answer.value;
    const token = { accessToken, apiKey: login.apiKey, secrets: [...secrets, accessToken] };
    // Counted from before the request, so that we never think it younger than it is.
    current = { token, renewAtMs: startedMs + lifetimeS * 1_000 * RENEW_AT };
    return token;
  }

  return {
    get,
    drop(token) {
      if (current?.token === token) current = undefined;
    },
  };
}

/** Node would refuse a line break in a header, too, but its error quotes the header. */
function readCredentials(credentials: () => Credentials): Credentials {
  const { apiKey, username, password } = callOrRefuse(credentials);
  if (!/^[\x21-\x7e]+$/.test(apiKey)) throw unusable('EIGHT_API_KEY', 'blanks, line breaks or letters beyond ASCII');
  if (!/^[^\r\n\0]+$/.test(username)) throw unusable('EIGHT_USERNAME', 'line breaks');
  if (!/^[^\r\n\0]+$/.test(password)) throw unusable('EIGHT_PASSWORD', 'line breaks');
  return { apiKey, username, password };
}

/** A secret file may be missing for a moment while it is rotated. */
function callOrRefuse(credentials: () => Credentials): Credentials {
  try {
    return credentials();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'no code';
    const why = error instanceof ConnectorError ? error.message : `the credentials cannot be read (${code})`;
    throw new CredentialRefused('user', `${why}; cure: the secret files`);
  }
}

function unusable(setting: string, what: string): CredentialRefused {
  const credential = setting === 'EIGHT_API_KEY' ? 'api-key' : 'user';
  return new CredentialRefused(credential, `${setting} is empty or contains ${what}; cure: write it again`);
}

function isSameLogin(one: Credentials, other: Credentials): boolean {
  return one.apiKey === other.apiKey && one.username === other.username && one.password === other.password;
}

function parseToken(json: unknown): { accessToken: string; lifetimeS: number } {
  const { access_token: accessToken, expires_in: expiresIn } = (json ?? {}) as Record<string, unknown>;
  const isText = typeof accessToken === 'string' && accessToken.length <= TOKEN_LENGTH_MAX;
  if (!isText || !/^[\x21-\x7e]+$/.test(accessToken)) {
    throw new ConnectorError('SOURCE_MALFORMED', '8x8 answered the login with no usable access token');
  }
  const seconds = typeof expiresIn === 'string' ? Number(expiresIn) : expiresIn;
  const usable = typeof seconds === 'number' && seconds >= 1 && seconds <= LIFETIME_MAX_S;
  return { accessToken, lifetimeS: usable ? seconds : LIFETIME_DEFAULT_S };
}
