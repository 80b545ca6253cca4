import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { parseAllDocuments } from 'yaml';
import { PROJECT } from './package.ts';

/** What Kubernetes is given. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: Readonly<Record<string, unknown>>;
}

export function readManifests(file: string): readonly Manifest[] {
  const documents = parseAllDocuments(readFileSync(join(PROJECT, 'config/kubernetes', file), 'utf8'));
  return documents.map((document) => document.toJS() as Manifest);
}

/**
 * What Kubernetes would refuse, or pass over without a word, such as a name that it does not know. Method: each
 * manifest is written as TypeScript, and the compiler holds it against types that are made of Kubernetes' own schemas.
 */
export function problemsOf(manifests: readonly Manifest[]): readonly string[] {
  const file = join(PROJECT, 'test/ship/written-manifests.ts'); // in no file system, but packages are found from there
  const text = manifests.map((manifest) => {
    const type = `import('kubernetes-models/${manifest.apiVersion}').I${manifest.kind}`;
    return `export const x${manifests.indexOf(manifest)} = ${JSON.stringify(manifest)} satisfies ${type};`;
  }).join('\n');
  const options: ts.CompilerOptions = {
    module: ts.ModuleKind.NodeNext, strict: true, noEmit: true, skipLibCheck: true, types: [],
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (name) => name === file || fileExists.call(host, name);
  host.getSourceFile = (name, ...rest) =>
    name === file ? ts.createSourceFile(name, text, ts.ScriptTarget.Latest) : getSourceFile.call(host, name, ...rest);
  return ts.getPreEmitDiagnostics(ts.createProgram([file], options, host))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}
