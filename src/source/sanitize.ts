const TEXT_LENGTH_MAX = 200;

/** Read before anything else, so that no pattern ever sees a long text. */
const INPUT_LENGTH_MAX = 2_000;

/**
 * Makes a sentence of 8x8 fit for an error message: no secret of ours, nothing that looks like a token, a
 * scrollId, a phone number, an address or a user, no control characters, at most 200 characters.
 */
export function sanitize(text: string, secrets: readonly string[]): string {
  // Secrets go first and out of the uncut text: a cut could leave the first half of one. The longest goes before
  // the others: one that it begins with would leave its rest.
  const hidden = secrets.flatMap((secret) => [plain(secret), formEncode(secret)]).filter((secret) => secret !== '');
  return hidden
    .toSorted((one, other) => other.length - one.length)
    .reduce((rest, secret) => rest.replaceAll(secret, '***'), plain(text))
    .slice(0, INPUT_LENGTH_MAX)
    .replace(/\buser ?[([][^)\]]*[)\]]?/gi, 'user(***)')
    .replace(/[^\s@]*@[^\s@]*/g, '***')
    .replace(/[\w+/=.-]{20,}/g, '***')
    .replace(/\+?\d[\d ()./-]{3,}\d/g, '***')
    .slice(0, TEXT_LENGTH_MAX)
    .trim();
}

/** Printable ASCII alone, one unit for one: a service may break the line within a secret. */
function plain(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, ' ');
}

/** A text field of a JSON error body, or the first text of a list; `undefined` if there is none or no JSON. */
export function fieldOf(body: string, name: string): string | undefined {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (typeof json !== 'object' || json === null || !Object.hasOwn(json, name)) return undefined;
  const value = (json as Record<string, unknown>)[name];
  const text: unknown = Array.isArray(value) ? value[0] : value;
  return typeof text === 'string' ? text : undefined;
}

/** A service may quote a secret the way it was sent. */
function formEncode(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1);
}
