import { connect as connectPlain, isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { logLevel, type ISocketFactory, type KafkaConfig, type Mechanism, type SASLOptions } from 'kafkajs';
import { oauthMechanism, type OAuth } from './oauth.ts';
import { readSecret, type Secret } from './secret.ts';
import { tlsCure, tlsOptions, type TlsFiles } from './tls.ts';

/** How Kafka is reached. Plain data, for the publishing thread gets a copy. */
export interface ClientOptions {
  readonly clientId: string;
  readonly brokers: readonly string[];
  /** Without it: no TLS and no login. */
  readonly security?: KafkaSecurity | undefined;
}

export interface KafkaSecurity {
  readonly tls: TlsFiles | undefined;
  readonly sasl: Password | ({ readonly mechanism: 'oauthbearer' } & OAuth) | undefined;
}

interface Password {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  readonly username: Secret;
  readonly password: Secret;
}

/** Whose client it is. */
export interface Client extends Omit<ClientOptions, 'clientId'> {
  readonly connector: string;
}

export function clientOf({ connector, brokers, security }: Client): ClientOptions {
  return { clientId: `8x8-connector-${connector}`, brokers, security };
}

/** kafkajs's own settings, every one stated. What it logs is mostly of errors that it then heals. */
export function clientConfig(options: ClientOptions, onLog: (message: string) => void): KafkaConfig {
  const { clientId, brokers, security } = options;
  return {
    clientId,
    brokers: [...brokers],
    connectionTimeout: 5_000,
    requestTimeout: 10_000,
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 5 },
    logLevel: logLevel.WARN,
    logCreator: () => ({ namespace, log }) => onLog(`${namespace}: ${log.message}`),
    socketFactory: createSockets(security?.tls),
    ...security?.sasl !== undefined && { sasl: saslOf(security.sasl) },
  };
}

const KEEP_ALIVE_MS = 60_000;

/** As kafkajs does it, but with the files of TLS read for each connection. */
function createSockets(tls: TlsFiles | undefined): ISocketFactory {
  return ({ host, port, onConnect }) => {
    const name = isIP(host) === 0 ? { servername: host } : {};
    const socket = tls === undefined
      ? connectPlain({ host, port }, onConnect)
      : connectTls({ host, port, ...name, ...tlsOptions(tls) }, onConnect);
    return socket.setKeepAlive(true, KEEP_ALIVE_MS);
  };
}

/** kafkajs asks for user and password at each login. */
function saslOf(sasl: NonNullable<KafkaSecurity['sasl']>): SASLOptions | Mechanism {
  if (sasl.mechanism === 'oauthbearer') return oauthMechanism(sasl);
  const { mechanism, username, password } = sasl;
  return {
    mechanism,
    get username() {
      return readSecret(username);
    },
    get password() {
      return readSecret(password);
    },
  } as SASLOptions;
}

/** What to do about brokers that cannot be reached, by what kafkajs says of them. */
export function reachCure(message: string, otherwise = UNREACHED): string {
  if (/mechanism is not supported|not support the requested SASL/.test(message)) {
    return 'Set KAFKA_SASL_MECHANISM to one that this listener has';
  }
  if (/OAUTHBEARER authentication failed/.test(message)) {
    return 'Check where the token comes from, KAFKA_SASL_TOKEN or KAFKA_SASL_TOKEN_URL, and KAFKA_SASL_EXTENSIONS';
  }
  if (/^SASL|SASL .*(failed|Invalid)/.test(message)) return 'Check KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD';
  if (/KAFKA_(TLS|SASL)_/.test(message)) return 'Mend that setting or file';
  return tlsCure(message, 'KAFKA_TLS') ?? otherwise;
}

const UNREACHED =
  'Check KAFKA_BROKERS, that it runs, that its advertised listeners can be reached from here, and that ' +
  'KAFKA_TLS and KAFKA_SASL_MECHANISM are those of the listener';
