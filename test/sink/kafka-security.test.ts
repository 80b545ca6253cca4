import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { inspect } from 'node:util';
import { loadConfig, type Environment } from '../../src/config.ts';
import { ConnectorError } from '../../src/errors.ts';
import { busOf } from '../../src/parts.ts';
import { KafkaSink } from '../../src/sink/kafka.ts';
import { readTopics } from '../reader/topics.ts';
import { createAuthority } from '../stack/certificates.ts';
import { startSecureBroker, type SecureBroker } from '../stack/secure-broker.ts';
import { startStack, type Stack } from '../stack/stack.ts';
import { createIssuer, guardRegistry, startTokenEndpoint, type Gate } from './secure-gates.ts';
import { legEvent, ownsAll, step } from './sink.contract.ts';
import { smallSink } from './small-sink.ts';

// Goal: by every road and login that the settings offer a connector commits, and who is refused learns the setting and
// never a secret. Method: a real broker with a listener for each, certificates made here, TLS and a login before the
// registry; Kafka's own client reads what was committed.

const CANARY = 'canary7f3a';
const [username, password] = [`${CANARY}user`, `${CANARY}-pass,=word`];
const basic = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
const [ours, others] = [createAuthority('ours'), createAuthority('others')];
const issuer = createIssuer();
const said: string[] = [];
const logins = new Set<string>();
const allowed = new Set([basic, `Bearer ${CANARY}-registry`]);

const folder = mkdtempSync(join(tmpdir(), 'security-test-'));
function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}
const client = ours.issue('connector');
const stranger = others.issue('connector');
const late = ours.issue('late', 0);
const files = {
  ca: file('ca.pem', ours.cert),
  otherCa: file('other-ca.pem', others.cert),
  cert: file('cert.pem', client.cert),
  key: file('key.pem', client.key.export({
    type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: `${CANARY}-passphrase`,
  }) as string),
  strangerCert: file('stranger-cert.pem', stranger.cert),
  strangerKey: file('stranger-key.pem', stranger.keyPem),
  password: file('password', `${password}\n`),
  wrong: file('wrong', `${CANARY}-wrong`),
  token: file('token', issuer.token(username)),
  badToken: file('bad-token', createIssuer().token(username)),
};

let stack: Stack;
let broker: SecureBroker;
let registry: Gate;
let endpoint: Gate;
const stop = new AbortController();
const sinks: KafkaSink[] = [];
before(async () => {
  const secrets = { authority: ours, username, password, jwks: issuer.jwks };
  [stack, broker] = await Promise.all([startStack(), startSecureBroker(secrets)]);
  registry = await guardRegistry(ours, stack.registryUrl, allowed, logins);
  endpoint = await startTokenEndpoint(ours, (login, form) =>
    login === `${username}:${encodeURIComponent(password)}` && form.get('scope') === 'kafka'
      ? issuer.token(username) : undefined);
});
after(async () => {
  stop.abort();
  await Promise.all(sinks.map((sink) => sink.close()));
  for (const gate of [registry, endpoint]) gate?.close();
  await Promise.all([stack?.stop(), broker?.remove()]);
  rmSync(folder, { recursive: true });
});

const tls = { KAFKA_TLS: 'true', KAFKA_TLS_CA_FILE: files.ca };
const mtls = {
  ...tls,
  KAFKA_TLS_CERT_FILE: files.cert, KAFKA_TLS_KEY_FILE: files.key, KAFKA_TLS_KEY_PASSPHRASE: `${CANARY}-passphrase`,
};
const login = (mechanism: string): Environment => ({
  ...tls,
  KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD_FILE: files.password,
});
const oauth = (): Environment => ({
  ...login('OAUTHBEARER'), KAFKA_SASL_TOKEN_URL: endpoint.url, KAFKA_SASL_SCOPE: 'kafka',
});
const tokenIn = (path: string): Environment =>
  ({ ...tls, KAFKA_SASL_MECHANISM: 'OAUTHBEARER', KAFKA_SASL_TOKEN_FILE: path });

