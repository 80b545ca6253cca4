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
}

/** The broker as clients see it. Every deed is what a network may do; the bytes are never changed. */
export interface Proxy {
  readonly port: number;
  /** How often each deed was done to each kind of request. */
  readonly done: ReadonlyMap<`${Api} ${Deed}`, number>;
  /** How many requests of each kind have passed. */
  readonly seen: ReadonlyMap<Api, number>;
  /** Requests that are held back now. */
  readonly held: number;
  /** Sends everything that is held to the broker, in the order it came, though its client may be gone. */
  release(): void;
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
  const links = new Set<Link>();
  let healed = false;

  const judge = (key: number): Deed | undefined => {
    const api = NAMES.get(key);
    if (api === undefined) return undefined;
    const number = (seen.get(api) ?? 0) + 1;
    seen.set(api, number);
    const deed = healed ? undefined : decide({ api, number });
    if (deed !== undefined) done.set(`${api} ${deed}`, (done.get(`${api} ${deed}`) ?? 0) + 1);
    return deed;
  };
  const server = createServer((client) => {
    const link = new Link(client, connect(upstreamPort, '127.0.0.1'), judge, () => links.delete(link));
    links.add(link);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');

  const release = (): void => {
    for (const link of links) link.release();
  };

  return {
    port,
    done,
    seen,
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

/** One connection of a client, and its continuation to the broker. */
class Link {
  readonly #client: Socket;
  readonly #upstream: Socket;
  readonly #onEnd: () => void;
  /** Held requests. The broker's side of the connection stays open for them when the client has gone. */
  readonly #held: Buffer[] = [];
  /** Requests whose answer does not arrive, by correlation id. */
  readonly #unanswered = new Map<number, 'drop-response' | 'cut-response'>();

  constructor(client: Socket, upstream: Socket, judge: (key: number) => Deed | undefined, onEnd: () => void) {
    this.#client = client;
    this.#upstream = upstream;
    this.#onEnd = onEnd;
    const requests = new Frames((frame) => this.#forward(frame, judge(frame.readInt16BE(4))));
    const answers = new Frames((frame) => this.#answer(frame));
    client.on('data', (chunk) => requests.push(chunk));
    upstream.on('data', (chunk) => answers.push(chunk));
    client.on('error', () => undefined);
    upstream.on('error', () => undefined);
    client.on('close', () => {
      if (this.#held.length === 0) this.end();
    });
    upstream.on('close', () => this.end());
  }

  get held(): number {
    return this.#held.length;
  }

  release(): void {
    for (const frame of this.#held.splice(0)) this.#upstream.write(frame);
    if (this.#client.destroyed) this.#upstream.end();
  }

  end(): void {
    this.#client.destroy();
    this.#upstream.destroy();
    this.#onEnd();
  }

  #forward(frame: Buffer, deed: Deed | undefined): void {
    switch (deed) {
      case 'drop-request':
        return;
      case 'cut-request':
        return this.end();
      case 'hold-request':
        this.#held.push(frame);
        return;
      case 'drop-response':
      case 'cut-response':
        this.#unanswered.set(frame.readInt32BE(8), deed);
        break;
      case undefined:
        // TCP keeps the order: what comes behind a delayed request is delayed, too.
        if (this.#held.length > 0) return void this.#held.push(frame);
    }
    this.#upstream.write(frame);
  }

  #answer(frame: Buffer): void {
    const deed = this.#unanswered.get(frame.readInt32BE(4));
    this.#unanswered.delete(frame.readInt32BE(4));
    if (deed === 'cut-response') this.end();
    else if (deed === undefined) this.#client.write(frame);
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
