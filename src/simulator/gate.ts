/** Who may ask at all, and how often. */

const MINUTE_MS = 60_000;

/** Lets `perMinute` requests pass within any sixty seconds. */
export class RateLimiter {
  readonly #perMinute: number;
  #passed: number[] = [];

  constructor(perMinute: number) {
    this.#perMinute = perMinute;
  }

  /** 0 if the request may pass (and counts), else how long to wait in milliseconds. */
  take(nowMs: number): number {
    if (!Number.isFinite(this.#perMinute)) return 0;
    this.#passed = this.#passed.filter((atMs) => atMs > nowMs - MINUTE_MS);
    if (this.#passed.length >= this.#perMinute) return this.#passed[0]! + MINUTE_MS - nowMs;
    this.#passed.push(nowMs);
    return 0;
  }
}

export type TokenState = 'valid' | 'expired' | 'unknown';

/** Access tokens: three parts as a JWT has, with no secret in them. */
export class Tokens {
  readonly #expiresAtMs = new Map<string, number>();
  readonly #lifetimeS: number;
  #issued = 0;

  constructor(lifetimeS: number) {
    this.#lifetimeS = lifetimeS;
  }

  get issued(): number {
    return this.#issued;
  }

  issue(nowMs: number): string {
    this.#issued += 1;
    const issuedAtS = Math.floor(nowMs / 1_000);
    const token = [
      base64Json({ alg: 'RS256' }),
      base64Json({ iat: issuedAtS, exp: issuedAtS + this.#lifetimeS, jti: `simulated-${this.#issued}` }),
      Buffer.from(`signature-${this.#issued}`).toString('base64url'),
    ].join('.');
    this.#expiresAtMs.set(token, nowMs + this.#lifetimeS * 1_000);
    return token;
  }

  stateOf(token: string, nowMs: number): TokenState {
    const expiresAtMs = this.#expiresAtMs.get(token);
    if (expiresAtMs === undefined) return 'unknown';
    return nowMs < expiresAtMs ? 'valid' : 'expired';
  }

  expire(token: string): void {
    if (this.#expiresAtMs.has(token)) this.#expiresAtMs.set(token, 0);
  }

  revoke(token: string): void {
    this.#expiresAtMs.delete(token);
  }
}

function base64Json(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
