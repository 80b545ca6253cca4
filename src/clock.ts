/** The only way to time. Tests give a clock of their own, so no test waits for real time. */
export interface Clock {
  /** Wall clock, in epoch milliseconds. */
  nowMs(): number;

  /** Resolves at `untilMs` (epoch milliseconds) or as soon as `signal` aborts; never rejects. */
  sleepUntil(untilMs: number, signal: AbortSignal): Promise<void>;

  /** Begins a deadline `limitMs` milliseconds from now, at most {@link TIMER_MAX_MS}. */
  deadline(limitMs: number): Deadline;
}

/** A limit for something that can be aborted. Whoever begins one ends it, or its timer is left. */
export interface Deadline {
  /** Aborts when the time is over. */
  readonly signal: AbortSignal;
  /** From now on it cannot pass any more. */
  end(): void;
}

/** Node fires a longer timer at once; a longer sleep is taken in turns by {@link Clock.sleepUntil}'s caller. */
export const TIMER_MAX_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  nowMs: () => Date.now(),

  sleepUntil(untilMs, signal) {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const wake = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, Math.min(Math.max(untilMs - Date.now(), 0), TIMER_MAX_MS));
      signal.addEventListener('abort', wake);
    });
  },

  deadline(limitMs) {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new Error(`${limitMs} ms have passed`)), limitMs);
    return { signal: late.signal, end: () => clearTimeout(timer) };
  },
};

/**
 * Waits for `promise` at most `limitMs` milliseconds, then throws what `onLate` makes. The promise itself goes on:
 * whoever sets a deadline must be able to throw its work away.
 */
export async function withDeadline<T>(promise: Promise<T>, limitMs: number, onLate: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(onLate()), limitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
    promise.catch(() => undefined); // after the deadline nobody waits for it any more
  }
}
