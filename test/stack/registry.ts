import type { Jars } from './jars.ts';
import { freePort } from './port.ts';
import { Server } from './server.ts';

export interface Registry {
  /** As Confluent's clients want it, with the path of Apicurio's compatible API. */
  readonly url: string;
  remove(): Promise<void>;
}

export async function startRegistry(jars: Jars): Promise<Registry> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/apis/ccompat/v7`;
  const server = await Server.create('registry', async () => [
    '-Xmx384m',
    '-Dquarkus.http.host=127.0.0.1',
    `-Dquarkus.http.port=${port}`,
    '-cp',
    jars.registryClasspath,
    'io.quarkus.runner.GeneratedMain',
  ]);
  try {
    await server.start(() => answers(url));
    await checkCompatibility(url);
  } catch (error) {
    await server.remove();
    throw error;
  }
  return { url, remove: () => server.remove() };
}

async function answers(url: string): Promise<boolean> {
  const asked = fetch(`${url}/subjects`, { signal: AbortSignal.timeout(2_000) });
  return asked.then((response) => response.ok, () => false);
}

/** Apicurio accepts any schema until it is told otherwise; Confluent's registry begins with BACKWARD. */
async function checkCompatibility(url: string): Promise<void> {
  const response = await fetch(`${url}/config`, {
    method: 'PUT',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ compatibility: 'BACKWARD' }),
    signal: AbortSignal.timeout(10_000),
  });
  if (!response.ok) throw new Error(`The registry refused its compatibility level: ${await response.text()}`);
}
