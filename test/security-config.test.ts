import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { inspect } from 'node:util';
import { changedSettings, loadConfig, type Config, type Environment } from '../src/config.ts';
import { ConnectorError } from '../src/errors.ts';
import { createAuthority } from './stack/certificates.ts';

// Goal: security that makes no sense stops the start with the setting, the problem and the cure, and never a secret.

const CANARY = 'canary-7f3a';
const folder = mkdtempSync(join(tmpdir(), 'security-config-'));
after(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function load(change: Environment): Config {
  return loadConfig([], {
    EIGHT_API_KEY: `${CANARY}-key`, EIGHT_USERNAME: `${CANARY}-user`, EIGHT_PASSWORD: `${CANARY}-password`,
    EIGHT_PBX_IDS: 'acme', KAFKA_BROKERS: 'localhost:9092', SCHEMA_REGISTRY_URL: 'http://localhost:8081', ...change,
  });
}

const authority = createAuthority('ours');
const [own, late] = [authority.issue('connector'), authority.issue('late', 0)];
const passphrase = `${CANARY}-passphrase`;
const sealed = own.key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase }) as string;
const cert = { KAFKA_TLS: 'true', KAFKA_TLS_CERT_FILE: file('cert.pem', own.cert) };
const mtls = { ...cert, KAFKA_TLS_KEY_FILE: file('key.pem', own.keyPem) };
const encrypted = { ...cert, KAFKA_TLS_KEY_FILE: file('sealed.pem', sealed) };
const lateCert = file('late.pem', late.cert);
const lateOwn = { KAFKA_TLS: 'true', KAFKA_TLS_CERT_FILE: lateCert, KAFKA_TLS_KEY_FILE: file('late-key', late.keyPem) };
const [noPem, absent] = [file('no.pem', 'nothing'), join(folder, 'absent.pem')];
const user = { KAFKA_SASL_USERNAME: `${CANARY}-sasl`, KAFKA_SASL_PASSWORD: `${CANARY}-word` };
const plain = { ...user, KAFKA_TLS: 'true', KAFKA_SASL_MECHANISM: 'PLAIN' };
const oauth = { KAFKA_TLS: 'true', KAFKA_SASL_MECHANISM: 'OAUTHBEARER' };
const url = { KAFKA_SASL_TOKEN_URL: 'https://login.example.com/token' };
const registryUser = { SCHEMA_REGISTRY_USERNAME: CANARY, SCHEMA_REGISTRY_PASSWORD: CANARY };
const far = { SCHEMA_REGISTRY_URL: 'http://registry:8081' };

