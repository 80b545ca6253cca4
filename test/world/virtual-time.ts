import type { Clock, Deadline } from '../../src/clock.ts';

interface Timer {
  readonly atMs: number;
  readonly number: number;
  readonly fire: () => void;
}

/**
 * Time that passes only when a test says so: a heap of timers, and nothing of the machine's clock.
 *
 * Equal programs fire their timers in equal order, so a world of it can be repeated to the last step.
 */
export class VirtualTime {
  readonly #timers: Timer[] = [];
  #nowMs: number;
  #number = 0;
  #cancelled = 0;

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  /** How many timers are set and not cancelled: none may be left after a clean stop. */
  get pending(): number {
    return this.#timers.length - this.#cancelled;
  }

  /** Calls `act` once `delayMs` have passed. What is returned cancels that. */
  after(delayMs: number, act: () => void): () => void {
    let state: 'set' | 'fired' | 'cancelled' = 'set';
    this.#number += 1;
    this.#push({
      atMs: this.#nowMs + Math.max(delayMs, 0),
      number: this.#number,
      fire: () => {
        if (state === 'cancelled') return void (this.#cancelled -= 1);
        state = 'fired';
        act();
      },
    });
    return () => {
      if (state !== 'set') return;
      state = 'cancelled';
      this.#cancelled += 1;
    };
  }

  /** Resolves after `delayMs`, or as soon as `signal` aborts; never rejects. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted === true) return resolve();
      const wake = (): void => {
        cancel();
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const cancel = this.after(delayMs, wake);
      signal?.addEventListener('abort', wake);
    });
  }

  /**
   * Lets time pass up to `untilMs`, one timer at a time; between two timers everything runs that can run.
   *
   * @throws if more than `stepsMax` timers fire: somebody sleeps without end in no time.
   */
  async advanceTo(untilMs: number, stepsMax = 1_000_000): Promise<void> {
    await settle();
    for (let step = 0; step < stepsMax; step += 1) {
      const next = this.#timers[0];
      if (next === undefined || next.atMs > untilMs) {
        this.#nowMs = Math.max(this.#nowMs, untilMs);
        return;
      }
      this.#nowMs = Math.max(this.#nowMs, this.#pop().atMs);
      next.fire();
      await settle();
    }
    throw new Error(`${stepsMax} timers have fired and it is still ${new Date(this.#nowMs).toISOString()}`);
  }

  #push(timer: Timer): void {
    const heap = this.#timers;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(timer, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = timer;
  }

  #pop(): Timer {
    const heap = this.#timers;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

/**
 * A wall clock on virtual time. Like a computer's, it can be set: `nowMs` jumps, while a sleep that has begun
 * takes as long as it would have.
 */
export class VirtualClock implements Clock {
  /** How far this clock is ahead of the true time, milliseconds. */
  offsetMs = 0;
  readonly #time: VirtualTime;

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  nowMs(): number {
    return this.#time.nowMs() + this.offsetMs;
  }

  sleepUntil(untilMs: number, signal: AbortSignal): Promise<void> {
    return this.#time.sleep(untilMs - this.nowMs(), signal);
  }

  deadline(limitMs: number): Deadline {
    const late = new AbortController();
    return { signal: late.signal, end: this.#time.after(limitMs, () => late.abort(new Error('too late'))) };
  }
}

/** Lets every promise go on as far as it can without a timer. */
export function settle(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

function isBefore(left: Timer, right: Timer): boolean {
  return left.atMs < right.atMs || (left.atMs === right.atMs && left.number < right.number);
}
