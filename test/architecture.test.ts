import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';
import { test } from 'node:test';
import ts from 'typescript';

/**
 * What a place under `src/` may import, the most exact place first: folders and files of `src/`, packages, Node's
 * modules. `types:` allows types alone. A folder may always import from itself. See the table in `src/README.md`.
 */
const mayImport: readonly (readonly [place: string, ...allowed: readonly string[]])[] = [
  ['feed', 'node:crypto'],
  ['streams', 'feed', 'node:crypto'],
  ['source', 'feed', 'streams', 'clock', 'errors', 'span', 'node:dns', 'node:net', 'p-retry', 'undici'],
  ['sink', 'feed', 'streams', 'clock', 'errors', 'span', 'node:crypto', 'node:fs', 'node:https', 'node:net', 'node:tls',
    'node:worker_threads', 'kafkajs', '@kafkajs/confluent-schema-registry', 'avsc', 'p-retry', 'undici'],
  ['doctor', 'feed', 'streams', 'errors', 'source/refusals', 'types:source/work-analytics', 'sink/kafka-rights',
    'types:sink'],
  ['worker', 'feed', 'streams', 'clock', 'errors', 'span', 'types:source/source', 'types:sink/sink'],
  ['observe', 'feed', 'clock', 'errors', 'types:worker', 'node:crypto', 'node:fs', 'node:module', 'node:path',
    'node:stream', 'prom-client', 'pino', 'fastify'],
  ['simulator', 'node:http', 'node:stream', 'fastify'],
  ['clock'],
  ['span', 'errors', '@opentelemetry/api'],
  ['errors'],
  ['settings', 'settings-kafka', 'settings-privacy', 'settings-security', 'settings-units'],
  ['settings-privacy', 'types:convict'],
  ['privacy', 'feed', 'streams', 'node:crypto'],
  ['settings-security', 'types:convict'],
  ['settings-kafka', 'settings-units', 'types:convict'],
  ['settings-units', 'types:convict'],
  ['formats', 'feed', 'streams/index'],
  ['config', 'access', 'errors', 'feed', 'formats', 'privacy', 'settings', 'convict', 'node:fs'],
  ['access', 'types:config', 'clock', 'errors', 'settings', 'sink/secret', 'sink/tls', 'types:sink', 'source/address',
    'types:source/fetch'],
];

/** What may be used in few places only. In the simulator, a world of its own, its clock takes the place of ours. */
const mayUse: readonly (readonly [what: RegExp, ...places: readonly string[]])[] = [
  [/^(Date\.now|new Date\(\)|performance\..*)$/, 'clock', 'simulator/server-clock'],
  [/^(setTimeout|setInterval|setImmediate)$/, 'clock', 'simulator/server-clock', 'main'],
  [/^Math\.random$/, 'connector', 'parts'],
  [/^process\.env$/, 'config'],
  [/^process\.exit$/, 'main'],
  [/^fetch$/, 'source/http', 'source/fetch'],
  [/^globalThis/],
];

/** `feed/` and `streams/` decide; they have no clock, no chance, no process and no environment. */
const impure =
  /^(new Date\(\)$|(Date\.now|performance|Math\.random|process|set(Timeout|Interval|Immediate)|fetch|crypto)\b)/;

/** Tests that live in virtual time, or in none. */
const timeless = /^test\/(feed|streams|worker|world)\//;

const FILE_LINES_MAX = 300;
const LINE_LENGTH_MAX = 120;
const ALLOWED_NAME = /^[a-z0-9]+(-[a-z0-9]+)*(\.test|\.contract)?\.ts$/;
const EMPTY_WORDS = /(^|[/-])(utils?|helpers?|common|lib|misc|shared)([./-]|$)/;

interface SourceFile {
  /** From the root of the project: `src/feed/feed.ts`. */
  readonly path: string;
  readonly text: string;
}

/** Returns what is wrong with a file, a line each. */
type Rule = (file: SourceFile) => readonly string[];

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as
  Readonly<Record<'dependencies' | 'devDependencies', Readonly<Record<string, string>>>>;

