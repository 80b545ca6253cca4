import { unwatchFile, watchFile } from 'node:fs';
import type { Logger } from 'pino';
import { loadConfig, type Config } from '../config.ts';
import { createConnector, type Connector } from '../connector.ts';
import { ConnectorError } from '../errors.ts';
import { serveHttp } from '../observe/http.ts';
import { createLogger, logEvent } from '../observe/log.ts';
import { MemorySink } from '../sink/memory.ts';

export interface RunArguments {
  readonly config: readonly string[];
  readonly dryRun: boolean;
}

/** A dry run touches no bus, so it asks for none, and it may run beside a real one; what is set counts nevertheless. */
const NO_BUS = { kafka: { brokers: ['none:0'] }, registry: { url: 'http://none' }, http: { port: 0 } };

/**
 * Tails 8x8 until `signal` aborts. A dry run prints the events as JSON lines instead of publishing them.
 *
 * At the start every error ends it, so that a mistake is seen at once; from then on it heals what can heal.
 */
export async function run(
  args: RunArguments,
  signal: AbortSignal,
  print: (line: string) => void,
): Promise<void> {
  const config = loadConfig(args.config, undefined, args.dryRun ? NO_BUS : {});
  const log = createLogger(config.log.level);
  const connector = createConnector({
    config,
    listen: (event) => logEvent(log, event),
    onSinkLog: (message) => log.debug(message),
    ...(args.dryRun ? { sink: printingSink(print) } : {}),
  });
  const server = await serve(config, connector);
  log.info({ http: server.url, connector: config.connector.name, feeds: connector.feeds.length }, 'starting');
  try {
    await connector.check(signal);
    onChange(args.config, signal, () => reload(args, connector, log));
    await connector.run(signal);
    log.info('stopped');
  } finally {
    await server.close();
  }
}

/** How soon a changed file is noticed. By its times, for editors and orchestrators put another file in its place. */
const LOOK_EVERY_MS = 2_000;

/** Calls `act` when one of the files changes, and on SIGHUP, until `signal` aborts. */
function onChange(files: readonly string[], signal: AbortSignal, act: () => void): void {
  process.on('SIGHUP', act);
  for (const file of files) watchFile(file, { interval: LOOK_EVERY_MS }, act);
  signal.addEventListener('abort', () => {
    process.off('SIGHUP', act);
    for (const file of files) unwatchFile(file, act);
  }, { once: true });
}

/** What is wrong with the new settings is told, and the connector goes on as it was. */
function reload({ config, dryRun }: RunArguments, connector: Connector, log: Logger): void {
  try {
    const settings = loadConfig(config, undefined, dryRun ? NO_BUS : {});
    const reloaded = connector.reload(settings);
    log.level = settings.log.level;
    log.info(reloaded, 'settings read anew');
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    log.error({ code: error.code }, `settings not applied, all goes on as before: ${error.message}`);
  }
}

function printingSink(print: (line: string) => void): MemorySink {
  return new MemorySink({
    onCommit: ({ events }) => {
      for (const { channel, stream, value } of events) print(JSON.stringify({ channel, stream, ...value }));
    },
  });
}

async function serve(config: Config, connector: ReturnType<typeof createConnector>): ReturnType<typeof serveHttp> {
  const { http, httpToken } = config;
  const { metrics: registry, health, overview, obey } = connector;
  const signals = obey === undefined || httpToken() === '' ? undefined : { token: httpToken, obey };
  try {
    return await serveHttp({ ...http, registry, health, overview, signals });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const problem = `cannot listen on ${http.host}:${http.port} (${code}); set another, or 0`;
    throw new ConnectorError('CONFIG_INVALID', `HTTP_PORT: ${problem}`);
  }
}