/** A sink as the settings have it, on topics of its own. */
function sinkOf(name: string, brokers: string, settings: Environment): KafkaSink {
  const config = loadConfig([], {
    EIGHT_API_KEY: 'key', EIGHT_USERNAME: 'user', EIGHT_PASSWORD: 'word', EIGHT_PBX_IDS: 'acme',
    CONNECTOR_NAME: name, KAFKA_BROKERS: brokers,
    SCHEMA_REGISTRY_URL: registry.url, SCHEMA_REGISTRY_TLS_CA_FILE: files.ca,
    SCHEMA_REGISTRY_USERNAME: username, SCHEMA_REGISTRY_PASSWORD_FILE: files.password,
    ...settings,
  });
  said.push(JSON.stringify(config), inspect(config, { depth: 9 }));
  const small = smallSink(name, { brokers, registryUrl: registry.url });
  const sink = new KafkaSink({ ...small, ...busOf(config), onLog: (message) => said.push(message) });
  sinks.push(sink);
  return sink;
}

/** Commits one leg by that road. */
async function publish(sink: KafkaSink, callId: string): Promise<void> {
  await sink.check();
  await ownsAll(sink, stop.signal);
  await commit(sink, callId);
}

async function commit(sink: KafkaSink, callId: string): Promise<void> {
  const session = await sink.openShard(0);
  await session.commit(step([legEvent(callId)]));
  await session.close();
}

type Listener = Parameters<SecureBroker['addressOf']>[0];
const roads: Readonly<Record<string, readonly [Listener, () => Environment]>> = {
  'tls': ['TLS', () => tls],
  'mtls': ['MTLS', () => mtls],
  'plain': ['PLAIN', () => login('PLAIN')],
  'scram256': ['SCRAM', () => login('SCRAM-SHA-256')],
  'scram512': ['SCRAM', () => login('SCRAM-SHA-512')],
  'token': ['OAUTH', () => tokenIn(files.token)],
  'endpoint': ['OAUTH', oauth],
};

describe('a connector commits by every road', { concurrency: 2 }, () => {
  for (const [name, [listener, settings]] of Object.entries(roads)) {
    test(name, () => publish(sinkOf(name, broker.addressOf(listener), settings()), name));
  }
});

test('all of it is on the topics, and the registry knows who has come', async () => {
  const topics = Object.keys(roads).map((name) => `${name}.l`);
  const where = { brokers: broker.open, registryUrl: stack.registryUrl, toolsClasspath: broker.toolsClasspath };
  const read = await readTopics(where, topics);
  assert.deepEqual(read.map(({ value }) => value!['callId']).toSorted(), Object.keys(roads).toSorted());
  assert.deepEqual([...logins], [basic]);
});

test('a password that was changed on the broker and in its file counts from the next connection on', async () => {
  const path = file('rotated', password);
  const settings = { ...login('SCRAM-SHA-512'), KAFKA_SASL_PASSWORD_FILE: path };
  const sink = sinkOf('rotated', broker.addressOf('SCRAM'), settings);
  await publish(sink, 'before');
  await broker.setPassword('SCRAM-SHA-512', username, `${CANARY}-new`);
  await assert.rejects(sink.openShard(0), /KAFKA_SASL_PASSWORD/);
  writeFileSync(path, `${CANARY}-new\n`);
  await commit(sink, 'after');
});

test('the registry takes a bearer token and a certificate, and a token that was changed in its file', async () => {
  const path = file('registry-token', `${CANARY}-wrong`);
  const settings = {
    ...tls,
    SCHEMA_REGISTRY_USERNAME: undefined, SCHEMA_REGISTRY_PASSWORD_FILE: undefined, SCHEMA_REGISTRY_TOKEN_FILE: path,
    SCHEMA_REGISTRY_TLS_CERT_FILE: files.cert, SCHEMA_REGISTRY_TLS_KEY_FILE: files.key,
    SCHEMA_REGISTRY_TLS_KEY_PASSPHRASE: `${CANARY}-passphrase`,
  };
  const sink = sinkOf('bearer', broker.addressOf('TLS'), settings);
  await refusal(sink, /^schema registry .* refuses us \(401\).*SCHEMA_REGISTRY_TOKEN/);
  writeFileSync(path, `${CANARY}-registry`);
  await publish(sink, 'bearer');
  assert.ok(logins.has(`Bearer ${CANARY}-registry connector`), [...logins].join());
});