const rules = {
  importsWhatItMay(file) {
    const place = placeOf(file.path);
    const allowed = mayImport.find(([of]) => isIn(place, of));
    if (allowed === undefined) return [];
    return importsOf(file)
      .filter(({ target, typesOnly }) => !allowed.some((entry) =>
        isIn(target, entry) || (typesOnly && entry.startsWith('types:') && isIn(target, entry.slice('types:'.length)))))
      .map(({ target, typesOnly }) => `${place} may not import ${target}${typesOnly ? '' : ' (nor its values)'}`);
  },

  usesOnlyWhereAllowed(file) {
    const place = placeOf(file.path);
    if (place === '') return [];
    return usesOf(file)
      .filter((name) => mayUse.some(([what, ...places]) => what.test(name) && !places.some((of) => isIn(place, of))))
      .map((name) => `${name} in ${place}`);
  },

  waitsForNoRealTime(file) {
    if (!timeless.test(file.path)) return [];
    return usesOf(file)
      .filter((name) => /^(Date\.now|new Date\(\)|performance\..*|Math\.random|set(Timeout|Interval))$/.test(name));
  },

  isPureWhereItDecides(file) {
    const place = placeOf(file.path);
    if (!isIn(place, 'feed') && !isIn(place, 'streams')) return [];
    return usesOf(file).filter((name) => impure.test(name)).map((name) => `${name} in ${place}`);
  },

  judgesByItself(file) {
    if (!/^test\/(checker|reader)\//.test(file.path)) return [];
    return importsOf(file)
      .filter(({ from, target }) => target === 'kafkajs' || (from.startsWith('.') && target !== ''))
      .map(({ from }) => `a judge may not import ${from}`);
  },

  importsOnlyDependencies(file) {
    const known = { ...manifest.dependencies, ...(file.path.startsWith('src/') ? {} : manifest.devDependencies) };
    return importsOf(file)
      .filter(({ from }) => !from.startsWith('.') && !from.startsWith('node:') && !(packageOf(from) in known))
      .map(({ from }) => `${from} is not in package.json`);
  },

  importsFilesByTheirWholeName(file) {
    return importsOf(file).filter(({ from }) => from.startsWith('.') && !from.endsWith('.ts')).map(({ from }) => from);
  },

  hasNoDefaultExport(file) {
    return parse(file).statements
      .filter((statement) => ts.isExportAssignment(statement)
        || (ts.canHaveModifiers(statement)
          && statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword)))
      .map(() => 'a default export');
  },

  hasAPlainName({ path }) {
    const names = path.split('/');
    const wrong = names.slice(0, -1).filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name));
    if (!ALLOWED_NAME.test(names.at(-1)!)) wrong.push(names.at(-1)!);
    const empty = EMPTY_WORDS.test(path) ? [`${path} says nothing`] : [];
    return [...wrong.map((name) => `${name} is not kebab-case`), ...empty];
  },

  isShort({ text }) {
    const lines = text.split('\n');
    const long = lines
      .map((line, index) => `line ${index + 1} has ${line.length}`)
      .filter((_, index) => lines[index]!.length > LINE_LENGTH_MAX);
    return lines.length - 1 > FILE_LINES_MAX ? [`${lines.length - 1} lines`, ...long] : long;
  },
} satisfies Record<string, Rule>;

const files = ['src', 'test'].flatMap((root) =>
  readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(root, name.replaceAll('\\', '/')))
    .map((path) => ({ path, text: readFileSync(path, 'utf8') })));

for (const [name, rule] of Object.entries<Rule>(rules)) {
  test(`every file: ${name}`, () => {
    assert.deepEqual(files.flatMap((file) => rule(file).map((problem) => `${file.path}: ${problem}`)), []);
  });
}