const bad: readonly (readonly [Environment, RegExp])[] = [
  [{ NODE_TLS_REJECT_UNAUTHORIZED: '0' }, /^NODE_TLS_REJECT_UNAUTHORIZED: must not be 0, .* unset it/],
  [{ KAFKA_TLS_CA_FILE: absent }, /^KAFKA_TLS_CA_FILE: has no effect without TLS; set KAFKA_TLS=true$/],
  [{ KAFKA_TLS: 'true', KAFKA_TLS_CA_FILE: absent }, /^KAFKA_TLS_CA_FILE: .*absent.pem cannot be read: ENOENT$/],
  [{ KAFKA_TLS: 'true', KAFKA_TLS_CA_FILE: noPem }, /^KAFKA_TLS_CA_FILE: .*no.pem holds no certificate in PEM/],
  [{ KAFKA_TLS: 'true', KAFKA_TLS_CA_FILE: lateCert }, /^KAFKA_TLS_CA_FILE: .* CN=late in .*late.pem expired on .*GMT/],
  [cert, /^KAFKA_TLS_CERT_FILE: needs KAFKA_TLS_KEY_FILE/],
  [{ KAFKA_TLS: 'true', KAFKA_TLS_KEY_FILE: noPem }, /^KAFKA_TLS_KEY_FILE: needs KAFKA_TLS_CERT_FILE/],
  [{ KAFKA_TLS: 'true', KAFKA_TLS_KEY_PASSPHRASE: CANARY }, /^KAFKA_TLS_KEY_PASSPHRASE: has no effect without/],
  [{ ...mtls, KAFKA_TLS_KEY_FILE: noPem }, /^KAFKA_TLS_KEY_FILE: .*no.pem holds no key in PEM/],
  [{ ...mtls, KAFKA_TLS_KEY_FILE: absent }, /^KAFKA_TLS_KEY_FILE: .*absent.pem cannot be read: ENOENT$/],
  [{ ...mtls, KAFKA_TLS_CERT_FILE: lateCert }, /^KAFKA_TLS_KEY_FILE: .*key.pem is not the key of the certificate in/],
  [lateOwn, /^KAFKA_TLS_CERT_FILE: the certificate of CN=late in .*late.pem expired on .*GMT; put a new one there$/],
  [encrypted, /^KAFKA_TLS_KEY_PASSPHRASE: is missing, and the key in .*sealed.pem is encrypted$/],
  [{ ...encrypted, KAFKA_TLS_KEY_PASSPHRASE: CANARY }, /^KAFKA_TLS_KEY_PASSPHRASE: does not open the key in/],
  [{ ...plain, KAFKA_TLS: 'false' }, /^KAFKA_SASL_MECHANISM: a login without TLS .*KAFKA_SASL_ALLOW_CLEAR=true/],
  [{ ...plain, KAFKA_SASL_MECHANISM: 'none' }, /^KAFKA_SASL_USERNAME: has no effect with KAFKA_SASL_MECHANISM=none/],
  [{ ...plain, KAFKA_SASL_MECHANISM: 'GSSAPI' }, /^KAFKA_SASL_MECHANISM .*"PLAIN"/],
  [{ ...plain, KAFKA_SASL_PASSWORD: undefined }, /^KAFKA_SASL_MECHANISM: PLAIN needs KAFKA_SASL_USERNAME and/],
  [{ ...plain, KAFKA_SASL_TOKEN: CANARY }, /^KAFKA_SASL_TOKEN: has no effect with PLAIN/],
  [oauth, /^KAFKA_SASL_MECHANISM: OAUTHBEARER needs KAFKA_SASL_TOKEN .*or KAFKA_SASL_TOKEN_URL, and only one$/],
  [{ ...oauth, ...url, ...user, KAFKA_SASL_TOKEN: CANARY }, /^KAFKA_SASL_MECHANISM: OAUTHBEARER .*only one$/],
  [{ ...oauth, ...url }, /^KAFKA_SASL_MECHANISM: OAUTHBEARER needs KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD/],
  [{ ...oauth, ...user, KAFKA_SASL_TOKEN: CANARY }, /^KAFKA_SASL_USERNAME: has no effect with no KAFKA_SASL_TOKEN_URL/],
  [{ ...oauth, KAFKA_SASL_TOKEN_URL: 'http://login.example.com' }, /^KAFKA_SASL_TOKEN_URL .*starts with https:/],
  [{ ...oauth, KAFKA_SASL_TOKEN: CANARY, KAFKA_SASL_EXTENSIONS: 'x' }, /^KAFKA_SASL_EXTENSIONS .*expected pairs/],
  [{ SCHEMA_REGISTRY_USERNAME: CANARY }, /^SCHEMA_REGISTRY_USERNAME: .* are needed together$/],
  [{ ...registryUser, SCHEMA_REGISTRY_TOKEN: CANARY }, /^SCHEMA_REGISTRY_TOKEN: not together with/],
  [{ ...registryUser, ...far }, /^SCHEMA_REGISTRY_USERNAME: would be sent in the clear; .*ALLOW_CLEAR=true/],
  [{ SCHEMA_REGISTRY_TLS_CA_FILE: absent }, /^SCHEMA_REGISTRY_TLS_CA_FILE: has no effect without TLS; .* https:/],
  [{ SCHEMA_REGISTRY_URL: `https://${CANARY}:x@registry` }, /^SCHEMA_REGISTRY_URL .*without user/],
  [{ EIGHT_PROXY: `socks://${CANARY}@proxy:1` }, /^EIGHT_PROXY .*expected a URL such as http:\/\/host:port/],
  [{ EIGHT_PROXY_FILE: absent }, /^EIGHT_PROXY_FILE: .*absent.pem cannot be read: ENOENT$/],
];
for (const [index, [settings, expected]] of bad.entries()) {
  test(`what makes no sense is one line with the cure, ${index}: ${expected.source.slice(1, 60)}`, () => {
    assert.throws(() => load(settings), (error) => {
      assert.ok(error instanceof ConnectorError && error.code === 'CONFIG_INVALID', String(error));
      assert.match(error.message, expected);
      assert.equal(error.message.split('\n').length, 1, error.message);
      assert.ok(!inspect(error).includes(CANARY), error.message);
      return true;
    });
  });
}

