import { getCACertificates } from 'node:tls';
import { systemClock } from '../clock.ts';
import { invalid } from '../errors.ts';
import type { ClientOptions, KafkaSecurity } from './kafka-client.ts';
import { BATCH_MAX_BYTES, planSends } from './kafka-messages.ts';
import type { Publisher, PublisherOptions, Publishers, Transaction } from './kafka-publisher.ts';
import { createTokenReader } from './oauth.ts';
import { readSecret } from './secret.ts';
import { tlsOptions, type TlsFiles } from './tls.ts';

/** Native, so it is there only if somebody has asked for it, and the compiler must not need it either. */
const PACKAGE: string = '@confluentinc/kafka-javascript';

/** What we use of it. */
interface Library {
  readonly Producer: new (config: Readonly<Record<string, unknown>>) => Producer;
  /** Numbers of errors by name: `ERR_PRODUCER_FENCED`. */
  readonly CODES: { readonly ERRORS: Readonly<Record<string, number>> };
}

interface Producer {
  on(event: 'event.error' | 'event.log', listener: (event: { readonly message: string }) => void): unknown;
  connect(metadata: { readonly timeout: number }, done: Done): unknown;
  setPollInBackground(on: boolean): unknown;
  initTransactions(timeoutMs: number, done: Done): void;
  beginTransaction(done: Done): void;
  /** Only queues it. `headers` are objects of one header each. */
  produce(
    topic: string, partition: number, value: unknown, key: unknown, timestampMs: number | null,
    opaque: undefined, headers: readonly object[],
  ): unknown;
  commitTransaction(timeoutMs: number, done: Done): void;
  disconnect(flushMs: number, done: Done): unknown;
}

type Done = (error?: LibraryError | null) => void;
type LibraryError = Error & { readonly code: number };

/** librdkafka's names of codecs, by their numbers in Kafka's protocol. */
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

/** Of the broker's limit for a transaction. We give up at three quarters of it, and a call must not outlive that. */
const PATIENCE = 0.7;

/** librdkafka asks again for a token at four fifths of that; whoever gives it knows its true end. */
const TOKEN_ASKED_EVERY_MS = 60_000;

/** What kafkajs, of an older protocol, knows as INVALID_PRODUCER_EPOCH. */
const FENCED = ['ERR_PRODUCER_FENCED', 'ERR__FENCED'];

/** Producers of librdkafka, which encodes and sends in threads of its own. @throws ConnectorError CONFIG_INVALID */
export async function loadLibrdkafka(client: ClientOptions, onLog: (message: string) => void): Promise<Publishers> {
  const library = await load();
  return {
    async openPublisher(options) {
      const publisher = new LibrdkafkaPublisher(library, client, options, onLog);
      await publisher.open();
      return publisher;
    },
    async close() {}, // a session closes what it has opened
  };
}

async function load(): Promise<Library> {
  try {
    return (await import(PACKAGE) as { readonly default: Library }).default;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const [problem, cure] = code === 'ERR_MODULE_NOT_FOUND'
      ? ['is not installed', 'npm install'] : [`cannot be loaded: ${message.split('\n', 1)[0]}`, 'npm rebuild'];
    throw invalid(`KAFKA_CLIENT: librdkafka needs a package that ${problem}. Run: ${cure} ${PACKAGE}`);
  }
}

class LibrdkafkaPublisher implements Publisher {
  readonly #library: Library;
  readonly #producer: Producer;
  readonly #limitMs: number;
  /** The call under way, if any. To free a producer under a call of its own would crash the process. */
  #call: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;
  /** What it has said last of its connections: the error of a call tells only that there is none. */
  #trouble: string | undefined;

