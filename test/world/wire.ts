import type { Answer } from '../../src/simulator/answers.ts';
import { hashNumbers, Random } from '../../src/simulator/random.ts';
import type { Host } from './host.ts';
import type { WorldPlan } from './plan.ts';
import type { Trace } from './trace.ts';
import type { VirtualTime } from './virtual-time.ts';

/** A request as it arrives. */
export interface Asked {
  readonly host: Host;
  readonly url: URL;
  readonly headers: Headers;
  readonly form: URLSearchParams;
  readonly sentMs: number;
}

/** An answer, and how it comes over the wire. */
export interface WireAnswer extends Pick<Answer, 'status' | 'headers' | 'pieces'> {
  /** `cut` and `stalled` after half the body; `slow` in drops; `none` nothing at all; `reset` a broken connection. */
  readonly delivery: 'whole' | 'cut' | 'stalled' | 'slow' | 'none' | 'reset';
  /** Called when it arrives. */
  readonly onHeaders?: () => void;
  /** Called once the body was read to its last byte. */
  readonly onRead?: () => void;
}

const DROPS = 4;

/** The network between the hosts and 8x8: `fetch` without sockets, in virtual time. */
export class Wire {
  /** From now on nothing takes long. */
  healed = false;
  readonly #plan: WorldPlan;
  readonly #time: VirtualTime;
  readonly #trace: Trace;
  readonly #random: Random;
  readonly #answer: (asked: Asked) => WireAnswer;

  constructor(plan: WorldPlan, time: VirtualTime, trace: Trace, answer: (asked: Asked) => WireAnswer) {
    this.#plan = plan;
    this.#time = time;
    this.#trace = trace;
    this.#answer = answer;
    this.#random = new Random(hashNumbers([plan.seed, 6]));
  }

  /** `fetch` as the worker on `host` has it. */
  fetchOf(host: Host): typeof fetch {
    return (input, init) => {
      const url = new URL(String(input));
      const asked: Asked = {
        host, url, headers: new Headers(init?.headers), form: new URLSearchParams(String(init?.body ?? '')),
        sentMs: this.#time.nowMs(),
      };
      this.#trace.requests.push({ host: host.number, atMs: asked.sentMs, windowToMs: windowToOf(url) });
      return this.#exchange(asked, init!.signal!);
    };
  }

  #exchange(asked: Asked, signal: AbortSignal): Promise<Response> {
    return new Promise((resolve, reject) => {
      const leave = (): void => reject(signal.reason as Error);
      if (signal.aborted) return leave();
      signal.addEventListener('abort', leave, { once: true });
      const latencyMs = this.healed ? 10 : this.#random.whole(0, this.#plan.pageLatencyMaxMs);
      this.#time.after(latencyMs, () => {
        if (signal.aborted) return;
        const answer = this.#answer(asked);
        if (answer.delivery === 'none') return;
        const headers = { ...answer.headers, date: new Date(this.#time.nowMs()).toUTCString() };
        asked.host.run(() => {
          if (answer.delivery === 'reset') return reject(broken('ECONNRESET'));
          answer.onHeaders?.();
          resolve(new Response(this.#bodyOf(answer, asked.host, signal), { status: answer.status, headers }));
        });
      });
    });
  }

  /** Nothing is read ahead: whoever reads the last byte has read the answer. */
  #bodyOf(answer: WireAnswer, host: Host, signal: AbortSignal): ReadableStream<Uint8Array> {
    const chunks = chunksOf(answer);
    return new ReadableStream<Uint8Array>({
      start: (controller) => signal.addEventListener('abort', () => controller.error(signal.reason), { once: true }),
      pull: async (controller) => {
        const chunk = chunks.shift();
        if (answer.delivery === 'slow') await this.#drop(host);
        if (signal.aborted) return;
        if (chunk !== undefined) return controller.enqueue(chunk);
        if (answer.delivery === 'cut') return controller.error(broken('UND_ERR_SOCKET'));
        if (answer.delivery === 'stalled') return new Promise<void>(() => undefined);
        answer.onRead?.();
        controller.close();
      },
    }, { highWaterMark: 0 });
  }

  #drop(host: Host): Promise<void> {
    const restMs = this.#random.whole(0, this.#plan.requestTimeoutMs / DROPS);
    return new Promise((resolve) => void this.#time.after(restMs, () => host.run(resolve)));
  }
}

function chunksOf({ delivery, pieces }: WireAnswer): Uint8Array[] {
  if (delivery === 'whole') return pieces.filter(({ length }) => length > 0);
  const body = Buffer.concat(pieces);
  if (delivery !== 'slow') return [body.subarray(0, body.length / 2)].filter(({ length }) => length > 0);
  const size = Math.max(Math.ceil(body.length / DROPS), 1);
  return Array.from({ length: Math.ceil(body.length / size) }, (_, at) => body.subarray(at * size, (at + 1) * size));
}

function windowToOf({ searchParams }: URL): number | undefined {
  const text = searchParams.get('endTime');
  return text === null ? undefined : Date.parse(`${text}Z`);
}

/** As Node's `fetch` says it. */
function broken(code: string): TypeError {
  return new TypeError('fetch failed', { cause: Object.assign(new Error(code), { code }) });
}
