import { readFileSync } from 'node:fs';
import { invalid } from '../errors.ts';

/** A secret as plain data, for the publishing thread gets a copy: its value, or the file that holds it. */
export type Secret = { readonly setting: string } & ({ readonly value: string } | { readonly file: string });

/** A file is read each time, so that what has been rotated counts from the next login on. @throws CONFIG_INVALID */
export function readSecret(secret: Secret): string {
  if ('value' in secret) return secret.value;
  return readNamed(`${secret.setting}_FILE`, secret.file).trim();
}

/** The text of a file that a setting names. @throws CONFIG_INVALID with the setting and the reason. */
export function readNamed(setting: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw invalid(`${setting}: ${file} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}