  constructor(library: Library, client: ClientOptions, options: PublisherOptions, onLog: (message: string) => void) {
    this.#library = library;
    this.#limitMs = options.transactionTimeoutMs * PATIENCE;
    this.#producer = new library.Producer(configOf(client, options));
    this.#producer.on('event.error', ({ message }) => {
      this.#trouble = message;
      onLog(message);
    });
    this.#producer.on('event.log', ({ message }) => onLog(message));
  }

  /** Fences whoever had the transactional id. */
  async open(): Promise<void> {
    try {
      await this.#ask((done) => this.#producer.connect({ timeout: this.#limitMs }, done));
      this.#producer.setPollInBackground(true);
      await this.#ask((done) => this.#producer.initTransactions(this.#limitMs, done));
    } catch (error) {
      this.close().catch(() => undefined);
      throw error;
    }
  }

  async publish({ messages, headers }: Transaction): Promise<void> {
    await this.#ask((done) => this.#producer.beginTransaction(done));
    // librdkafka follows a leader that moves, and never writes a batch twice: one plan for all brokers.
    const topics = planSends(messages, () => 0, headers).flat();
    for (const { topic, messages: records } of topics) {
      for (const { partition, key, value, timestamp, headers: all = {} } of records) {
        const pairs = Object.entries(all).map(([name, text]) => ({ [name]: text }));
        const timeMs = timestamp === undefined ? null : Number(timestamp);
        this.#producer.produce(topic, partition!, value, key, timeMs, undefined, pairs);
      }
    }
    // It sends what is queued, and fails if one message has.
    await this.#ask((done) => this.#producer.commitTransaction(this.#limitMs, done));
  }

  close(): Promise<void> {
    const disconnect = (): Promise<void> => this.#settled((done) => this.#producer.disconnect(0, done));
    return (this.#closed ??= this.#call.then(disconnect, disconnect));
  }

  /** Whoever waited for a transaction may have given up meanwhile: then nothing more is asked. */
  #ask(begin: (done: Done) => unknown): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(new Error('the session has ended meanwhile'));
    return (this.#call = this.#settled(begin));
  }

  #settled(begin: (done: Done) => unknown): Promise<void> {
    return new Promise((resolve, reject) => {
      begin((error) => (error ? reject(this.#named(error)) : resolve()));
    });
  }

  /** With the name of its number as its type, as errors of kafkajs have it. */
  #named(error: LibraryError): Error {
    const names = Object.entries(this.#library.CODES.ERRORS);
    const name = names.find(([, code]) => code === error.code)?.[0] ?? '';
    const type = FENCED.includes(name) ? 'INVALID_PRODUCER_EPOCH' : name.replace(/^ERR_/, '');
    const said = name === 'ERR__TRANSPORT' && this.#trouble !== undefined ? ` (${this.#trouble})` : '';
    return Object.assign(new Error(error.message + said, { cause: error }), { type });
  }
}

function configOf(client: ClientOptions, options: PublisherOptions): Readonly<Record<string, unknown>> {
  return {
    'client.id': client.clientId,
    'bootstrap.servers': client.brokers.join(','),
    ...securityOf(client),
    'transactional.id': options.transactionalId,
    'transaction.timeout.ms': options.transactionTimeoutMs,
    'socket.timeout.ms': Math.min(10_000, options.transactionTimeoutMs),
    'socket.nagle.disable': true,
    'compression.codec': CODECS[options.compression],
    'allow.auto.create.topics': false,
    'batch.size': BATCH_MAX_BYTES,
    // What is too large, the broker says; how much is queued, the transaction does.
    'message.max.bytes': 1_000_000_000,
    'queue.buffering.max.messages': 0,
    'log_level': 4,
  };
}

/** Files and secrets are read for each producer, so that what has been rotated counts from the next session on. */
function securityOf({ clientId, security }: ClientOptions): Readonly<Record<string, unknown>> {
  const { tls, sasl } = security ?? {};
  return {
    'security.protocol': `${sasl === undefined ? '' : 'sasl_'}${tls === undefined ? 'plaintext' : 'ssl'}`,
    ...tls !== undefined && tlsOf(tls),
    ...sasl !== undefined && saslOf(sasl, clientId),
  };
}

function tlsOf(files: TlsFiles): Readonly<Record<string, unknown>> {
  const { ca = getCACertificates('default').join('\n'), cert, key, passphrase } = tlsOptions(files);
  return {
    'ssl.ca.pem': ca,
    'ssl.endpoint.identification.algorithm': 'https',
    ...cert !== undefined && { 'ssl.certificate.pem': cert, 'ssl.key.pem': key },
    ...passphrase !== undefined && { 'ssl.key.password': passphrase },
  };
}

function saslOf(sasl: NonNullable<KafkaSecurity['sasl']>, clientId: string): Readonly<Record<string, unknown>> {
  if (sasl.mechanism !== 'oauthbearer') {
    return {
      'sasl.mechanisms': sasl.mechanism.toUpperCase(),
      'sasl.username': readSecret(sasl.username),
      'sasl.password': readSecret(sasl.password),
    };
  }
  const readToken = createTokenReader(sasl.from);
  return {
    'sasl.mechanisms': 'OAUTHBEARER',
    'oauthbearer_token_refresh_cb': async () => ({
      tokenValue: await readToken(),
      lifetime: systemClock.nowMs() + TOKEN_ASKED_EVERY_MS,
      principal: clientId, // librdkafka wants one; brokers take it from the token
      extensions: sasl.extensions,
    }),
  };
}
