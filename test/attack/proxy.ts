import { connect, createServer, type Socket } from 'node:net';
import { once } from 'node:events';

/** Requests of Kafka's protocol that an attack aims at. https://kafka.apache.org/protocol#protocol_api_keys */
export const APIS = { Produce: 0, InitProducerId: 22, AddPartitionsToTxn: 24, EndTxn: 26 } as const;

export type Api = keyof typeof APIS;

/** What a network can do to one request. */
export const DEEDS = ['drop-request', 'drop-response', 'hold-request', 'cut-request', 'cut-response'] as const;

export type Deed = (typeof DEEDS)[number];

/** A request on its way to the broker. */
export interface Frame {
  readonly api: Api;
  /** Counts the requests of this kind, from 1. */
  readonly number: number;
  /** Null for requests outside of transactions. */
  readonly transactionalId: string | null;
}

/** What the broker has said to a request that was held; its sender may never have read it. */
export interface LateAnswer {
  readonly frame: Frame;
  /** Kafka's error code: 0 is yes, 47 an epoch that has been fenced. */
  readonly error: number;
}

/** The broker as clients see it. Every deed is what a network may do; the bytes are never changed. */
export interface Proxy {
  readonly port: number;
  /** How often each deed was done to each kind of request. */
  readonly done: ReadonlyMap<`${Api} ${Deed}`, number>;
  /** How many requests of each kind have passed. */
  readonly seen: ReadonlyMap<Api, number>;
  /** Requests that are held back now, those behind a held one included. */
  readonly held: number;
  readonly lateAnswers: readonly LateAnswer[];
  /**
   * Sends what is held to the broker, in the order it came, though its client may be gone: on each connection whose
   * held request `matches`.
   */
  release(matches?: (frame: Frame) => boolean): void;
  /** From now on nothing happens to a request; what is held is released. */
  heal(): void;
  close(): Promise<void>;
}

export interface ProxyOptions {
  readonly port: number;
  readonly upstreamPort: number;
  /** Decides what happens to a frame. Asked once for each, in the order they come. */
  readonly decide: (frame: Frame) => Deed | undefined;
}

const NAMES = new Map<number, Api>(Object.entries(APIS).map(([name, key]) => [key, name as Api]));

