import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { emptyFolder, npm, PROJECT, removeFolders } from './package.ts';

/**
 * `npm run sbom`: prints what is shipped as CycloneDX. Not by `npm sbom --omit dev`, which leaves out all that a
 * developer's package needs, too, be it shipped or not: it is asked where developers need nothing.
 */
const folder = emptyFolder();
const manifest = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')) as Record<string, unknown>;
delete manifest['devDependencies'];
writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
cpSync(join(PROJECT, 'package-lock.json'), join(folder, 'package-lock.json'));
await npm(folder, 'install', '--package-lock-only', '--ignore-scripts', '--offline');
console.log(await npm(folder, 'sbom', '--package-lock-only', '--sbom-format', 'cyclonedx'));
removeFolders();
