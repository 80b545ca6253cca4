import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { schemasToday } from '../streams/compatibility.ts';

/** `npm version` does this first: keeps the schemas of the version that was released, to be tested against. */
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
const folder = new URL(`../../schemas/released/${version}/`, import.meta.url);
mkdirSync(folder);
for (const [file, schema] of schemasToday()) {
  writeFileSync(new URL(file, folder), `${JSON.stringify(schema, null, 2)}\n`);
}
