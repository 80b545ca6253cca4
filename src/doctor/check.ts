/** One thing that `doctor` has looked at, and what a person must do about it. */
export interface Check {
  /** What the check is of: the settings, 8x8, Kafka or the registry. */
  readonly part: 'config' | '8x8' | 'kafka' | 'registry';
  /** Stable, for machines: `api-key`, `pbx acme`, `write 8x8.call-legs`. */
  readonly name: string;
  /** `skipped`: it could not be looked at, because an earlier check failed or the settings do not need it. */
  readonly state: 'ok' | 'warning' | 'failed' | 'skipped';
  /** What was seen, in a sentence; no secret and nothing of a person. */
  readonly found: string;
  /** What to do, where something is to be done. */
  readonly cure?: string;
}

/** Of an error, which says itself what to do. */
export function failed(part: Check['part'], name: string, message: string): Check {
  const [found, ...cure] = message.replace(/^8x8: /, '').split('; cure: ');
  return { part, name, state: 'failed', found: found!, ...cure.length > 0 ? { cure: cure.join() } : {} };
}

/** Not looked at, and why. */
export function skipped(part: Check['part'], name: string, why: string): Check {
  return { part, name, state: 'skipped', found: why };
}
