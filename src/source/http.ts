import pRetry from 'p-retry';
import { TIMER_MAX_MS, type Clock } from '../clock.ts';
import { ConnectorError } from '../errors.ts';
import type { StreamName } from '../feed/feed.ts';
import { inSpan, unobserved, type Span } from '../span.ts';
import { AnswerTooLarge, discard, readJson, readStart } from './body.ts';
import { createBudget, throttled, type Budget } from './budget.ts';
import { explainConnectionFailure, isTimeout } from './connection.ts';
import { createRateLimit } from './rate-limit.ts';
import type { Refusal } from './refusals.ts';
import { askedWaitMs, backoffMs, parseHttpDate, REST_MAX_MS } from './retry-after.ts';

/** What an HTTP attempt came to. An attempt that we abort ourselves is not observed. */
export interface ObservedRequest {
  readonly endpoint: Endpoint;
  readonly status: number | 'network' | 'timeout';
  /** From the first byte sent to the last one read. */
  readonly durationMs: number;
  /** What the request waited for its turn in the budget, pauses included. */
  readonly waitMs: number;
  /** How many requests a minute this process may send after it: its share, and what 429s have left of it. */
  readonly budgetPerMinute: number;
  /** How far our clock is ahead of 8x8's, negative if behind; `undefined` without an answer that says the time. */
  readonly aheadMs: number | undefined;
}

export type Endpoint = 'token' | StreamName;

/** One request, and how to read a good answer to it. */
export interface Call<T> {
  readonly endpoint: Endpoint;
  readonly method: 'GET' | 'POST';
  /** Path below the base URL, with its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly retriesMax: number;
  /** See {@link ReadRequest.background}. */
  readonly background?: boolean;
  /** Time for asking, shared by all calls of a window: in flight or resting, not waiting for the budget. */
  readonly patience: { leftMs: number };
  /** @throws ConnectorError SOURCE_MALFORMED if the answer is out of shape; the request is then repeated. */
  readonly parse: (json: unknown) => T;
}

/** A 4xx is an answer: what it means, only the caller knows. */
export type Answer<T> = { readonly value: T } | { readonly refusal: Refusal };

export interface HttpOptions {
  /** `https://api.8x8.com/analytics/work`, or a simulator. */
  readonly baseUrl: string;
  /** Budget of the whole account, token calls included. This process takes its share, see `setShare`. */
  readonly requestsPerMinute: number;
  /** Above 0, at most 1: the part of the budget that background requests may use when live ones leave it. */
  readonly backgroundShare: number;
  /** For one attempt as a whole, from connecting to the last byte: a body that drips in does not prolong it. */
  readonly requestTimeoutMs: number;
  /** Largest answer, decompressed. */
  readonly bodyMaxBytes: number;
  readonly clock: Clock;
  /** By which road requests go: {@link createFetch}, or whatever keeps to its contract. */
  readonly fetch: typeof fetch;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  /** Called once per HTTP attempt. */
  readonly onRequest: (request: ObservedRequest) => void;
}

export interface Http {
  /**
   * Sends a request when the budget lets it go, and again while the failure looks like one that passes.
   *
   * @throws ConnectorError SOURCE_UNAVAILABLE, SOURCE_THROTTLED or SOURCE_MALFORMED once that did not help, with
   *   `retryAfterMs` if 8x8 named a time; the reason of `signal` when it aborts.
   */
  send<T>(call: Call<T>, signal: AbortSignal): Promise<Answer<T>>;
  setShare(share: number): void;
  /** See {@link Source.aheadMs}. */
  aheadMs(): number;
}

/** Enough for every documented error body, many times over. */
const REFUSAL_BYTES_MAX = 65_536;

/** Request Timeout, Too Early, Too Many Requests: the request was fine, the moment was not. */
const PASSING_4XX = new Set([408, 425, 429]);

/** Sends requests within one budget: the account's limit does not care which feed asks. */
export function createHttp(options: HttpOptions): Http {
  const budget = createBudget(createRateLimit(options.requestsPerMinute, options.backgroundShare), options.clock);
  let told = { aheadMs: 0, atMs: -Infinity };
  const onTold = (aheadMs: number, atMs: number): void => {
    told = { aheadMs: Math.max(aheadMs, 0), atMs };
  };
  const wire: Wire = { ...options, onTold, budget, origin: new URL(options.baseUrl).origin };

  return {
    async send<T>(call: Call<T>, signal: AbortSignal): Promise<Answer<T>> {
      if (call.patience.leftMs <= 0) throw tookTooLong();
      return pRetry(
        async (attemptNumber) => {
          const answer = await attempt(wire, call, attemptNumber, signal);
          return 'json' in answer ? { value: call.parse(answer.json) } : answer;
        },
        {
          retries: call.retriesMax,
          signal,
          shouldRetry: ({ error, attemptNumber }) => restBeforeRetry(wire, call, { error, attemptNumber }, signal),
          // p-retry counts, we wait: its own waits know neither our clock nor what 8x8 asked for.
          minTimeout: 0,
          maxTimeout: 0,
          factor: 1,
          randomize: false,
          unref: false,
          maxRetryTime: Infinity,
          onFailedAttempt: () => undefined,
          shouldConsumeRetry: () => true,
        },
      );
    },
    setShare: budget.setShare,
    // A clock that was set back since then is another clock: what was told of it holds no longer.
    aheadMs: () => (options.clock.nowMs() < told.atMs ? 0 : told.aheadMs),
  };
}

interface Wire extends HttpOptions {
  readonly budget: Budget;
  readonly origin: string;
  /** Called with the lead of our clock as soon as an answer's head tells it: while its body comes, it may be set. */
  readonly onTold: (aheadMs: number, atMs: number) => void;
}

