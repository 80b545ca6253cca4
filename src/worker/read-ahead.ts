/**
 * Asks for the next page, and works on it, while the last one is being published: one page ahead, never more.
 *
 * Leaving the loop early aborts the request that is under way, so nobody waits for a page that nobody wants.
 */
export async function* readAhead<T>(
  read: (signal: AbortSignal) => AsyncIterable<T>,
  signal: AbortSignal,
): AsyncIterable<T> {
  const left = new AbortController();
  const pages = read(AbortSignal.any([signal, left.signal]))[Symbol.asyncIterator]();
  let next = pages.next();
  try {
    for (let page = await next; page.done !== true; page = await next) {
      next = pages.next();
      next.catch(() => undefined); // it is awaited, and thrown, when its turn comes
      yield page.value;
    }
  } finally {
    left.abort(new Error('the reader has left'));
    await pages.return?.().catch(() => undefined);
  }
}
