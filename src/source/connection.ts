import { ConnectorError } from '../errors.ts';

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
    return unavailable(`${origin} refused the connection (${code}); cure: EIGHT_BASE_URL, or the firewall in between`);
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

/** `fetch` wraps what happened in a TypeError "fetch failed", and several addresses in an AggregateError. */
function codeOf(error: unknown): string {
  for (let depth = 0; depth < 5 && error instanceof Error; depth += 1) {
    if ('code' in error && typeof error.code === 'string') return error.code;
    error = error instanceof AggregateError ? error.errors[0] : error.cause;
  }
  return 'no code';
}

function unavailable(message: string): ConnectorError {
  return new ConnectorError('SOURCE_UNAVAILABLE', message);
}
