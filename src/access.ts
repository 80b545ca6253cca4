import type { Environment, Values } from './config.ts';
import { systemClock } from './clock.ts';
import { ConnectorError } from './errors.ts';
import { settings } from './settings.ts';
import type { RegistrySecurity } from './sink/avro.ts';
import type { KafkaSecurity } from './sink/kafka-client.ts';
import { readSecret, type Secret } from './sink/secret.ts';
import { checkTlsFiles, type TlsFiles } from './sink/tls.ts';
import { isPrivate, isThisMachine } from './source/address.ts';
import type { Route } from './source/fetch.ts';

/** How 8x8, Kafka and the registry are reached, and as whom. Secrets in files are read when they are needed. */
export interface Access {
  readonly eight: Omit<Route, 'baseUrl'>;
  readonly kafka: KafkaSecurity;
  readonly registry: RegistrySecurity;
}

type Checks = readonly (readonly [wrong: boolean, problem: string])[];
type Names = keyof Values['security'];

/** Security as the settings have it. @throws CONFIG_INVALID if a file of it is missing, wrong or out of date. */
export function openAccess({ security }: Values, environment: Environment): Access {
  const secretOf = (name: Names): Secret | undefined => {
    const setting = settings.security[name].env;
    const file = environment[`${setting}_FILE`];
    if (file !== undefined) return { setting, file };
    return security[name] === '' ? undefined : { setting, value: String(security[name]) };
  };
  const proxy = secretOf('eightProxy');
  const [username, password, token] = ['Username', 'Password', 'Token'].map((name) =>
    secretOf(`registry${name}` as Names));
  const registry = {
    tls: tlsFiles(security, 'registry', secretOf('registryTlsKeyPassphrase')),
    login: token !== undefined ? { token } : username && password && { username, password },
  };
  const kafkaTls = tlsFiles(security, 'kafka', secretOf('kafkaTlsKeyPassphrase'));
  const kafka = { tls: security.kafkaTls ? kafkaTls : undefined, sasl: saslOf(security, kafkaTls, secretOf) };
  for (const tls of [kafka.tls, registry.tls]) if (tls !== undefined) checkTlsFiles(tls, systemClock.nowMs());
  const eight = { proxy: () => proxy && readSecret(proxy), allowPrivate: security.eightAllowPrivate };
  return { eight, kafka, registry };
}

function tlsFiles(security: Values['security'], of: 'kafka' | 'registry', passphrase: Secret | undefined): TlsFiles {
  const [ca, cert, key] = [security[`${of}TlsCaFile`], security[`${of}TlsCertFile`], security[`${of}TlsKeyFile`]];
  return {
    settings: of === 'kafka' ? 'KAFKA_TLS' : 'SCHEMA_REGISTRY_TLS',
    ca: ca === '' ? undefined : ca,
    own: cert === '' ? undefined : { cert, key, passphrase },
  };
}

function saslOf(
  security: Values['security'],
  tls: TlsFiles,
  secretOf: (name: Names) => Secret | undefined,
): KafkaSecurity['sasl'] {
  const { kafkaSaslMechanism, kafkaSaslTokenUrl: url, kafkaSaslScope: scope, kafkaSaslExtensions } = security;
  if (kafkaSaslMechanism === 'none') return undefined;
  const [username, password] = [secretOf('kafkaSaslUsername')!, secretOf('kafkaSaslPassword')!];
  const mechanism = kafkaSaslMechanism.toLowerCase() as Lowercase<typeof kafkaSaslMechanism>;
  if (mechanism !== 'oauthbearer') return { mechanism, username, password };
  const from = url === '' ? { token: secretOf('kafkaSaslToken')! } : { url, username, password, scope, tls };
  const extensions = Object.fromEntries(kafkaSaslExtensions.split(',').filter((pair) => pair !== '')
    .map((pair) => pair.split(/=(.*)/s, 2) as [string, string]));
  return { mechanism, from, extensions };
}

/** What no setting of security can be blamed for alone. */
export function securityChecks({ source, registry, security }: Values, environment: Environment): Checks {
  const { hostname, protocol } = new URL(source.baseUrl);
  const local = isThisMachine(hostname);
  return [
    [environment['NODE_TLS_REJECT_UNAUTHORIZED'] === '0',
      'NODE_TLS_REJECT_UNAUTHORIZED: must not be 0, which has anybody take the place of 8x8 and Kafka unnoticed; ' +
      'unset it, and name the authority by KAFKA_TLS_CA_FILE, SCHEMA_REGISTRY_TLS_CA_FILE or NODE_EXTRA_CA_CERTS'],
    [protocol === 'http:' && !local && !source.allowHttp,
      'EIGHT_BASE_URL: must be https, else the password is sent in the clear; EIGHT_ALLOW_HTTP=true allows it'],
    [protocol === 'https:' && !local && !security.eightAllowPrivate && isPrivate(hostname),
      'EIGHT_BASE_URL: its host is an address of a private network; EIGHT_ALLOW_PRIVATE=true allows it'],
    ...tlsChecks(security, 'kafka', [security.kafkaTls, 'set KAFKA_TLS=true']),
    ...tlsChecks(security, 'registry', [/^https:/.test(registry.url), 'SCHEMA_REGISTRY_URL must begin with https://']),
    ...saslChecks(security),
    ...registryChecks(registry.url, security),
  ];
}

