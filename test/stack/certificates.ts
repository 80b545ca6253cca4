import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';

/** A certificate in PEM, with its key. */
export interface Certificate {
  readonly cert: string;
  readonly key: KeyObject;
  /** The key in PEM, which Kafka and Node read. */
  readonly keyPem: string;
}

export interface Authority {
  readonly cert: string;
  /** For clients, and for servers as `localhost` and `127.0.0.1`. It lasts from a day ago for so many days. */
  issue(name: string, days?: number): Certificate;
}

const DAY_MS = 86_400_000;

/** DER, the little of it that certificates (X.509, RFC 5280) need: neither Node nor a JRE can make one with its key. */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const { length } = body;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
}

const sequence = (...parts: readonly Buffer[]): Buffer => der(0x30, ...parts);
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
const bits = (bytes: Buffer): Buffer => der(0x03, Buffer.from([0]), bytes);
const TRUE = der(0x01, Buffer.from([255]));
const ECDSA_SHA256 = sequence(oid('2a8648ce3d040302'));
const AUTHORITY = sequence(oid('551d13'), TRUE, der(0x04, sequence(TRUE)));
const LOCAL_NAMES = sequence(
  oid('551d11'),
  der(0x04, sequence(der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1])))),
);

function time(ms: number): Buffer {
  return der(0x18, Buffer.from(`${new Date(ms).toISOString().replace(/\D/g, '').slice(0, 14)}Z`));
}

function nameOf(name: string): Buffer {
  return sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(name)))));
}

function pem(bytes: Buffer): string {
  const lines = bytes.toString('base64').replace(/.{64}/g, '$&\n');
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

/** Somebody who signs certificates: his own first. */
export function createAuthority(issuer: string): Authority {
  const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const certify = (name: string, publicKey: KeyObject, extension: Buffer, days: number): string => {
    const fromMs = Date.now() - DAY_MS;
    const told = sequence(
      der(0xa0, der(0x02, Buffer.from([2]))),
      der(0x02, Buffer.from([1]), randomBytes(8)),
      ECDSA_SHA256,
      nameOf(issuer),
      sequence(time(fromMs), time(fromMs + days * DAY_MS)),
      nameOf(name),
      publicKey.export({ type: 'spki', format: 'der' }),
      der(0xa3, sequence(extension)),
    );
    return pem(sequence(told, ECDSA_SHA256, bits(sign('sha256', told, own.privateKey))));
  };
  return {
    cert: certify(issuer, own.publicKey, AUTHORITY, 30),
    issue(name, days = 30) {
      const { publicKey, privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const keyPem = key.export({ type: 'pkcs8', format: 'pem' }) as string;
      return { cert: certify(name, publicKey, LOCAL_NAMES, days), key, keyPem };
    },
  };
}