// A rule that cannot fail is none. Method: show each what it must not pass, and its good neighbour.
const examples: readonly (readonly [rule: keyof typeof rules, path: string, bad: string, good: string])[] = [
  ['importsWhatItMay', 'src/feed/seen.ts', `import { x } from '../clock.ts';`, `import { x } from './offset.ts';`],
  ['importsWhatItMay', 'src/feed/seen.ts', `import { x } from 'node:fs';`, `import { x } from 'node:crypto';`],
  ['importsWhatItMay', 'src/streams/a.ts', `export * from '../sink/sink.ts';`, `export * from '../feed/feed.ts';`],
  ['importsWhatItMay', 'src/source/page.ts', `import { x } from '../sink/sink.ts';`, `import x from 'p-retry';`],
  ['importsWhatItMay', 'src/source/a.ts', `x(await import('kafkajs'));`, `x(await import('../clock.ts'));`],
  ['importsWhatItMay', 'src/sink/kafka.ts', `import { x } from '../config.ts';`, `import { x } from 'kafkajs';`],
  ['importsWhatItMay', 'src/worker/a.ts', `import '../sink/kafka.ts'`, `import type { X } from '../sink/sink.ts'`],
  ['importsWhatItMay', 'src/worker/a.ts', `import '../sink/sink.ts'`, `import { type X } from '../sink/sink.ts'`],
  ['importsWhatItMay', 'src/worker/a.ts', `import { x } from '../observe/log.ts'`, `import { x } from '../clock.ts'`],
  ['importsWhatItMay', 'src/observe/a.ts', `import x from '../worker/a.ts'`, `import type x from '../worker/a.ts'`],
  ['importsWhatItMay', 'src/simulator/a.ts', `import { x } from '../streams/rows.ts'`, `import { x } from './rows.ts'`],
  ['importsWhatItMay', 'src/errors.ts', `import { x } from './clock.ts';`, ''],
  ['usesOnlyWhereAllowed', 'src/worker/poll.ts', 'const x = Date.now();', '// Date.now()'],
  ['usesOnlyWhereAllowed', 'src/worker/poll.ts', 'setTimeout(act, 5);', `const x = 'setTimeout(act, 5)';`],
  ['usesOnlyWhereAllowed', 'src/sink/kafka.ts', 'const x = new Date();', 'const x = new Date(5);'],
  ['usesOnlyWhereAllowed', 'src/worker/worker.ts', 'const x = Math.random;', 'const x = Math.min;'],
  ['usesOnlyWhereAllowed', 'src/source/http.ts', `const x = process.env['HOME'];`, 'fetch(url);'],
  ['usesOnlyWhereAllowed', 'src/cli/run.ts', 'loadConfig([], { ...process.env });', 'loadConfig([]);'],
  ['usesOnlyWhereAllowed', 'src/cli/run.ts', 'process.exit(1);', ''],
  ['usesOnlyWhereAllowed', 'src/source/token.ts', 'fetch(url);', 'http.fetch(url);'],
  ['usesOnlyWhereAllowed', 'src/source/token.ts', 'globalThis.fetch(url);', ''],
  ['waitsForNoRealTime', 'test/world/world.ts', 'setTimeout(act, 5);', 'time.after(5, act);'],
  ['waitsForNoRealTime', 'test/feed/seen.test.ts', 'const x = Date.now();', 'const x = Date.parse(text);'],
  ['isPureWhereItDecides', 'src/feed/seen.ts', 'process.stdout.write("x");', ''],
  ['isPureWhereItDecides', 'src/streams/rows.ts', 'const x = Math.random();', 'const x = Math.max(1, 2);'],
  ['isPureWhereItDecides', 'src/streams/rows.ts', 'const x = new Date();', 'const x = Date.parse(text);'],
  ['judgesByItself', 'test/checker/loss.ts', `import { x } from '../../src/feed/seen.ts';`,
    `import { x } from '../reader/topics.ts';`],
  ['judgesByItself', 'test/reader/topics.ts', `import { Kafka } from 'kafkajs';`, `import { x } from './avro.ts';`],
  ['importsOnlyDependencies', 'src/cli/run.ts', `import x from 'left-pad';`, `import x from 'commander';`],
  ['importsOnlyDependencies', 'src/cli/run.ts', `import x from 'fast-check';`, `import x from 'node:fs';`],
  ['importsOnlyDependencies', 'test/a.test.ts', `import x from 'chai/register';`, `import x from 'fast-check';`],
  ['importsFilesByTheirWholeName', 'src/cli/run.ts', `import x from '../clock';`, `import x from '../clock.ts';`],
  ['hasNoDefaultExport', 'src/cli/run.ts', 'export default 5;', 'export const x = 5;'],
  ['hasNoDefaultExport', 'src/cli/run.ts', 'export default function x() {}', 'export function x() {}'],
  ['isShort', 'src/cli/run.ts', 'x\n'.repeat(301), 'x\n'.repeat(300)],
  ['isShort', 'src/cli/run.ts', 'x'.repeat(121), 'x'.repeat(120)],
];
for (const [name, path, bad, good] of examples) {
  test(`${name} refuses ${JSON.stringify(bad.slice(0, 48))} in ${path}`, () => {
    assert.equal(rules[name]({ path, text: bad }).length > 0, true);
    assert.deepEqual(rules[name]({ path, text: good }), []);
  });
}

