import { readFileSync, writeFileSync } from 'node:fs';
import { defaultConfig, fillIn, readmeSections } from './sections.ts';

/** `npm run docs`: writes all that is made from the source into README.md and config/. */
const readme = new URL('../../README.md', import.meta.url);
writeFileSync(readme, fillIn(readFileSync(readme, 'utf8'), await readmeSections()));
writeFileSync(new URL('../../config/default.json', import.meta.url), defaultConfig());
