import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { DockerfileParser, type Copy, type Instruction } from 'dockerfile-ast';
import { emptyFolder, PROJECT } from './package.ts';
import type { Program } from './program.ts';

export const DOCKERFILE = readFileSync(join(PROJECT, 'Dockerfile'), 'utf8');

/** What a Dockerfile makes, as far as folders can show it. */
export interface Image {
  readonly program: Program;
  readonly env: Readonly<Record<string, string>>;
  readonly user: string;
  readonly bases: readonly string[];
  readonly healthcheck: readonly string[];
}

interface Stage {
  /** The folder that stands for `/`. */
  readonly root: string;
  readonly env: Record<string, string>;
  cwd: string;
  user: string;
  entrypoint: readonly string[];
  healthcheck: readonly string[];
}

/**
 * Goes through the steps of the Dockerfile without Docker: a folder stands for the file system of each stage, this
 * machine's Node for the image's, and only what .dockerignore lets through can be copied. Users, and what the base
 * image has, it cannot show.
 */
export async function buildInFolders(): Promise<Image> {
  const context = contextOf(readFileSync(join(PROJECT, '.dockerignore'), 'utf8'));
  const stages = new Map<string, Stage>();
  const bases: string[] = [];
  for (const step of DockerfileParser.parse(DOCKERFILE).getInstructions()) {
    const words = step.getArguments().map((argument) => argument.getValue());
    if (step.getKeyword() !== 'FROM') {
      await take(step, [...stages.values()].at(-1)!, { context, stages });
      continue;
    }
    bases.push(words[0]!);
    stages.set(words[2] ?? 'last', { root: emptyFolder(), env: {}, cwd: '/', user: 'root', entrypoint: [],
      healthcheck: [] });
  }
  const { root, env, cwd, user, entrypoint, healthcheck } = [...stages.values()].at(-1)!;
  const [file, ...args] = entrypoint.map((word) => word.replace(/^(--allow-fs-\w+=)\/app/, `$1${join(root, '/app')}`));
  return { program: { file: file!, args, cwd: join(root, cwd) }, env, user, bases, healthcheck };
}

interface Sources {
  readonly context: string;
  readonly stages: ReadonlyMap<string, Stage>;
}

async function take(step: Instruction, stage: Stage, sources: Sources): Promise<void> {
  const words = step.getArguments().map((argument) => argument.getValue());
  const text = step.getArgumentsContent() ?? '';
  switch (step.getKeyword()) {
    case 'WORKDIR':
      stage.cwd = words[0]!;
      return void mkdirSync(join(stage.root, stage.cwd), { recursive: true });
    case 'COPY':
      return copy(step as Copy, stage, sources);
    case 'RUN':
      // It runs here, not in an image: nothing outside its folder may be meant.
      if (/(^|[\s=])\//.test(text)) throw new Error(`an absolute path in RUN ${text}`);
      return void await promisify(execFile)('sh', ['-c', text], { cwd: join(stage.root, stage.cwd) });
    case 'ENV':
      for (const word of words) stage.env[word.split('=', 1)[0]!] = word.slice(word.indexOf('=') + 1);
      return;
    case 'USER':
      stage.user = words[0]!;
      return;
    case 'ENTRYPOINT':
      stage.entrypoint = listOf(text);
      return;
    case 'HEALTHCHECK':
      stage.healthcheck = listOf(text.slice(text.indexOf('[')));
      return;
    case 'ARG': // none is given
    case 'EXPOSE':
    case 'CMD':
      return;
    default:
      throw new Error(`nobody here knows ${step.getKeyword()}`);
  }
}

/** The form with brackets is JSON, once lines are joined. */
function listOf(text: string): readonly string[] {
  return JSON.parse(text.replaceAll('\\\n', '')) as string[];
}

function copy(step: Copy, { root, cwd }: Stage, { context, stages }: Sources): void {
  const from = step.getFromFlag()?.getValue();
  const names = step.getArguments().map((argument) => argument.getValue());
  const to = names.pop()!;
  for (const name of names) {
    const source = join(from == null ? context : stages.get(from)!.root, name);
    cpSync(source, join(root, cwd, to.endsWith('/') ? join(to, basename(name)) : to), { recursive: true });
  }
}

/** What is sent to Docker: here all is left out, but for what `!` lets in. */
function contextOf(ignore: string): string {
  const context = emptyFolder();
  for (const line of ignore.split('\n').filter((entry) => entry.startsWith('!'))) {
    cpSync(join(PROJECT, line.slice(1)), join(context, line.slice(1)), { recursive: true });
  }
  return context;
}
