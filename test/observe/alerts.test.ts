import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Metric } from 'prom-client';
import { parse } from 'yaml';
import { ConnectorError, reactionTo, type ErrorCode } from '../../src/errors.ts';
import { createMetrics } from '../../src/observe/metrics.ts';
import { namesIn } from './promql.ts';

// Goal: what Prometheus and Grafana ask for is there, and each alert is worth its name. Method: the rules' own tool,
// and a comparison of all names with the registry, the runbook and the tests.

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string; readonly runbook_url: string };
}

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

interface RuleTest {
  readonly alert_rule_test: readonly { readonly alertname: string; readonly exp_alerts: readonly object[] }[];
}

const text = (path: string): string => readFileSync(path, 'utf8');
const { groups } = parse(text('config/prometheus/alerts.yml')) as { groups: readonly { rules: readonly Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);
const runbook = text('config/prometheus/README.md');
const dashboard = JSON.parse(text('config/grafana/dashboards/connector.json')) as {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly definition: string }[] };
  readonly annotations: { readonly list: readonly { readonly expr: string }[] };
};
const panels = dashboard.panels.filter(({ targets }) => targets !== undefined);
const folder = mkdtempSync(join(tmpdir(), 'rules-'));
after(() => rmSync(folder, { recursive: true }));

function promtool(...args: readonly string[]): string {
  try {
    return execFileSync('promtool', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { code, stdout, stderr } = error as NodeJS.ErrnoException & { stdout?: string; stderr?: string };
    const missing = 'promtool is missing: it comes with Prometheus, on Debian "apt-get install prometheus"';
    return assert.fail(code === 'ENOENT' ? missing : `${stdout}${stderr}`);
  }
}

const registry = createMetrics(() => 0).registry;

/** Labels that a series has: those of its metric, of a histogram's buckets, and those that Prometheus adds. */
function labelsOf(name: string): readonly string[] | undefined {
  if (name === 'up') return ['job', 'instance'];
  if (name === 'ALERTS') return ['alertname', 'alertstate', 'job', 'instance'];
  const [, base = name, part] = /^(.*)_(bucket|count|sum)$/.exec(name) ?? [];
  const metric = registry.getSingleMetric(part === undefined ? name : base) as
    (Metric & { readonly labelNames: readonly string[] }) | undefined;
  if (metric === undefined) return undefined;
  return ['job', 'instance', ...metric.labelNames, ...(part === 'bucket' ? ['le'] : [])];
}

/** What is wrong with the names of a query. */
function problemsOf(query: string): readonly string[] {
  const { metrics, labels, values } = namesIn(query);
  const known = new Set(metrics.flatMap((name) => labelsOf(name) ?? []));
  return [
    ...metrics.filter((name) => labelsOf(name) === undefined).map((name) => `there is no metric ${name}`),
    ...labels.filter((label) => !known.has(label)).map((label) => `no metric of it has a label ${label}`),
    ...values.filter(([label, value]) => label === 'code'
      && (reactionTo(new ConnectorError(value as ErrorCode, '')) as string | undefined) === undefined)
      .map(([, code]) => `there is no error ${code}`),
    ...(metrics.length === 0 ? ['it asks for nothing'] : []),
  ];
}

test('promtool takes the rules and the settings of Prometheus', () => {
  promtool('check', 'rules', 'config/prometheus/alerts.yml');
  promtool('check', 'config', 'config/prometheus/prometheus.yml');
});

test('each alert fires when it should, and only then', () => {
  promtool('test', 'rules', 'test/observe/alerts.test.yml');
});

for (const { alert, expr, labels, annotations } of rules) {
  test(`${alert}: its metrics, its text, its runbook and its tests are there`, () => {
    assert.deepEqual(problemsOf(expr), []);
    assert.ok(['critical', 'warning', 'info'].includes(labels.severity));
    assert.ok(annotations.summary.length > 10 && annotations.description.length > 20);

    const [path, anchor] = annotations.runbook_url.split('#');
    const section = runbook.split(/^## /m).find((one) => one.startsWith(`${alert}\n`)) ?? '';
    assert.deepEqual([path, anchor], ['config/prometheus/README.md', alert.toLowerCase()]);
    for (const part of ['**Means:**', '**Look:**', '**Cure:**']) assert.ok(section.includes(part), part);

    const { tests } = parse(text('test/observe/alerts.test.yml')) as { tests: readonly RuleTest[] };
    const own = tests.flatMap((one) => one.alert_rule_test).filter(({ alertname }) => alertname === alert);
    assert.ok(own.some((one) => one.exp_alerts.length > 0), 'a test in which it fires');
    assert.ok(own.some((one) => one.exp_alerts.length === 0), 'a test in which it does not');
  });
}

test('the runbook knows no other alerts', () => {
  const sections = [...runbook.matchAll(/^## (.+)$/gm)].map(([, name]) => name);
  assert.deepEqual(sections, rules.map(({ alert }) => alert));
});

test('the dashboard asks for what is there, in words that Prometheus understands', () => {
  const queries = panels.flatMap(({ title, targets }) => targets!.map(({ expr }) => ({ title, expr })));
  assert.ok(queries.length > 30);
  for (const { title, expr } of queries) {
    assert.deepEqual(problemsOf(expr), [], title);
    assert.match(expr, /job="\$job"/, `${title}: of one connector`);
  }
  const of = (expr: string): string => expr.replaceAll('$__rate_interval', '5m').replaceAll(/\$(job|pbx)/g, 'x');
  const file = join(folder, 'dashboard.yml');
  const asRules = queries.map(({ expr }, index) => ({ record: `query:${index}`, expr: of(expr) }));
  writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules: asRules }] }));
  promtool('check', 'rules', file);
});

