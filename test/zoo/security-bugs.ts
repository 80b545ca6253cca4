import { check, patch, type Bug } from './bug.ts';

/** Bugs in how we prove who we are, and who the others are. */
export const securityBugs: readonly Bug[] = [
  {
    name: 'TLS unchecked when the environment says so',
    believed: 'Node checks certificates by default, so nobody need ask for it',
    patches: [patch('source/fetch.ts', "minVersion: 'TLSv1.2', rejectUnauthorized: true", "minVersion: 'TLSv1.2'")],
    caughtBy: [check('source/route', /^an 8x8 whose certificate is not proven is not asked/)],
  },
  {
    name: 'private IPv4 addresses only',
    believed: 'private networks are 10/8, 172.16/12 and 192.168/16',
    patches: [patch('source/address.ts', 'return version !== 0 && PRIVATE', 'return version === 4 && PRIVATE')],
    caughtBy: [check('security-config', '8x8 at [fe80::1] is refused unless a private network is meant')],
  },
  {
    name: 'a key is not compared with its certificate',
    believed: 'both files are read and are PEM, and the broker will say the rest',
    patches: [patch('sink/tls.ts', 'if (!certificate!.checkPrivateKey(key)) {', 'if (key.type !== "private") {')],
    caughtBy: [check('security-config', /is not the key/)],
  },
  {
    name: 'the proxy is kept for ever',
    believed: 'an agent is made once, so that its connections are used again',
    patches: [patch('source/fetch.ts', 'if (uri !== by.proxy) {', 'if (by.proxy === undefined && uri) {')],
    caughtBy: [check('source/route', /^a password of the proxy that has changed in its file/, { says: /407/ })],
  },
];
