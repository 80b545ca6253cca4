import { Worker } from 'node:worker_threads';
import type { ClientOptions } from './kafka-client.ts';
import type { PlacedMessage } from './kafka-messages.ts';

/** What opens transactional producers, one for all sessions of the process. */
export interface Publishers {
  /** Fences no later than with its first transaction whoever had the transactional id. */
  openPublisher(options: PublisherOptions): Promise<Publisher>;
  close(): Promise<void>;
}

/** A transactional producer. */
export interface Publisher {
  /** One transaction, from its first request to Kafka's yes. After an error only `close` may be called. */
  publish(transaction: Transaction): Promise<void>;
  /** Lets go of the producer, in whatever state it is. */
  close(): Promise<void>;
}

export interface Transaction {
  readonly messages: readonly PlacedMessage[];
  /** What stands on each of its events: which commit it is of, and which span. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Of topics that came into use after the session was opened; see {@link PublisherOptions.leaders}. */
  readonly leaders?: ReadonlyMap<string, number>;
}

export interface PublisherOptions {
  readonly transactionalId: string;
  readonly transactionTimeoutMs: number;
  readonly compression: number;
  /** The broker that leads each `topic/partition`, as it was when the session was opened. */
  readonly leaders: ReadonlyMap<string, number>;
}

/** What the thread is asked; it answers each call with a {@link Reply} of the same number. */
export type Call = { readonly call: number; readonly publisher: number } & Request;
type Request =
  | { readonly kind: 'open'; readonly options: PublisherOptions }
  | { readonly kind: 'publish'; readonly transaction: Transaction }
  | { readonly kind: 'close' };

export type Reply =
  | { readonly call: number; readonly failure?: { readonly message: string; readonly type: string | undefined } }
  | { readonly log: string };

/**
 * Three times the semi-space that `main.ts` asks of Node for itself. By default V8 lets the young garbage of each
 * thread grow to hundreds of MiB before it looks.
 */
const YOUNG_MB = 48;

/**
 * The thread in which kafkajs encodes and sends.
 *
 * Encoding a page for the wire costs kafkajs about as much as reading, mapping and Avro together, so that a second
 * core pays; and no page, however large, keeps the group's heartbeats waiting.
 */
export class PublisherThread implements Publishers {
  readonly #client: ClientOptions;
  readonly #onLog: (message: string) => void;
  readonly #open = new Map<number, PromiseWithResolvers<void>>();
  #worker: Worker | undefined;
  #calls = 0;
  #publishers = 0;

  constructor(client: ClientOptions, onLog: (message: string) => void) {
    this.#client = client;
    this.#onLog = onLog;
    this.#worker = this.#spawn();
  }

  async openPublisher(options: PublisherOptions): Promise<Publisher> {
    this.#publishers += 1;
    const publisher = this.#publishers;
    await this.#ask(publisher, { kind: 'open', options });
    const home = this.#worker;
    return {
      publish: async (transaction) => {
        if (home !== this.#worker) throw new Error('the publishing thread of this session has ended');
        await this.#ask(publisher, { kind: 'publish', transaction });
      },
      // With its thread a producer has ended, too; a new thread has never heard of it.
      close: async () => (home === this.#worker ? this.#ask(publisher, { kind: 'close' }) : undefined),
    };
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #ask(publisher: number, request: Request): Promise<void> {
    this.#calls += 1;
    const answered = Promise.withResolvers<void>();
    this.#open.set(this.#calls, answered);
    this.#worker ??= this.#spawn();
    this.#worker.postMessage({ call: this.#calls, publisher, ...request } satisfies Call);
    return answered.promise;
  }

  #spawn(): Worker {
    // Beside this file, in TypeScript or built.
    const file = new URL(import.meta.url.replace(/kafka-publisher(\.[jt]s)$/, 'kafka-publisher-thread$1'));
    const resourceLimits = { maxYoungGenerationSizeMb: YOUNG_MB };
    const worker = new Worker(file, { workerData: this.#client, resourceLimits });
    worker.on('message', (reply: Reply) => this.#hear(reply));
    worker.on('error', (error) => this.#end(worker, error));
    worker.on('exit', () => this.#end(worker, new Error('the publishing thread has ended')));
    return worker;
  }

  #hear(reply: Reply): void {
    if ('log' in reply) return this.#onLog(reply.log);
    const { call, failure } = reply;
    const answered = this.#open.get(call);
    if (answered === undefined) return; // of a thread that has ended meanwhile
    this.#open.delete(call);
    if (failure === undefined) answered.resolve();
    else answered.reject(Object.assign(new Error(failure.message), { type: failure.type }));
  }

  /** Its producers are gone; whoever waits for one opens a new session, and with it a new thread. */
  #end(worker: Worker, error: Error): void {
    if (worker !== this.#worker) return; // an error is followed by an exit, when the next thread may be there
    this.#worker = undefined;
    for (const answered of this.#open.values()) answered.reject(error);
    this.#open.clear();
  }
}
