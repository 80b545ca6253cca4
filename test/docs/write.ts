import { readFileSync, writeFileSync } from 'node:fs';
import { defaultConfig, fillIn, readmeSections } from './sections.ts';
import { asyncApi } from './topics.ts';

/** `npm run docs`: writes all that is made from the source into README.md, config/ and schemas/. */
const readme = new URL('../../README.md', import.meta.url);
writeFileSync(readme, fillIn(readFileSync(readme, 'utf8'), await readmeSections()));
writeFileSync(new URL('../../config/default.json', import.meta.url), defaultConfig());
writeFileSync(new URL('../../schemas/asyncapi.json', import.meta.url), asyncApi());