test('the choices and marks of the dashboard are of metrics that are there', () => {
  for (const { definition } of dashboard.templating.list) {
    const [, series, label] = /^label_values\((.+), (\w+)\)$/.exec(definition) ?? [];
    assert.deepEqual(problemsOf(`sum by (${label}) (${series})`), []);
  }
  for (const { expr } of dashboard.annotations.list) assert.deepEqual(problemsOf(expr), []);
});

test('every metric of ours that tells of trouble or load is on the dashboard or in an alert', () => {
  const asked = new Set([...panels.flatMap(({ targets }) => targets!), ...rules]
    .flatMap(({ expr }) => namesIn(expr).metrics).map((name) => name.replace(/_(bucket|count|sum)$/, '')));
  const ours = registry.getMetricsAsArray().map(({ name }) => name).filter((name) => name.startsWith('connector_'));
  const unasked = ours.filter((name) => !asked.has(name));
  // The rest tells the same in another way, or of what a person has done.
  const rest = ['pages_total', 'rows_total', 'watermark_seconds', 'signals_total'].map((name) => `connector_${name}`);
  assert.deepEqual(unasked.toSorted(), rest.toSorted());
});

const wrong = [
  ['connector_rows', 'there is no metric connector_rows'],
  ['connector_rows_total{feed="x"}', 'no metric of it has a label feed'],
  ['sum by (code) (connector_rows_total)', 'no metric of it has a label code'],
  ['rate(connector_rows_total[5m]) / nothing', 'there is no metric nothing'],
  ['connector_feed_failing{code=~"SOURCE_REFUSED|REFUSED"}', 'there is no error REFUSED'],
  ['vector(1)', 'it asks for nothing'],
] as const;
for (const [query, problem] of wrong) {
  test(`a query that names what is not there is noticed: ${query}`, () => {
    assert.deepEqual(problemsOf(query), [problem]);
  });
}

test('compose starts Prometheus and Grafana with these files, and every image is pinned', () => {
  const compose = parse(text('docker-compose.yml'), { merge: true }) as {
    readonly services: Readonly<Record<string, {
      readonly image?: string;
      readonly build?: string;
      readonly volumes?: readonly string[];
      readonly depends_on?: Readonly<Record<string, unknown>>;
    }>>;
  };
  const services = Object.entries(compose.services);
  for (const [name, { image, build, volumes = [], depends_on: needs = {} }] of services) {
    assert.ok(build === '.' || /:v?\d+\.\d+\.\d+[\w.]*$/.test(image ?? ''), `${name}: ${image}`);
    for (const volume of volumes) assert.ok(readdirSync(volume.split(':')[0]!).length > 0, volume);
    for (const other of Object.keys(needs)) assert.ok(other in compose.services, other);
  }
  const [{ url }] = (parse(text('config/grafana/provisioning/datasources/prometheus.yml')) as
    { datasources: readonly [{ url: string }] }).datasources;
  assert.ok(new URL(url).hostname in compose.services);
  const { scrape_configs: [job] } = parse(text('config/prometheus/prometheus.yml')) as
    { scrape_configs: readonly [{ job_name: string; dns_sd_configs: readonly [object] }] };
  const [where] = job.dns_sd_configs;
  assert.equal(job.job_name, '8x8-connector');
  assert.deepEqual(where, { names: ['connector'], type: 'A', port: 9464, refresh_interval: '5s' });
});