/** A TCP proxy that knows where a request and its answer begin and end, and what kind of request it is. */
export async function startProxy({ port, upstreamPort, decide }: ProxyOptions): Promise<Proxy> {
  const done = new Map<`${Api} ${Deed}`, number>();
  const seen = new Map<Api, number>();
  const lateAnswers: LateAnswer[] = [];
  const links = new Set<Link>();
  let healed = false;

  const judge = (bytes: Buffer): Judgement => {
    const api = NAMES.get(bytes.readInt16BE(4));
    if (api === undefined) return {};
    const number = (seen.get(api) ?? 0) + 1;
    seen.set(api, number);
    const frame = { api, number, transactionalId: transactionalIdOf(bytes) };
    const deed = healed ? undefined : decide(frame);
    if (deed !== undefined) done.set(`${api} ${deed}`, (done.get(`${api} ${deed}`) ?? 0) + 1);
    return { frame, deed };
  };
  const onLateAnswer = (answer: LateAnswer): void => void lateAnswers.push(answer);
  const server = createServer((client) => {
    const upstream = connect(upstreamPort, '127.0.0.1');
    const link = new Link(client, upstream, { judge, onLateAnswer, onEnd: () => links.delete(link) });
    links.add(link);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');

  const release = (matches: (frame: Frame) => boolean = () => true): void => {
    for (const link of links) link.release(matches);
  };

  return {
    port,
    done,
    seen,
    lateAnswers,
    get held() {
      return [...links].reduce((sum, link) => sum + link.held, 0);
    },
    release,
    heal: () => {
      healed = true;
      release();
    },
    close: async () => {
      for (const link of links) link.end();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A request that is aimed at, and what is done to it. */
interface Judgement {
  readonly frame?: Frame;
  readonly deed?: Deed | undefined;
}

interface LinkEvents {
  readonly judge: (bytes: Buffer) => Judgement;
  readonly onLateAnswer: (answer: LateAnswer) => void;
  readonly onEnd: () => void;
}

/** One connection of a client, and its continuation to the broker. */
class Link {
  readonly #client: Socket;
  readonly #upstream: Socket;
  readonly #events: LinkEvents;
  /** Held requests. The broker's side of the connection stays open for them when the client has gone. */
  readonly #held: Buffer[] = [];
  /** The request for which all others are held. */
  #holding: Frame | undefined;
  /** Requests that were held and are now with the broker, and those whose answer does not arrive, by correlation id. */
  readonly #late = new Map<number, Frame>();
  readonly #unanswered = new Map<number, 'drop-response' | 'cut-response'>();

  constructor(client: Socket, upstream: Socket, events: LinkEvents) {
    this.#client = client;
    this.#upstream = upstream;
    this.#events = events;
    const requests = new Frames((bytes) => this.#forward(bytes, events.judge(bytes)));
    const answers = new Frames((bytes) => this.#answer(bytes));
    client.on('data', (chunk) => requests.push(chunk));
    upstream.on('data', (chunk) => answers.push(chunk));
    client.on('error', () => undefined);
    upstream.on('error', () => undefined);
    client.on('close', () => this.#endIfDone());
    upstream.on('close', () => this.end());
  }

  get held(): number {
    return this.#held.length;
  }

  release(matches: (frame: Frame) => boolean): void {
    if (this.#holding === undefined || !matches(this.#holding)) return;
    this.#late.set(this.#held[0]!.readInt32BE(8), this.#holding);
    this.#holding = undefined;
    for (const bytes of this.#held.splice(0)) this.#upstream.write(bytes);
  }

  end(): void {
    this.#client.destroy();
    this.#upstream.destroy();
    this.#events.onEnd();
  }

  #endIfDone(): void {
    if (this.#client.destroyed && this.#held.length === 0 && this.#late.size === 0) this.end();
  }

  #forward(bytes: Buffer, { frame, deed }: Judgement): void {
    if (deed === 'drop-request') return;
    if (deed === 'cut-request') return this.end();
    if (deed === 'drop-response' || deed === 'cut-response') this.#unanswered.set(bytes.readInt32BE(8), deed);
    if (deed === 'hold-request') this.#holding ??= frame;
    // TCP keeps the order: what comes behind a delayed request is delayed, too.
    if (this.#holding === undefined) this.#upstream.write(bytes);
    else this.#held.push(bytes);
  }

  #answer(bytes: Buffer): void {
    const correlation = bytes.readInt32BE(4);
    const frame = this.#late.get(correlation);
    if (frame !== undefined) this.#events.onLateAnswer({ frame, error: errorOf(frame.api, bytes) });
    this.#late.delete(correlation);
    const deed = this.#unanswered.get(correlation);
    this.#unanswered.delete(correlation);
    if (deed === 'cut-response') return this.end();
    if (deed === undefined && !this.#client.destroyed) this.#client.write(bytes);
    this.#endIfDone();
  }
}

/** All requests aimed at begin with it, in the versions that kafkajs speaks. */
function transactionalIdOf(bytes: Buffer): string | null {
  const client = 12;
  const at = client + 2 + Math.max(0, bytes.readInt16BE(client));
  const length = bytes.readInt16BE(at);
  return length < 0 ? null : bytes.toString('utf8', at + 2, at + 2 + length);
}

/** The error of an answer, or that of its first partition, in the versions that kafkajs speaks. */
function errorOf(api: Api, bytes: Buffer): number {
  // Behind length and correlation id. Answers about partitions name a topic, how many of its partitions, and one.
  const [topics, throttle] = [8 + 4, 4];
  switch (api) {
    case 'InitProducerId':
    case 'EndTxn':
      return bytes.readInt16BE(8 + throttle);
    case 'Produce':
      return bytes.readInt16BE(topics + 2 + bytes.readInt16BE(topics) + 4 + 4);
    case 'AddPartitionsToTxn':
      return bytes.readInt16BE(throttle + topics + 2 + bytes.readInt16BE(throttle + topics) + 4 + 4);
  }
}

/** Cuts a stream of bytes into Kafka's frames: four bytes of length, then as many bytes. */
class Frames {
  readonly #onFrame: (frame: Buffer) => void;
  #chunks: Buffer[] = [];
  #size = 0;

  constructor(onFrame: (frame: Buffer) => void) {
    this.#onFrame = onFrame;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    for (;;) {
      if (this.#size < 4) return;
      const bytes = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
      const end = 4 + bytes.readInt32BE(0);
      this.#chunks = [bytes];
      if (this.#size < end) return;
      this.#chunks = end === bytes.length ? [] : [bytes.subarray(end)];
      this.#size -= end;
      this.#onFrame(bytes.subarray(0, end));
    }
  }
}
