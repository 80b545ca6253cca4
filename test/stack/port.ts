import { createServer } from 'node:net';
import { once } from 'node:events';

const FROM = 20_000;
const TO = 32_000;
const TRIES_MAX = 200;

/**
 * A free port of 127.0.0.1 below the range that the system uses for outgoing connections. In that range a client that
 * waits for a killed broker can be given the broker's own port, and then talks to itself.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const port = FROM + Math.floor(Math.random() * (TO - FROM));
    if (await isFree(port)) return port;
  }
  throw new Error(`No free port between ${FROM} and ${TO} in ${TRIES_MAX} tries.`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  const free = await once(server, 'listening').then(() => true, () => false);
  if (free) await new Promise((resolve) => server.close(resolve));
  return free;
}
