import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export const PROJECT = new URL('../../', import.meta.url).pathname;

export const { name: NAME, version: VERSION, dependencies, devDependencies } =
  JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')) as {
    readonly name: string;
    readonly version: string;
    readonly dependencies: Readonly<Record<string, string>>;
    readonly devDependencies: Readonly<Record<string, string>>;
  };

/** What `npm pack` needs. The test folder is not among it, so nothing that is shipped can need that. */
const PACKED_FROM = ['package.json', 'README.md', 'LICENSE', 'tsconfig.json', 'tsconfig.build.json', 'src', 'schemas',
  'config'];

const execute = promisify(execFile);

/** Folders of a test file, which go when it ends. */
const folders: string[] = [];

export function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ship-'));
  folders.push(folder);
  return folder;
}

export function removeFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** The package as one would publish it. */
export interface Tarball {
  readonly path: string;
  readonly sha256: string;
  /** Bytes, packed. */
  readonly size: number;
  readonly files: readonly string[];
}

/** Packs the project as it is, built in a folder of its own: what lies about in `dist` plays no part. */
export async function pack(): Promise<Tarball> {
  const project = emptyFolder();
  for (const name of PACKED_FROM) cpSync(join(PROJECT, name), join(project, name), { recursive: true });
  symlinkSync(join(PROJECT, 'node_modules'), join(project, 'node_modules'));
  await npm(project, 'pack', '--silent');
  const path = join(project, `${NAME}-${VERSION}.tgz`);
  const bytes = readFileSync(path);
  const { stdout } = await execute('tar', ['-tzf', path]);
  const files = stdout.trim().split('\n').map((file) => file.replace(/^package\//, '')).sort();
  return { path, sha256: createHash('sha256').update(bytes).digest('hex'), size: bytes.length, files };
}

/** Installs a tarball where nothing else is, without what only developers need. Resolves to the folder. */
export async function install({ path }: Tarball): Promise<string> {
  const folder = emptyFolder();
  await npm(folder, 'install', '--omit=dev', '--ignore-scripts', '--prefer-offline', '--no-audit', path);
  return folder;
}

/** @throws Error with what npm has said. */
export async function npm(cwd: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await execute('npm', args, { cwd, maxBuffer: 64 * 1_024 * 1_024 });
  return stdout;
}
