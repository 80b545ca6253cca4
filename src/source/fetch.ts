import { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { Agent, fetch as fetchBy, ProxyAgent, type Dispatcher } from 'undici';
import { ConnectorError } from '../errors.ts';
import { isPrivate, isThisMachine } from './address.ts';

export interface Route {
  readonly baseUrl: string;
  /** URL of a proxy that all requests go through. */
  readonly proxy: () => string | undefined;
  /** Connects to addresses of private networks, too. A URL without TLS is that of a simulator, and may be anywhere. */
  readonly allowPrivate: boolean;
}

/** What holds for every connection, whatever the environment of the process says. */
const CHECKED = { minVersion: 'TLSv1.2', rejectUnauthorized: true } as const;

/** `fetch` by the route that the settings name. A proxy resolves names itself: which addresses it takes, it decides. */
export function createFetch({ baseUrl, proxy, allowPrivate }: Route): typeof fetch {
  const { protocol, hostname } = new URL(baseUrl);
  const anywhere = allowPrivate || protocol === 'http:' || isThisMachine(hostname);
  const direct = new Agent({ connect: { ...CHECKED, ...!anywhere && { lookup: lookupPublic } } });
  let by: { readonly proxy: string | undefined; readonly dispatcher: Dispatcher } =
    { proxy: undefined, dispatcher: direct };
  const dispatcherOf = (uri: string | undefined): Dispatcher => {
    if (uri !== by.proxy) {
      const through = uri === undefined ? direct : new ProxyAgent({ uri, requestTls: CHECKED, proxyTls: CHECKED });
      by = { proxy: uri, dispatcher: through };
    }
    return by.dispatcher;
  };
  const route = (input: string, init: RequestInit): Promise<unknown> =>
    fetchBy(input, { ...init as object, dispatcher: dispatcherOf(readProxy(proxy)) });
  return route as typeof fetch;
}

/** A secret file may be missing for a moment while it is rotated. */
function readProxy(proxy: Route['proxy']): string | undefined {
  try {
    return proxy();
  } catch (error) {
    throw new ConnectorError('SOURCE_UNAVAILABLE', (error as Error).message);
  }
}

/** Looks at the very addresses that are connected to, so that a name cannot mean another one a moment later. */
export const lookupPublic: LookupFunction = (hostname, options, done) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return done(error, []);
    if (addresses.some(({ address }) => isPrivate(address))) {
      return done(Object.assign(new Error('a private address'), { code: PRIVATE_ADDRESS }), []);
    }
    const [{ address, family }] = addresses as [(typeof addresses)[number]];
    if (options.all === true) done(null, addresses);
    else done(null, address, family);
  });
};

/** Code of the error when a name leads to a private network. */
export const PRIVATE_ADDRESS = 'ERR_PRIVATE_ADDRESS';
