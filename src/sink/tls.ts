import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { Agent, type AgentOptions } from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import { invalid } from '../errors.ts';
import { readNamed, readSecret, type Secret } from './secret.ts';

/** The PEM files of a TLS connection, as plain data. Whom we trust without `ca`, Node knows. */
export interface TlsFiles {
  /** What the names of their settings begin with, e.g. `KAFKA_TLS`. */
  readonly settings: string;
  readonly ca: string | undefined;
  /** Our own, where the other side asks for one; `passphrase` if the key is encrypted. */
  readonly own: { readonly cert: string; readonly key: string; readonly passphrase: Secret | undefined } | undefined;
}

/** What holds for every connection, whatever the environment of the process says. */
export const CHECKED = { minVersion: 'TLSv1.2', rejectUnauthorized: true } as const;

/** The files are read each time, so that a renewed certificate counts from the next connection on. */
export function tlsOptions({ settings, ca, own }: TlsFiles): ConnectionOptions {
  return {
    ...CHECKED,
    ...ca !== undefined && { ca: readNamed(`${settings}_CA_FILE`, ca) },
    ...own !== undefined && {
      cert: readNamed(`${settings}_CERT_FILE`, own.cert),
      key: readNamed(`${settings}_KEY_FILE`, own.key),
      ...own.passphrase !== undefined && { passphrase: readSecret(own.passphrase) },
    },
  };
}

/** An agent for HTTPS whose connections are made with {@link tlsOptions}. */
export class TlsAgent extends Agent {
  readonly #files: TlsFiles;

  constructor(files: TlsFiles) {
    super({ keepAlive: true });
    this.#files = files;
  }

  override createConnection(...[options, ...rest]: Parameters<Agent['createConnection']>) {
    return super.createConnection({ ...options, ...tlsOptions(this.#files) } as AgentOptions, ...rest);
  }
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Looks at the files as they are now. @throws CONFIG_INVALID with the setting, what is wrong with it, and the cure. */
export function checkTlsFiles({ settings, ca, own }: TlsFiles, nowMs: number): void {
  if (ca !== undefined) {
    const found = certificatesIn(`${settings}_CA_FILE`, ca);
    // A bundle may hold some that are out of date; those that sign nothing harm nobody.
    if (found.every((one) => validToMs(one) < nowMs)) throw expired(`${settings}_CA_FILE`, ca, found[0]!);
  }
  if (own === undefined) return;
  const [certificate] = certificatesIn(`${settings}_CERT_FILE`, own.cert);
  const key = readKey(settings, own);
  if (!certificate!.checkPrivateKey(key)) {
    throw invalid(`${settings}_KEY_FILE: ${own.key} is not the key of the certificate in ${own.cert}`);
  }
  if (validToMs(certificate!) < nowMs) throw expired(`${settings}_CERT_FILE`, own.cert, certificate!);
}

function certificatesIn(setting: string, file: string): readonly X509Certificate[] {
  const blocks = readNamed(setting, file).match(PEM_CERTIFICATE) ?? [];
  try {
    if (blocks.length > 0) return blocks.map((block) => new X509Certificate(block));
  } catch {
    // What the parser says of it helps nobody.
  }
  throw invalid(`${setting}: ${file} holds no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----`);
}

function readKey(settings: string, { key, passphrase }: NonNullable<TlsFiles['own']>): KeyObject {
  const text = readNamed(`${settings}_KEY_FILE`, key);
  const isEncrypted = text.includes('ENCRYPTED');
  if (isEncrypted && passphrase === undefined) {
    throw invalid(`${settings}_KEY_PASSPHRASE: is missing, and the key in ${key} is encrypted`);
  }
  try {
    return createPrivateKey({ key: text, ...passphrase !== undefined && { passphrase: readSecret(passphrase) } });
  } catch {
    throw isEncrypted
      ? invalid(`${settings}_KEY_PASSPHRASE: does not open the key in ${key}`)
      : invalid(`${settings}_KEY_FILE: ${key} holds no key in PEM, which begins with -----BEGIN PRIVATE KEY-----`);
  }
}

function validToMs({ validTo }: X509Certificate): number {
  return Date.parse(validTo);
}

function expired(setting: string, file: string, { subject, validTo }: X509Certificate): Error {
  const who = subject.replaceAll('\n', ', ');
  return invalid(`${setting}: the certificate of ${who} in ${file} expired on ${validTo}; put a new one there`);
}

/** What to do about a failed TLS connection, by what Node or the other side has said of it. */
export function tlsCure(message: string, settings: string): string | undefined {
  const cures: readonly (readonly [RegExp, string])[] = [
    [/certificate has expired/, 'Its certificate, or that of its authority, has expired: renew it there'],
    [/self-signed certificate|unable to (verify|get).*(certificate|issuer)/,
      `Its certificate is signed by nobody we know: ${settings}_CA_FILE must name the file of its authority`],
    [/does not match certificate's altnames/,
      'Its certificate is for other names: use one of those, or have its certificate name this one'],
    [/alert certificate expired/, `It says that our certificate has expired: renew the one in ${settings}_CERT_FILE`],
    [/certificate (required|unknown)|alert (bad|unsupported) certificate|alert unknown ca|alert handshake failure/,
      `It wants a certificate of ours that it trusts: mend ${settings}_CERT_FILE and ${settings}_KEY_FILE`],
    [/wrong version number|packet length too long/, 'It does not speak TLS there'],
  ];
  return cures.find(([said]) => said.test(message))?.[1];
}
