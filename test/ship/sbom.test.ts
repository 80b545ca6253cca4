import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dependencies, devDependencies, NAME, npm, PROJECT, VERSION } from './package.ts';

interface Sbom {
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
}

interface Component {
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly licenses?: readonly unknown[];
}

test('npm run sbom lists what is shipped, by its version and licence, and nothing else', async () => {
  const { bomFormat, specVersion, metadata, components } = JSON.parse(await npm(PROJECT, 'run', '--silent', 'sbom')) as
    Sbom;
  assert.equal(bomFormat, 'CycloneDX');
  assert.match(specVersion, /^1\.\d$/);
  assert.equal(metadata.component.purl, `pkg:npm/${NAME}@${VERSION}`);
  const purls = new Set(components.map(({ purl }) => purl));
  const purlOf = (name: string, version: string): string => `pkg:npm/${name.replace('@', '%40')}@${version}`;
  const entries = Object.entries(dependencies);
  assert.deepEqual(entries.map(([name, version]) => purlOf(name, version)).filter((purl) => !purls.has(purl)), []);
  const names = components.map(({ name }) => name);
  const developers = ['typescript', 'eslint', 'fast-check', 'node', 'kubernetes-models'];
  assert.deepEqual(developers.filter((name) => name in devDependencies && names.includes(name)), []);
  const unsaid = components.filter(({ licenses = [] }) => licenses.length === 0).map(({ name }) => name);
  assert.deepEqual(unsaid, ['@kafkajs/confluent-schema-registry'], 'it has its licence, MIT, in a file alone');
});
