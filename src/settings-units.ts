import type { SchemaObj } from 'convict';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;

/** A setting that has no default: convict takes `null` for "must be given". */
export function required<T>(setting: Omit<SchemaObj<T>, 'default'>): SchemaObj<T> {
  return { ...setting, default: null as unknown as T } as SchemaObj<T>;
}

export function span(doc: string, ms: number, env: string): SchemaObj<number> & { readonly env: string } {
  return { doc, format: 'span', default: ms, env };
}

/** Extensions to filter calls by. */
export function extensions(doc: string, env: string): SchemaObj<string> & { readonly env: string } {
  return { doc, format: 'extensions', default: '', env };
}
