import { ConnectorError } from '../errors.ts';

/** An answer beyond our byte limit. Asking again for the same page is useless; smaller pages may help. */
export class AnswerTooLarge extends ConnectorError {
  constructor(bytesMax: number) {
    super('SOURCE_MALFORMED', `8x8 answered with more than ${bytesMax} bytes; cure: EIGHT_PAGE_SIZE`);
  }
}

/**
 * Reads a body that must be JSON, whole, in strict UTF-8, and at most `bytesMax` long after decompression.
 *
 * @throws ConnectorError SOURCE_MALFORMED, which never quotes the body; {@link AnswerTooLarge}; or whatever
 *   broke the connection.
 */
export async function readJson(response: Response, bytesMax: number): Promise<unknown> {
  const contentType = mediaType(response);
  if (!isJson(contentType)) {
    await discard(response);
    const kind = contentType === 'text/html' ? 'an HTML page' : 'something else';
    throw malformed(`${kind} instead of JSON; is there a proxy or a login page in between?`);
  }

  const { bytes, complete } = await readBytes(response, bytesMax);
  if (!complete) throw new AnswerTooLarge(bytesMax);
  // No cause in either error: those of the parser quote what they could not read.
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw malformed('bytes that are not UTF-8');
  }
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw malformed('broken JSON');
  }
}

/** Reads the start of a body that explains a refusal; nothing in it is trusted to be well formed. */
export async function readStart(response: Response, bytesMax: number): Promise<string> {
  const { bytes } = await readBytes(response, bytesMax);
  return new TextDecoder('utf-8').decode(bytes);
}

/** Drops a body unread. The connection is closed, so a huge one costs nothing; a broken one is no news. */
export async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined);
}

/** Stops at the limit: what a bomb would still unpack is never unpacked. */
async function readBytes(response: Response, bytesMax: number): Promise<{ bytes: Uint8Array; complete: boolean }> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  let complete = true;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    if (length + chunk.length > bytesMax) {
      complete = false;
      break; // cancels the body
    }
    chunks.push(chunk);
    length += chunk.length;
  }
  return { bytes: Buffer.concat(chunks, length), complete };
}

function mediaType(response: Response): string {
  return (response.headers.get('content-type') ?? '').split(';')[0]!.trim().toLowerCase();
}

function isJson(contentType: string): boolean {
  return contentType === 'application/json' || /^application\/[^+]+\+json$/.test(contentType);
}

function malformed(what: string): ConnectorError {
  return new ConnectorError('SOURCE_MALFORMED', `8x8 answered with ${what}`);
}
