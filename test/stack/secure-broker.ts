import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { answers, propertiesOf } from './broker.ts';
import type { Authority } from './certificates.ts';
import { fetchJars } from './jars.ts';
import { execute, JAVA, SMALL_JVM } from './java.ts';
import { freePort } from './port.ts';
import { Server } from './server.ts';

/** What each listener asks of a client: the names of Kafka's documentation, and mTLS. */
const LISTENERS = { TLS: 'SSL', MTLS: 'SSL', PLAIN: 'SASL_SSL', SCRAM: 'SASL_SSL', OAUTH: 'SASL_SSL' } as const;

type Scram = 'SCRAM-SHA-256' | 'SCRAM-SHA-512';

/** A broker that lets nobody in without proof, but for one listener. */
export interface SecureBroker {
  /** Of the listener that asks for nothing. */
  readonly open: string;
  readonly addressOf: (listener: keyof typeof LISTENERS) => string;
  readonly toolsClasspath: string;
  /** Sets a user's password of SCRAM. */
  setPassword(mechanism: Scram, username: string, password: string): Promise<void>;
  remove(): Promise<void>;
}

export interface Secrets {
  readonly authority: Authority;
  readonly username: string;
  readonly password: string;
  /** Public keys of whoever signs tokens (JWKS, RFC 7517). */
  readonly jwks: object;
}

const AUDIENCE = 'kafka';

export async function startSecureBroker({ authority, username, password, jwks }: Secrets): Promise<SecureBroker> {
  const jars = await fetchJars();
  const [port, controllerPort] = [await freePort(), await freePort()];
  const ports = new Map<string, number>();
  for (const name of Object.keys(LISTENERS)) ports.set(name, await freePort());
  const open = `127.0.0.1:${port}`;
  const addressOf = (listener: string): string => `localhost:${ports.get(listener)}`;
  const server = await Server.create('secure-broker', async (directory) => {
    const logDirectory = join(directory, 'log');
    await cp(jars.formattedDirectory, logDirectory, { recursive: true });
    const own = propertiesOf(port, controllerPort);
    const { cert, keyPem } = authority.issue('broker');
    const place = (name: string): string => join(directory, name);
    await writeFile(place('own.pem'), keyPem + cert);
    await writeFile(place('ca.pem'), authority.cert);
    await writeFile(place('jwks.json'), JSON.stringify(jwks));
    const more = [...ports.keys()].map((name) => `${name}://${addressOf(name)}`).join(',');
    const map = Object.entries({ PLAINTEXT: 'PLAINTEXT', CONTROLLER: 'PLAINTEXT', ...LISTENERS });
    const login = 'org.apache.kafka.common.security';
    const all = {
      ...own,
      'log.dirs': logDirectory,
      'listeners': `${own['listeners']},${more}`,
      'advertised.listeners': `${own['advertised.listeners']},${more}`,
      'listener.security.protocol.map': map.map((pair) => pair.join(':')).join(','),
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': place('own.pem'),
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': place('ca.pem'),
      'listener.name.mtls.ssl.client.auth': 'required',
      'listener.name.plain.sasl.enabled.mechanisms': 'PLAIN',
      'listener.name.plain.plain.sasl.jaas.config':
        `${login}.plain.PlainLoginModule required user_${username}="${password}";`,
      'listener.name.scram.sasl.enabled.mechanisms': 'SCRAM-SHA-256,SCRAM-SHA-512',
      'listener.name.scram.scram-sha-256.sasl.jaas.config': `${login}.scram.ScramLoginModule required;`,
      'listener.name.scram.scram-sha-512.sasl.jaas.config': `${login}.scram.ScramLoginModule required;`,
      'listener.name.oauth.sasl.enabled.mechanisms': 'OAUTHBEARER',
      'listener.name.oauth.oauthbearer.sasl.jaas.config': `${login}.oauthbearer.OAuthBearerLoginModule required;`,
      'listener.name.oauth.oauthbearer.sasl.server.callback.handler.class':
        `${login}.oauthbearer.OAuthBearerValidatorCallbackHandler`,
      'listener.name.oauth.sasl.oauthbearer.jwks.endpoint.url': `file://${place('jwks.json')}`,
      'listener.name.oauth.sasl.oauthbearer.expected.audience': AUDIENCE,
    };
    const file = place('server.properties');
    await writeFile(file, Object.entries(all).map(([key, value]) => `${key}=${value}\n`).join(''));
    const urls = `-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=file://${place('jwks.json')}`;
    return ['-Xmx256m', urls, ...jars.sharedClasses, '-cp', jars.kafkaClasspath, 'kafka.Kafka', file];
  });
  const setPassword = async (mechanism: Scram, user: string, word: string): Promise<void> => {
    await execute(JAVA, [
      ...SMALL_JVM, '-cp', jars.kafkaClasspath, 'kafka.admin.ConfigCommand', '--bootstrap-server', open,
      '--alter', '--entity-type', 'users', '--entity-name', user,
      '--add-config', `${mechanism}=[iterations=4096,password=${word}]`,
    ]);
  };
  try {
    await server.start(() => answers(open));
    await Promise.all((['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const).map((mechanism) =>
      setPassword(mechanism, username, password)));
  } catch (error) {
    await server.remove();
    throw error;
  }
  return { open, addressOf, toolsClasspath: jars.kafkaClasspath, setPassword, remove: () => server.remove() };
}
