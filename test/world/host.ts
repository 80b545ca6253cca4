import type { Clock, Deadline } from '../../src/clock.ts';
import type { VirtualTime } from './virtual-time.ts';

/**
 * A computer with one worker on it: its clock can be wrong, it can be paused as a virtual machine is, and it
 * can die. What it waits for then comes late, or never; what it has sent goes on without it.
 */
export class Host implements Clock {
  readonly number: number;
  readonly time: VirtualTime;
  /** How far its clock is ahead, milliseconds. */
  offsetMs = 0;
  /** Sleeps and deadlines that have not ended. */
  sleeping = 0;
  state: 'running' | 'frozen' | 'dead' = 'running';
  #held: (() => void)[] = [];

  constructor(number: number, time: VirtualTime) {
    this.number = number;
    this.time = time;
  }

  nowMs(): number {
    return this.time.nowMs() + this.offsetMs;
  }

  sleepUntil(untilMs: number, signal: AbortSignal): Promise<void> {
    return this.sleep(untilMs - this.nowMs(), signal);
  }

  /** Resolves after `delayMs` of true time, if this host runs then; else when it runs again. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted === true) return resolve();
      this.sleeping += 1;
      let awake = false;
      const wake = (): void => {
        if (awake) return;
        awake = true;
        cancel();
        signal?.removeEventListener('abort', wake);
        this.sleeping -= 1;
        resolve();
      };
      const cancel = this.time.after(delayMs, () => this.run(wake));
      signal?.addEventListener('abort', wake);
    });
  }

  /** It passes when this host runs, as every timer does. */
  deadline(limitMs: number): Deadline {
    const late = new AbortController();
    const timer = new AbortController();
    void this.sleep(limitMs, timer.signal).then(() => {
      if (!timer.signal.aborted) late.abort(new Error('too late'));
    });
    return { signal: late.signal, end: () => timer.abort() };
  }

  /** Now, if this host runs; when it runs again, if it is paused; never, if it is dead. */
  run(act: () => void): void {
    if (this.state === 'running') act();
    else if (this.state === 'frozen') this.#held.push(act);
  }

  freeze(): void {
    if (this.state === 'running') this.state = 'frozen';
  }

  thaw(): void {
    if (this.state !== 'frozen') return;
    this.state = 'running';
    const held = this.#held;
    this.#held = [];
    for (const act of held) act();
  }

  kill(): void {
    this.state = 'dead';
    this.#held = [];
  }
}
