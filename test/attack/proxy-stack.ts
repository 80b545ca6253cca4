import { freePort } from '../stack/port.ts';
import { startStack, type Stack } from '../stack/stack.ts';
import { startProxy, type Proxy, type ProxyOptions } from './proxy.ts';

/** Servers of a test's own, behind a proxy. Whom it attacks uses `proxiedBrokers`, its witnesses use `brokers`. */
export interface ProxiedStack extends Stack {
  readonly proxy: Proxy;
  readonly proxiedBrokers: string;
}

/** Else the broker aborts what is open for too long, and nobody would see that a fence was missing. */
const ENDS_NOTHING_BY_TIME = { 'transaction.abort.timed.out.transaction.cleanup.interval.ms': '3600000' };

export async function startProxiedStack(decide: ProxyOptions['decide']): Promise<ProxiedStack> {
  const [upstreamPort, proxyPort] = [await freePort(), await freePort()];
  const proxied = { port: upstreamPort, proxyPort };
  const stack = await startStack({ ownBroker: true, properties: ENDS_NOTHING_BY_TIME, proxied });
  try {
    const proxy = await startProxy({ port: proxyPort, upstreamPort, decide });
    const stop = async (): Promise<void> => {
      await proxy.close();
      await stack.stop();
    };
    return { ...stack, proxy, proxiedBrokers: `127.0.0.1:${proxyPort}`, stop };
  } catch (error) {
    await stack.stop();
    throw error;
  }
}
