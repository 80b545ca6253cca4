import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../stack/port.ts';

/** A Prometheus that watches a connector with the project's own rules. */
export interface Prometheus {
  /** Names of the alerts that fire now. */
  firing(): Promise<ReadonlySet<string>>;
  /** Resolves when `holds` does. */
  until(what: string, holds: (firing: ReadonlySet<string>) => boolean): Promise<void>;
  stop(): Promise<void>;
}

/** A minute of the rules is half a second here, so that nobody waits for a quarter of an hour. */
const MINUTE_MS = 500;
const MINUTES = { m: 1, h: 60, d: 1_440 } as const;
const WAIT_MAX_MS = 60_000;

/** @param target `http://host:port` of the connector */
export async function startPrometheus(target: string): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), 'prometheus-'));
  const rules = readFileSync('config/prometheus/alerts.yml', 'utf8')
    .replace(/(for: |\[)(\d+)([mhd])/g, (_, before: string, count: string, unit: keyof typeof MINUTES) =>
      `${before}${Number(count) * MINUTES[unit] * MINUTE_MS}ms`);
  writeFileSync(join(folder, 'alerts.yml'), rules);
  const settings = readFileSync('config/prometheus/prometheus.yml', 'utf8')
    .replaceAll('interval: 15s', `interval: ${MINUTE_MS}ms`)
    .replace(/dns_sd_configs: .*/, `static_configs: [{ targets: ['${new URL(target).host}'] }]`);
  writeFileSync(join(folder, 'prometheus.yml'), settings);

  const port = await freePort();
  const child = spawn('prometheus', [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`,
    `--web.listen-address=127.0.0.1:${port}`, '--log.level=error'], { stdio: 'ignore' });
  const end = (): void => void child.kill('SIGKILL');
  process.on('exit', end);
  const ended = once(child, 'exit').catch(() => undefined);
  const missing = once(child, 'error').then(() => {
    throw new Error('prometheus is missing: on Debian "apt-get install prometheus"');
  });
  missing.catch(() => undefined);

  const firing = async (): Promise<ReadonlySet<string>> => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/alerts`);
    const { data } = await answer.json() as
      { data: { alerts: readonly { state: string; labels: { alertname: string } }[] } };
    return new Set(data.alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels.alertname));
  };
  const until: Prometheus['until'] = async (what, holds) => {
    const startedMs = Date.now();
    let last: ReadonlySet<string> | undefined;
    while (Date.now() < startedMs + WAIT_MAX_MS) {
      last = await Promise.race([missing, firing().catch(() => undefined)]); // it may be starting
      if (last !== undefined && holds(last)) return;
      await sleep(200);
    }
    throw new Error(`not in ${WAIT_MAX_MS} ms: ${what}; firing: ${last && [...last].join()}`);
  };
  return {
    firing,
    until,
    async stop() {
      process.off('exit', end);
      end();
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
