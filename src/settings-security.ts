import type { SchemaObj } from 'convict';

type Setting<T> = SchemaObj<T> & { readonly env: string };

function flag(doc: string, env: string): Setting<boolean> {
  return { doc, format: 'flag', default: false, env };
}

function file(doc: string, env: string): Setting<string> {
  return { doc, format: 'text', default: '', env };
}

function secret(doc: string, env: string, format = 'text'): Setting<string> {
  return { doc, format, default: '', env, sensitive: true };
}

const MECHANISMS = ['none', 'PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'] as const;

/** By which roads we reach 8x8, Kafka and the registry, and how we prove who we are. `access.ts` alone reads it. */
export const security = {
  eightProxy: secret(
    'Proxy on the way to 8x8, `http://host:port` or `http://user:password@host:port`.',
    'EIGHT_PROXY', 'proxy',
  ),
  eightAllowPrivate: flag(
    'Allows a base URL whose host has an address of this machine or a private network, such as a gateway of yours.',
    'EIGHT_ALLOW_PRIVATE',
  ),
  kafkaTls: flag('Reaches the brokers by TLS, 1.2 or later. Their certificates are always checked.', 'KAFKA_TLS'),
  kafkaTlsCaFile: file(
    'PEM file of the authorities that sign the brokers\' certificates. None: those that Node knows.',
    'KAFKA_TLS_CA_FILE',
  ),
  kafkaTlsCertFile: file('PEM file of our certificate, where brokers ask for one (mTLS).', 'KAFKA_TLS_CERT_FILE'),
  kafkaTlsKeyFile: file('PEM file of its key.', 'KAFKA_TLS_KEY_FILE'),
  kafkaTlsKeyPassphrase: secret('Passphrase of that key.', 'KAFKA_TLS_KEY_PASSPHRASE'),
  kafkaSaslMechanism: {
    doc: `How we log in to Kafka: ${MECHANISMS.map((name) => `\`${name}\``).join(', ')}.`,
    format: [...MECHANISMS],
    default: 'none' as (typeof MECHANISMS)[number],
    env: 'KAFKA_SASL_MECHANISM',
  },
  kafkaSaslUsername: secret('User of PLAIN or SCRAM; with a token URL the client id.', 'KAFKA_SASL_USERNAME'),
  kafkaSaslPassword: secret('Its password; with a token URL the client secret.', 'KAFKA_SASL_PASSWORD'),
  kafkaSaslToken: secret('Token of OAUTHBEARER, if something else keeps it fresh in a file.', 'KAFKA_SASL_TOKEN'),
  kafkaSaslTokenUrl: {
    doc: 'https URL that gives tokens for client id and secret (OAuth 2.0 client credentials), for OAUTHBEARER.',
    format: 'https-url',
    default: '',
    env: 'KAFKA_SASL_TOKEN_URL',
  },
  kafkaSaslScope: file('Scope to ask for there.', 'KAFKA_SASL_SCOPE'),
  kafkaSaslExtensions: {
    doc: 'SASL extensions of OAUTHBEARER, such as `logicalCluster=lkc-1,identityPoolId=pool-1`.',
    format: 'extensions-map',
    default: '',
    env: 'KAFKA_SASL_EXTENSIONS',
  },
  kafkaSaslAllowClear: flag(
    'Allows a login without TLS. Whoever can listen on the network then learns the password or the token.',
    'KAFKA_SASL_ALLOW_CLEAR',
  ),
  registryUsername: secret('User of the registry, for basic authentication.', 'SCHEMA_REGISTRY_USERNAME'),
  registryPassword: secret('Its password.', 'SCHEMA_REGISTRY_PASSWORD'),
  registryToken: secret('Bearer token for the registry, instead of the two.', 'SCHEMA_REGISTRY_TOKEN'),
  registryTlsCaFile: file(
    'PEM file of the authorities that sign the registry\'s certificate. None: those that Node knows.',
    'SCHEMA_REGISTRY_TLS_CA_FILE',
  ),
  registryTlsCertFile: file(
    'PEM file of our certificate, where the registry asks for one.', 'SCHEMA_REGISTRY_TLS_CERT_FILE',
  ),
  registryTlsKeyFile: file('PEM file of its key.', 'SCHEMA_REGISTRY_TLS_KEY_FILE'),
  registryTlsKeyPassphrase: secret('Passphrase of that key.', 'SCHEMA_REGISTRY_TLS_KEY_PASSPHRASE'),
  registryAllowClear: flag(
    'Allows a login to the registry without TLS, on another machine than this one.',
    'SCHEMA_REGISTRY_ALLOW_CLEAR',
  ),
};