type Received = { readonly json: unknown } | { readonly refusal: Refusal };

/** One HTTP request, when the budget lets it go. */
async function attempt(
  wire: Wire,
  call: Call<unknown>,
  attemptNumber: number,
  signal: AbortSignal,
): Promise<Received> {
  const waitMs = await wire.budget.takeTurn(signal, call.background);
  const { endpoint, method } = call;
  const attributes = { 'http.request.method': method, 'server.address': wire.origin, 'connector.wait_ms': waitMs };
  return inSpan({ name: `${method} ${endpoint}`, kind: 'CLIENT', attributes }, (span) =>
    exchange(wire, call, { attemptNumber, waitMs, span }, signal));
}

interface Attempt {
  readonly attemptNumber: number;
  readonly waitMs: number;
  readonly span: Span;
}

/** A request and its answer, observed once. */
async function exchange(
  wire: Wire,
  call: Call<unknown>,
  { attemptNumber, waitMs, span }: Attempt,
  signal: AbortSignal,
): Promise<Received> {
  const startedMs = wire.clock.nowMs();
  const limitMs = Math.ceil(Math.min(wire.requestTimeoutMs, call.patience.leftMs, TIMER_MAX_MS));
  const deadline = wire.clock.deadline(limitMs);
  let status: ObservedRequest['status'] = 'network';
  let aheadMs: number | undefined;
  try {
    const response = await unobserved(() => wire.fetch(wire.baseUrl + call.path, {
      method: call.method,
      headers: call.headers,
      body: call.body ?? null,
      redirect: 'manual', // followed, it would carry our credentials to another host
      signal: AbortSignal.any([signal, deadline.signal]),
    }));
    status = response.status;
    span.setAttribute('http.response.status_code', status);
    const nowMs = wire.clock.nowMs();
    aheadMs = aheadOf(response.headers.get('date'), nowMs);
    if (aheadMs !== undefined) wire.onTold(aheadMs, nowMs);
    return await receive(wire, response, attemptNumber);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof ConnectorError) throw error;
    const late = deadline.signal.aborted;
    status = late || isTimeout(error) ? 'timeout' : 'network';
    throw explainConnectionFailure(error, wire.origin, late ? limitMs : undefined);
  } finally {
    deadline.end();
    const durationMs = Math.max(wire.clock.nowMs() - startedMs, 0);
    call.patience.leftMs -= durationMs;
    const budgetPerMinute = wire.budget.perMinute();
    const { endpoint } = call;
    if (!signal.aborted) wire.onRequest({ endpoint, status, durationMs, waitMs, budgetPerMinute, aheadMs });
  }
}

/** The `Date` header has whole seconds, cut off: less than a second ahead is nothing it can tell. */
function aheadOf(date: string | null, nowMs: number): number | undefined {
  const dateMs = parseHttpDate(date);
  if (dateMs === undefined) return undefined;
  const differenceMs = nowMs - dateMs;
  return differenceMs > 0 ? Math.max(differenceMs - 1_000, 0) : differenceMs;
}

async function receive(wire: Wire, response: Response, attemptNumber: number): Promise<Received> {
  const { status } = response;
  if (status === 200) return { json: await readJson(response, wire.bodyMaxBytes) };
  if (status >= 400 && status < 500 && !PASSING_4XX.has(status)) {
    return { refusal: { status, text: await readStart(response, REFUSAL_BYTES_MAX) } };
  }
  await discard(response);
  const askedMs = askedWaitMs(response.headers, wire.clock.nowMs());
  if (status === 429) {
    const waitMs = askedMs ?? backoffMs(attemptNumber, wire.random);
    // All feeds use one key, so all of them fall silent. The extra second parts the workers of a group.
    wire.budget.pause(waitMs + wire.random() * 1_000);
    throw throttled(waitMs);
  }
  if (status >= 300 && status < 400) {
    throw unavailable(`${wire.origin} redirects (${status}), which we never follow; cure: EIGHT_BASE_URL must be the` +
      ' final one, with nothing in between that redirects');
  }
  throw unavailable(`8x8 failed with status ${status}`, askedMs);
}

/** Sits out the rest before the next attempt; `false` if there shall be none. */
async function restBeforeRetry(
  wire: Wire,
  call: Call<unknown>,
  failed: { readonly error: Error; readonly attemptNumber: number },
  signal: AbortSignal,
): Promise<boolean> {
  const { error, attemptNumber } = failed;
  if (!(error instanceof ConnectorError) || error instanceof AnswerTooLarge) return false;
  if ((error.retryAfterMs ?? 0) > REST_MAX_MS) return false;

  // After a 429 the paused budget does the waiting, for this request as for all others.
  const restMs = error.code === 'SOURCE_THROTTLED' ? 0 : (error.retryAfterMs ?? backoffMs(attemptNumber, wire.random));
  call.patience.leftMs -= restMs;
  if (call.patience.leftMs <= 0) throw tookTooLong(error);
  await wire.clock.sleepUntil(wire.clock.nowMs() + restMs, signal);
  return true;
}

function tookTooLong(last?: ConnectorError): ConnectorError {
  const why = last === undefined ? '' : ` Last: ${last.message}`;
  return unavailable(`the window took longer than allowed; cure: PACE_STEP_MAX or EIGHT_WINDOW_TIMEOUT.${why}`);
}

function unavailable(message: string, retryAfterMs?: number): ConnectorError {
  return new ConnectorError('SOURCE_UNAVAILABLE', message, retryAfterMs === undefined ? {} : { retryAfterMs });
}
