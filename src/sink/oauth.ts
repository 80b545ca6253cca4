import { getCACertificates } from 'node:tls';
import type { Mechanism } from 'kafkajs';
import { Agent, request } from 'undici';
import { systemClock } from '../clock.ts';
import { readNamed, readSecret, type Secret } from './secret.ts';
import { CHECKED, type TlsFiles } from './tls.ts';

/** Where tokens come from that prove who we are, as plain data. */
export interface OAuth {
  readonly from: { readonly token: Secret } | TokenEndpoint;
  /** SASL extensions, e.g. `logicalCluster`. */
  readonly extensions: Readonly<Record<string, string>>;
}

/** Gives tokens for client id and secret (RFC 6749, 4.4). */
export interface TokenEndpoint {
  readonly url: string;
  readonly username: Secret;
  readonly password: Secret;
  readonly scope: string;
  /** Trusted beside those that Node knows. */
  readonly tls: TlsFiles | undefined;
}

/** Below kafkajs's own limit for a login. */
const ANSWER_MAX_MS = 8_000;

/** A token is used for this part of its life. */
const RENEW_AT = 0.8;

const LIFETIME_DEFAULT_S = 300;

/** What separates the parts of a message (RFC 7628). */
const SEPARATOR = '\u0001';

/** SASL OAUTHBEARER. kafkajs's own takes the answer of a broker that refuses the token for a yes. */
export function oauthMechanism({ from, extensions }: OAuth): Mechanism {
  let readToken = createTokenReader(from);
  const pairs = Object.entries(extensions).map(([name, value]) => `${name}=${value}${SEPARATOR}`).join('');
  return {
    mechanism: 'oauthbearer',
    authenticationProvider: ({ saslAuthenticate }) => ({
      async authenticate() {
        const token = await readToken();
        const message = Buffer.from(`n,,${SEPARATOR}auth=Bearer ${token}${SEPARATOR}${pairs}${SEPARATOR}`);
        const answer = await saslAuthenticate({
          request: { encode: () => withLength(message) },
          response: { decode: (bytes) => bytes, parse: (bytes) => bytes.subarray(4).toString() },
        });
        if (!answer) return;
        readToken = createTokenReader(from); // it may have been revoked long before its end
        throw new Error('SASL OAUTHBEARER authentication failed: the broker refuses our token');
      },
    }),
  };
}

function withLength(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** Gives the token that counts now: one from an endpoint is kept for most of its life. */
export function createTokenReader(from: OAuth['from']): () => Promise<string> {
  if ('token' in from) return async () => readSecret(from.token);
  let kept: { readonly token: string; readonly untilMs: number } | undefined;
  return async () => {
    const nowMs = systemClock.nowMs();
    if (kept !== undefined && nowMs < kept.untilMs) return kept.token;
    const { token, lifetimeS } = await fetchToken(from);
    kept = { token, untilMs: nowMs + lifetimeS * 1_000 * RENEW_AT };
    return token;
  };
}

async function fetchToken(endpoint: TokenEndpoint): Promise<{ token: string; lifetimeS: number }> {
  const { url, username, password, scope, tls } = endpoint;
  const own = tls?.ca === undefined ? [] : [readNamed('KAFKA_TLS_CA_FILE', tls.ca)];
  const dispatcher = new Agent({ connect: { ...CHECKED, ca: [...getCACertificates('default'), ...own] } });
  // RFC 6749 has both encoded before they are joined.
  const login = [username, password].map((secret) => encodeURIComponent(readSecret(secret))).join(':');
  try {
    const { statusCode, body } = await request(url, {
      method: 'POST',
      dispatcher,
      headers: {
        'authorization': `Basic ${Buffer.from(login).toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams({ grant_type: 'client_credentials', ...scope !== '' && { scope } }).toString(),
      signal: AbortSignal.timeout(ANSWER_MAX_MS),
    });
    const answer = await body.json().catch(() => ({})) as { access_token?: unknown; expires_in?: unknown };
    if (statusCode !== 200 || typeof answer.access_token !== 'string') throw refused(statusCode);
    const lifetimeS = Number(answer.expires_in);
    return { token: answer.access_token, lifetimeS: lifetimeS > 0 ? lifetimeS : LIFETIME_DEFAULT_S };
  } finally {
    await dispatcher.destroy();
  }
}

function refused(status: number): Error {
  const cure = 'Check KAFKA_SASL_USERNAME (the client id), KAFKA_SASL_PASSWORD (its secret) and KAFKA_SASL_SCOPE';
  return new Error(`KAFKA_SASL_TOKEN_URL gives us no token (status ${status}). ${cure}`);
}
