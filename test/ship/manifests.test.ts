import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { DCLinter } from 'dclint';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config.ts';
import { problemsOf, readManifests, type Manifest } from './manifests.ts';
import { emptyFolder, PROJECT, removeFolders, VERSION } from './package.ts';

// Goal: what is given to Kubernetes, Docker and systemd is what they take, and is as strict as the README says.

after(removeFolders);

const manifests = readManifests('connector.yaml');
const find = (kind: string) => manifests.find((manifest) => manifest.kind === kind)!;

interface Pod {
  readonly securityContext: object;
  readonly volumes: readonly object[];
  readonly containers: readonly Container[];
}

interface Container {
  readonly image: string;
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly securityContext: object;
  readonly volumeMounts: readonly { readonly mountPath: string }[];
  readonly [probe: `${string}Probe`]: { readonly httpGet: { readonly path: string } };
}

const pod = (find('Deployment').spec as { readonly template: { readonly spec: Pod } }).template.spec;
const container = pod.containers[0]!;

test('Kubernetes takes every manifest, and knows every name in them', () => {
  assert.deepEqual(problemsOf(manifests), []);
});

test('a name that Kubernetes does not know, and a value of another kind, are seen', () => {
  const bad = (change: Manifest['spec']): Manifest => ({ ...find('PodDisruptionBudget'), spec: change });
  assert.match(problemsOf([bad({ minAvailble: 1 })]).join(), /minAvailble/);
  assert.match(problemsOf([bad({ unhealthyPodEvictionPolicy: 'Sometimes' })]).join(), /Sometimes/);
});

test('a connector on Kubernetes may do nothing that it does not need', () => {
  assert.deepEqual(pod.securityContext, {
    runAsNonRoot: true, runAsUser: 1000, runAsGroup: 1000, fsGroup: 1000, seccompProfile: { type: 'RuntimeDefault' },
  });
  assert.deepEqual(container.securityContext, {
    allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] },
  });
  assert.equal(container.image.split(':')[1], VERSION);
});

test('probes on Kubernetes ask for what the connector serves', () => {
  const served = readFileSync(join(PROJECT, 'src/observe/http.ts'), 'utf8');
  for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'] as const) {
    assert.ok(served.includes(`'${container[probe]!.httpGet.path}': health.`), probe);
  }
});

test('settings on Kubernetes are settings, and what they name is where Node may read it', () => {
  const { data } = find('ConfigMap') as unknown as { readonly data: Readonly<Record<string, string>> };
  const folder = emptyFolder();
  const file = join(folder, 'settings.json');
  writeFileSync(file, data['settings.json']!);
  const secret = join(folder, 'secret');
  writeFileSync(secret, 'x');
  const env = Object.fromEntries(container.env.map(({ name }) => [name, secret]));
  assert.deepEqual(loadConfig([file], env).source.pbxIds, ['acmepbx']);
  const readable = /^\/(config|run\/secrets)(\/|$)/;
  for (const { mountPath } of container.volumeMounts) assert.match(mountPath, readable);
  for (const { value } of container.env) assert.match(value, readable);
});

test('the monitor of Prometheus finds the service', () => {
  const [monitor] = readManifests('service-monitor.yaml');
  const { selector, endpoints } = monitor!.spec as unknown as {
    readonly selector: { readonly matchLabels: object };
    readonly endpoints: readonly { readonly port: string }[];
  };
  const service = find('Service') as unknown as { metadata: { labels: object }; spec: { ports: { name: string }[] } };
  assert.deepEqual(selector.matchLabels, service.metadata.labels);
  assert.equal(endpoints[0]!.port, service.spec.ports[0]!.name);
});

/** As far as it is needed; the types that dclint brings cannot be found by the compiler. */
interface Linted {
  readonly messages: readonly { readonly type: string; readonly line: number; readonly message: string }[];
}

test('Docker Compose takes docker-compose.yml', () => {
  const mistakes = (file: string): readonly string[] => {
    const results: readonly Linted[] = new DCLinter({ rules: {}, quiet: true, debug: false, exclude: [] })
      .lintFiles([file], false);
    return results.flatMap(({ messages }) => messages).filter(({ type }) => type === 'error')
      .map(({ line, message }) => `line ${line}: ${message}`);
  };
  const good = join(PROJECT, 'docker-compose.yml');
  assert.deepEqual(mistakes(good), []);
  const bad = join(emptyFolder(), 'docker-compose.yml');
  writeFileSync(bad, readFileSync(good, 'utf8').replace('stop_grace_period', 'stop_grace_periode'));
  assert.match(mistakes(bad).join(), /services\/connector.*additional/);
});

test('with Docker Compose two connectors run, and what is ours may do nothing that it does not need', () => {
  interface Service {
    readonly build?: string;
    readonly image?: string;
    readonly deploy?: { readonly replicas: number };
    readonly [right: string]: unknown;
  }
  const text = readFileSync(join(PROJECT, 'docker-compose.yml'), 'utf8');
  const { services } = parse(text, { merge: true }) as { readonly services: Readonly<Record<string, Service>> };
  assert.equal(services['connector']!.deploy!.replicas, 2);
  for (const [name, service] of Object.entries(services)) {
    if (service.build === undefined) {
      assert.match(service.image!, /:v?\d+\.\d+/, `${name} is of a version`);
      continue;
    }
    const { read_only: readOnly, cap_drop: dropped, security_opt: options } = service;
    assert.deepEqual([readOnly, dropped, options], [true, ['ALL'], ['no-new-privileges:true']], name);
  }
});

const EXPOSURE_MAX = 20; // of 100; what is not protected at all has 96

test('systemd takes the unit, and calls it well protected', { skip: withoutSystemd() }, async () => {
  const folder = emptyFolder();
  const unit = join(folder, '8x8-connector.service');
  const text = readFileSync(join(PROJECT, 'config/systemd/8x8-connector.service'), 'utf8');
  const analyze = promisify(execFile);
  const verify = async (content: string) => {
    writeFileSync(unit, content);
    const { stderr } = await analyze('systemd-analyze', ['verify', unit]);
    return stderr.split('\n').filter((line) => line.includes('8x8-connector')).join('\n');
  };
  const installed = text.replace('/usr/local/bin/8x8-connector', process.execPath);
  assert.match(await verify(installed.replace('ProtectHome', 'ProtectHomes')), /ProtectHomes/);
  assert.equal(await verify(installed), '');
  await analyze('systemd-analyze', ['security', '--offline=true', `--threshold=${EXPOSURE_MAX}`, unit]);
});

function withoutSystemd(): string | false {
  return existsSync('/usr/bin/systemd-analyze') ? false : 'no systemd-analyze on this machine';
}