function tlsChecks(
  security: Values['security'],
  of: 'kafka' | 'registry',
  [isOn, cure]: readonly [boolean, string],
): Checks {
  const name = of === 'kafka' ? 'KAFKA_TLS' : 'SCHEMA_REGISTRY_TLS';
  const [cert, key] = [security[`${of}TlsCertFile`], security[`${of}TlsKeyFile`]];
  const set = given(security, [`${of}TlsCaFile`, `${of}TlsCertFile`, `${of}TlsKeyFile`, `${of}TlsKeyPassphrase`]);
  return [
    [!isOn && set.length > 0, `${set[0]}: has no effect without TLS; ${cure}`],
    [cert !== '' && key === '', `${name}_CERT_FILE: needs ${name}_KEY_FILE, the key of that certificate`],
    [cert === '' && key !== '', `${name}_KEY_FILE: needs ${name}_CERT_FILE, the certificate of that key`],
    [cert === '' && key === '' && security[`${of}TlsKeyPassphrase`] !== '',
      `${name}_KEY_PASSPHRASE: has no effect without ${name}_KEY_FILE`],
  ];
}

function saslChecks(security: Values['security']): Checks {
  const { kafkaTls, kafkaSaslMechanism: mechanism, kafkaSaslAllowClear, kafkaSaslToken, kafkaSaslTokenUrl } = security;
  const login = given(security, ['kafkaSaslUsername', 'kafkaSaslPassword']);
  const oauth = given(security, ['kafkaSaslToken', 'kafkaSaslTokenUrl', 'kafkaSaslScope', 'kafkaSaslExtensions']);
  const [isNone, isOAuth] = [mechanism === 'none', mechanism === 'OAUTHBEARER'];
  const needsLogin = isOAuth ? kafkaSaslTokenUrl !== '' : !isNone;
  const useless = isNone ? [...login, ...oauth] : isOAuth ? (kafkaSaslTokenUrl === '' ? login : []) : oauth;
  const withoutUse = isNone ? 'KAFKA_SASL_MECHANISM=none' : isOAuth ? 'no KAFKA_SASL_TOKEN_URL' : mechanism;
  return [
    [useless.length > 0, `${useless[0]}: has no effect with ${withoutUse}; set that, or unset this`],
    [needsLogin && login.length < 2,
      `KAFKA_SASL_MECHANISM: ${mechanism} needs KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD, or their _FILE`],
    [isOAuth && (kafkaSaslToken === '') === (kafkaSaslTokenUrl === ''),
      'KAFKA_SASL_MECHANISM: OAUTHBEARER needs KAFKA_SASL_TOKEN (best as _FILE) or KAFKA_SASL_TOKEN_URL, and only one'],
    [!isNone && !kafkaTls && !kafkaSaslAllowClear,
      'KAFKA_SASL_MECHANISM: a login without TLS shows the password to the network; set KAFKA_TLS=true, or ' +
      'KAFKA_SASL_ALLOW_CLEAR=true if that is meant'],
  ];
}

function registryChecks(url: string, security: Values['security']): Checks {
  const login = given(security, ['registryUsername', 'registryPassword']);
  const set = [...login, ...given(security, ['registryToken'])];
  const { protocol, hostname } = new URL(url);
  return [
    [login.length === 1, `${login[0]}: SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD are needed together`],
    [set.length > login.length && login.length > 0,
      'SCHEMA_REGISTRY_TOKEN: not together with SCHEMA_REGISTRY_USERNAME; keep one'],
    [set.length > 0 && protocol === 'http:' && !isThisMachine(hostname) && !security.registryAllowClear,
      `${set[0]}: would be sent in the clear; SCHEMA_REGISTRY_URL must begin with https://, or ` +
      'SCHEMA_REGISTRY_ALLOW_CLEAR=true allows it'],
  ];
}

/** Names of those that are set, as users know them. */
function given(security: Values['security'], names: readonly Names[]): readonly string[] {
  return names.filter((name) => security[name] !== '').map((name) => settings.security[name].env);
}

/** The secrets whose `<NAME>_FILE` is set, under `<NAME>`. @throws CONFIG_INVALID if one cannot be read. */
export function secretsFromFiles(environment: Environment): Record<string, string> {
  const secrets: Record<string, string> = {};
  for (const setting of Object.values(settings).flatMap((group) => Object.values(group))) {
    const [env, file] = [setting.env!, environment[`${setting.env}_FILE`]];
    if (!setting.sensitive || file === undefined) continue;
    if (environment[env] !== undefined) {
      throw new ConnectorError('CONFIG_INVALID', `${env} and ${env}_FILE are both set: keep one`);
    }
    secrets[env] = readSecret({ setting: env, file });
  }
  return secrets;
}
