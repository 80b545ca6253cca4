import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAhead } from '../../src/worker/read-ahead.ts';
import { settle } from '../world/virtual-time.ts';

const never = new AbortController().signal;

/** Pages 1, 2, 3, ... on demand; `asked` counts the demands. */
function pagesOf(count: number, failAt?: number) {
  const state = { asked: 0, ended: false, aborted: false };
  const read = async function* (signal: AbortSignal): AsyncIterable<number> {
    signal.addEventListener('abort', () => (state.aborted = true));
    try {
      for (let page = 1; page <= count; page += 1) {
        state.asked += 1;
        await settle();
        if (page === failAt) throw new Error(`page ${page} fails`);
        yield page;
      }
    } finally {
      state.ended = true;
    }
  };
  return { state, read };
}

test('readAhead gives every page once, in order', async () => {
  const { read, state } = pagesOf(4);
  assert.deepEqual(await collect(readAhead(read, never)), [1, 2, 3, 4]);
  assert.ok(state.ended);
});

test('readAhead gives nothing of an empty window', async () => {
  assert.deepEqual(await collect(readAhead(pagesOf(0).read, never)), []);
});

test('readAhead asks for one page ahead, and for no more however long a page takes', async () => {
  const { read, state } = pagesOf(9);
  for await (const page of readAhead(read, never)) {
    for (let turn = 0; turn < 20; turn += 1) await settle();
    assert.equal(state.asked, Math.min(page + 1, 9));
  }
});

test('readAhead gives the pages before a failure first, then throws it', async () => {
  const given: number[] = [];
  const reading = (async () => {
    for await (const page of readAhead(pagesOf(5, 3).read, never)) {
      for (let turn = 0; turn < 5; turn += 1) await settle();
      given.push(page);
    }
  })();
  await assert.rejects(reading, /page 3 fails/);
  assert.deepEqual(given, [1, 2]);
});

test('readAhead aborts the request under way when the reader leaves, and waits until it has ended', async () => {
  const { read, state } = pagesOf(9);
  for await (const page of readAhead(read, never)) if (page === 2) break;
  assert.deepEqual(state, { asked: 3, ended: true, aborted: true });
});

test('readAhead throws what the reader throws, not what its own leaving causes', async () => {
  const read = async function* (signal: AbortSignal): AsyncIterable<number> {
    yield 1;
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    throw signal.reason;
  };
  const reading = (async () => {
    for await (const page of readAhead(read, never)) throw new Error(`the commit of page ${page} fails`);
  })();
  await assert.rejects(reading, /the commit of page 1 fails/);
});

test('readAhead passes on that the caller stops', async () => {
  const stop = new AbortController();
  const read = async function* (signal: AbortSignal): AsyncIterable<number> {
    yield 1;
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    signal.throwIfAborted();
  };
  const reading = collect(readAhead(read, stop.signal));
  await settle();
  stop.abort(new Error('stopped by a signal'));
  await assert.rejects(reading, /stopped by a signal/);
});

async function collect(pages: AsyncIterable<number>): Promise<readonly number[]> {
  const given: number[] = [];
  for await (const page of pages) given.push(page);
  return given;
}
