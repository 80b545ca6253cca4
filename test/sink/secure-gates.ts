import { createSign, generateKeyPairSync } from 'node:crypto';
import { request } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { RequestListener } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Authority } from '../stack/certificates.ts';

export interface Gate {
  readonly url: string;
  close(): void;
}

/** An HTTPS server of `localhost` that asks for a certificate, and takes those who have none, too. */
async function serve(authority: Authority, path: string, listener: RequestListener): Promise<Gate> {
  const { cert, keyPem: key } = authority.issue('localhost');
  const tls = { cert, key, ca: authority.cert, requestCert: true, rejectUnauthorized: false };
  const server = createServer(tls, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}${path}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** TLS and a login before a registry that has neither. `logins` collects who has been let in. */
export function guardRegistry(
  authority: Authority,
  registryUrl: string,
  allowed: ReadonlySet<string>,
  logins: Set<string>,
): Promise<Gate> {
  const { hostname, port, pathname } = new URL(registryUrl);
  return serve(authority, pathname, (asked, answer) => {
    const { headers: { authorization = '', ...rest }, method, url } = asked;
    const headers = { ...rest, host: `${hostname}:${port}` };
    if (!allowed.has(authorization)) {
      // Says more than it should, as some do.
      return void answer.writeHead(401).end(JSON.stringify({ message: `no ${authorization}` }));
    }
    logins.add(`${authorization} ${(asked.socket as TLSSocket).getPeerCertificate()?.subject?.CN ?? ''}`.trim());
    const inner = request({ hostname, port, path: url, method, headers }, (response) => {
      answer.writeHead(response.statusCode!, response.headers);
      response.pipe(answer);
    });
    asked.pipe(inner);
  });
}

/** Signs tokens as an identity provider does (JWT, RS256). */
export function createIssuer() {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  return {
    jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'one', use: 'sig', alg: 'RS256' }] },
    token(subject: string): string {
      const nowS = Math.floor(Date.now() / 1_000);
      const claims = { sub: subject, aud: 'kafka', iss: 'issuer', iat: nowS, exp: nowS + 600, scope: 'kafka' };
      const told = `${encode({ alg: 'RS256', kid: 'one', typ: 'JWT' })}.${encode(claims)}`;
      return `${told}.${createSign('RSA-SHA256').update(told).sign(privateKey, 'base64url')}`;
    },
  };
}

/** Gives tokens for client id and secret. */
export function startTokenEndpoint(
  authority: Authority,
  tokenOf: (login: string, form: URLSearchParams) => string | undefined,
): Promise<Gate> {
  return serve(authority, '/token', (asked, answer) => {
    const chunks: Buffer[] = [];
    asked.on('data', (chunk: Buffer) => chunks.push(chunk));
    asked.on('end', () => {
      const login = Buffer.from(asked.headers.authorization?.split(' ')[1] ?? '', 'base64').toString();
      const token = tokenOf(login, new URLSearchParams(String(Buffer.concat(chunks))));
      if (token === undefined) return answer.writeHead(401).end(JSON.stringify({ error: 'invalid_client', login }));
      answer.writeHead(200, { 'content-type': 'application/json' });
      answer.end(JSON.stringify({ access_token: token, token_type: 'Bearer', expires_in: 600 }));
    });
  });
}