/** What a person sees of a start that is refused. */
async function refusal(sink: KafkaSink, expected: RegExp): Promise<void> {
  const error = await sink.check().then(() => assert.fail('it was let in'), (thrown: unknown) => thrown);
  assert.ok(error instanceof ConnectorError, String(error));
  said.push(error.message, String(error.stack), inspect(error, { depth: 9, showHidden: true }));
  assert.match(error.message, expected);
}

const wrong = { KAFKA_SASL_PASSWORD_FILE: files.wrong };
const refusals: Readonly<Record<string, readonly [Listener, () => Environment, RegExp]>> = {
  'an authority that is not ours': ['TLS', () => ({ ...tls, KAFKA_TLS_CA_FILE: files.otherCa }), /KAFKA_TLS_CA_FILE/],
  'no authority': ['TLS', () => ({ KAFKA_TLS: 'true' }), /KAFKA_TLS_CA_FILE/],
  'no certificate of ours': ['MTLS', () => tls, /KAFKA_TLS_CERT_FILE/],
  'a certificate of a stranger': ['MTLS', () => ({
    ...tls, KAFKA_TLS_CERT_FILE: files.strangerCert, KAFKA_TLS_KEY_FILE: files.strangerKey,
  }), /KAFKA_TLS_CERT_FILE/],
  'no TLS': ['TLS', () => ({}), /that KAFKA_TLS and KAFKA_SASL_MECHANISM are/],
  'no login': ['PLAIN', () => tls, /KAFKA_SASL_MECHANISM/],
  'another mechanism': ['SCRAM', () => login('PLAIN'), /Set KAFKA_SASL_MECHANISM/],
  'a wrong password': ['PLAIN', () => ({ ...login('PLAIN'), ...wrong }), /Check KAFKA_SASL_USERNAME and .*PASSWORD/],
  'a wrong password for SCRAM': ['SCRAM', () => ({ ...login('SCRAM-SHA-256'), ...wrong }), /KAFKA_SASL_PASSWORD/],
  'a token that somebody else has signed': ['OAUTH', () => tokenIn(files.badToken), /KAFKA_SASL_TOKEN /],
  'a client secret that is wrong': ['OAUTH', () => ({ ...oauth(), ...wrong }),
    /KAFKA_SASL_TOKEN_URL gives us no token \(status 401\)/],
  'a wrong password for the registry': ['TLS', () => ({ ...tls, SCHEMA_REGISTRY_PASSWORD_FILE: files.wrong }),
    /refuses us \(401\).*SCHEMA_REGISTRY_PASSWORD/],
  'a registry whose authority we do not know': ['TLS', () => ({ ...tls, SCHEMA_REGISTRY_TLS_CA_FILE: files.otherCa }),
    /SCHEMA_REGISTRY_TLS_CA_FILE/],
};

describe('who is refused learns which setting to mend', { concurrency: 8 }, () => {
  for (const [name, [listener, settings, expected]] of Object.entries(refusals)) {
    const sink = `refused.${name.replaceAll(' ', '-')}`;
    test(name, () => refusal(sinkOf(sink, broker.addressOf(listener), settings()), expected));
  }
});

test('an own certificate that has expired since the start is named by the cure', async () => {
  const path = [file('late-cert.pem', client.cert), file('late-key.pem', client.keyPem)] as const;
  const settings = { ...tls, KAFKA_TLS_CERT_FILE: path[0], KAFKA_TLS_KEY_FILE: path[1] };
  const sink = sinkOf('late', broker.addressOf('MTLS'), settings);
  writeFileSync(path[0], late.cert);
  writeFileSync(path[1], late.keyPem);
  await refusal(sink, /KAFKA_TLS_CERT_FILE/);
  writeFileSync(path[0], client.cert);
  writeFileSync(path[1], client.keyPem);
  await publish(sink, 'renewed');
});

test('no secret was said, whatever went wrong', () => {
  assert.ok(said.length > 50, 'much was said');
  const secrets = [CANARY, basic.slice(6), ...[files.token, files.badToken].map(() => 'eyJ')];
  assert.deepEqual(said.filter((text) => secrets.some((secret) => text.includes(secret))), []);
});