for (const path of [
  'src/feed/Seen.ts', 'src/feed/seen_keys.ts', 'src/Feed/seen.ts',
  'src/utils/text.ts', 'src/feed/text-helper.ts', 'src/lib.ts',
]) {
  test(`hasAPlainName refuses ${path}`, () => assert.notDeepEqual(rules.hasAPlainName({ path, text: '' }), []));
}

/** `src/feed/seen.ts` -> `feed/seen`; a file outside `src/` is nowhere. */
function placeOf(path: string): string {
  return path.startsWith('src/') ? path.slice('src/'.length).replace(/\.ts$/, '') : '';
}

/** Whether a place is a folder or file, or lies in it. */
function isIn(place: string, folder: string): boolean {
  return place === folder || place.startsWith(`${folder}/`);
}

function packageOf(from: string): string {
  return from.split('/').slice(0, from.startsWith('@') ? 2 : 1).join('/');
}

function parse({ path, text }: SourceFile): ts.SourceFile {
  return ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
}

interface Import {
  readonly from: string;
  /** The place in `src/`, or the package. */
  readonly target: string;
  readonly typesOnly: boolean;
}

function importsOf(file: SourceFile): readonly Import[] {
  const found: Import[] = [];
  const add = (specifier: ts.Node | undefined, typesOnly: boolean): void => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
    const from = specifier.text;
    const target = from.startsWith('.') ? placeOf(join(dirname(file.path), from)) : from;
    if (dirname(file.path) !== 'src' && isIn(target, placeOf(`${dirname(file.path)}.ts`))) return;
    found.push({ from, target, typesOnly });
  };
  visit(parse(file), (node) => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypesOnly(node.importClause));
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], false);
    }
  });
  return found;
}

function isTypesOnly(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const { name, namedBindings } = clause;
  return name === undefined && namedBindings !== undefined && ts.isNamedImports(namedBindings)
    && namedBindings.elements.every(({ isTypeOnly }) => isTypeOnly);
}

/**
 * Every free name and every chain that begins with one, as it is written, free of comments: `Date.now`,
 * `new Date()`, `fetch`.
 */
function usesOf(file: SourceFile): readonly string[] {
  const found: string[] = [];
  visit(parse(file), (node) => {
    if (ts.isNewExpression(node) && node.arguments?.length === 0) found.push(`new ${node.expression.getText()}()`);
    if (!ts.isPropertyAccessExpression(node) && !ts.isIdentifier(node)) return;
    const { parent } = node;
    if (ts.isPropertyAccessExpression(parent) && parent.name === node) return;
    if (ts.isPropertyAssignment(parent) && parent.name === node) return;
    found.push(node.getText().replace(/\s/g, ''));
  });
  return found;
}

function visit(node: ts.Node, see: (node: ts.Node) => void): void {
  see(node);
  ts.forEachChild(node, (child) => visit(child, see));
}
