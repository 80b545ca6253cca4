import { ConnectorError } from '../errors.ts';
import { PRIVATE_ADDRESS } from './fetch.ts';

/**
 * Says why there was no whole answer, and the cure. Names the origin and the error's code, nothing else:
 * the errors of `fetch` may quote headers, so they are not even kept as the cause.
 *
 * @param limitMs  the deadline, if it has passed
 */
export function explainConnectionFailure(error: unknown, origin: string, limitMs: number | undefined): ConnectorError {
  if (limitMs !== undefined) return unavailable(`${origin} gave no whole answer within ${limitMs} ms`);
  const code = codeOf(error);
  if (isTimeout(error)) return unavailable(`${origin} did not answer in time (${code})`);
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return unavailable(`the host of ${origin} is unknown (${code}); cure: EIGHT_BASE_URL, or DNS`);
  }
  if (code === 'ECONNREFUSED') {
    return unavailable(`${origin} refused the connection (${code}); cure: EIGHT_BASE_URL, EIGHT_PROXY, or a firewall`);
  }
  if (code === PRIVATE_ADDRESS) {
    return unavailable(`the host of ${origin} is in a private network; cure: EIGHT_BASE_URL, or EIGHT_ALLOW_PRIVATE`);
  }
  const refusal = proxyRefusal(error);
  if (refusal !== undefined) {
    const cure = 'EIGHT_PROXY with its user and password, and that the proxy lets us through to that host';
    return unavailable(`the proxy on the way to ${origin} refused (${refusal}); cure: ${cure}`);
  }
  if (/CERT|TLS|SSL|UNABLE_TO|EPROTO/.test(code)) {
    return unavailable(`TLS with ${origin} failed (${code}); cure: EIGHT_BASE_URL, or NODE_EXTRA_CA_CERTS = the file` +
      ' of the authority that your proxy signs with. The check itself is never turned off');
  }
  return unavailable(`the connection to ${origin} broke (${code})`);
}

/** The HTTP client has limits of its own, for connecting and between two chunks. */
export function isTimeout(error: unknown): boolean {
  return /TIMEDOUT|TIMEOUT/.test(codeOf(error));
}

function codeOf(error: unknown): string {
  return inside(error, (one) => ('code' in one && typeof one.code === 'string' ? one.code : undefined)) ?? 'no code';
}

/** The status by which a proxy has refused to let us through. */
function proxyRefusal(error: unknown): string | undefined {
  return inside(error, ({ message }) => /^Proxy response \((\d{3})\)/.exec(message)?.[1]);
}

/** `fetch` wraps what happened in a TypeError "fetch failed", and several addresses in an AggregateError. */
function inside(error: unknown, find: (one: Error) => string | undefined): string | undefined {
  for (let depth = 0; depth < 5 && error instanceof Error; depth += 1) {
    const found = find(error);
    if (found !== undefined) return found;
    error = error instanceof AggregateError ? error.errors[0] : error.cause;
  }
  return undefined;
}

function unavailable(message: string): ConnectorError {
  return new ConnectorError('SOURCE_UNAVAILABLE', message);
}