for (const host of [
  '10.0.0.1', '192.168.1.1', '172.31.0.1', '169.254.169.254', '100.64.0.1', '127.0.0.2', '0.0.0.0', '[fe80::1]',
  '[fd00::1]', '[::ffff:10.0.0.1]', '2130706434', '0x7f.2',
]) {
  test(`8x8 at ${host} is refused unless a private network is meant`, () => {
    const settings = { EIGHT_BASE_URL: `https://${host}/analytics` };
    assert.throws(() => load(settings), /EIGHT_BASE_URL: its host is an address of a private network; EIGHT_ALLOW/);
    load({ ...settings, EIGHT_ALLOW_PRIVATE: 'true' });
  });
}

test('a simulator is reached without TLS: on this machine, or where that is allowed', () => {
  for (const host of ['localhost', '127.0.0.1', '[::1]']) load({ EIGHT_BASE_URL: `http://${host}:8008/x` });
  assert.throws(() => load({ EIGHT_BASE_URL: 'http://simulator:8008' }), /EIGHT_BASE_URL: must be https/);
  load({ EIGHT_BASE_URL: 'http://simulator:8008', EIGHT_ALLOW_HTTP: 'true' });
  load({ EIGHT_BASE_URL: 'https://8.8.8.8' });
});

test('what makes sense is taken, and secrets in files stay in their files', () => {
  const word = file('word', `${CANARY}-word`);
  const access = load({
    ...encrypted, KAFKA_TLS_KEY_PASSPHRASE: passphrase, KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
    KAFKA_SASL_USERNAME: 'me', KAFKA_SASL_PASSWORD_FILE: word,
  }).access();
  const { kafka: { sasl, tls }, registry } = access;
  assert.deepEqual(sasl, {
    mechanism: 'scram-sha-512',
    username: { setting: 'KAFKA_SASL_USERNAME', value: 'me' },
    password: { setting: 'KAFKA_SASL_PASSWORD', file: word },
  });
  assert.deepEqual([tls?.ca, tls?.own?.cert, registry.login], [undefined, encrypted.KAFKA_TLS_CERT_FILE, undefined]);
  structuredClone(access.kafka);
  assert.equal(load({ ...plain, KAFKA_TLS: 'false', KAFKA_SASL_ALLOW_CLEAR: 'true' }).access().kafka.tls, undefined);
  const { sasl: tokens } = load({
    ...oauth, ...url, ...user, KAFKA_SASL_EXTENSIONS: 'logicalCluster=lkc-1,identityPoolId=a=b',
  }).access().kafka;
  assert.deepEqual(tokens?.mechanism === 'oauthbearer' && tokens.extensions,
    { logicalCluster: 'lkc-1', identityPoolId: 'a=b' });
  load({ ...registryUser, ...far, SCHEMA_REGISTRY_ALLOW_CLEAR: 'true' });
});

test('no config shows a secret', () => {
  const secrets = Object.fromEntries(['EIGHT_PROXY', 'KAFKA_SASL_USERNAME', 'SCHEMA_REGISTRY_PASSWORD'].map((name) =>
    [name, name === 'EIGHT_PROXY' ? `http://u:${CANARY}@proxy:3128` : CANARY]));
  const config = load({ ...plain, ...registryUser, ...secrets });
  assert.ok(!`${JSON.stringify(config)}${inspect(config, { depth: 9 })}`.includes(CANARY));
  assert.equal(config.access().eight.proxy(), `http://u:${CANARY}@proxy:3128`);
});

test('a config that is read anew tells of other files of TLS, and not of other secrets', () => {
  const moved = { KAFKA_TLS_CERT_FILE: file('c2.pem', own.cert), KAFKA_TLS_KEY_FILE: file('k2.pem', own.keyPem) };
  const before = load({ ...plain, ...mtls });
  const changed = load({ ...plain, ...mtls, ...moved, KAFKA_SASL_PASSWORD: 'other' });
  assert.deepEqual(changedSettings(before, changed), ['KAFKA_TLS_CERT_FILE', 'KAFKA_TLS_KEY_FILE']);
});
