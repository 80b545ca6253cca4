/** What a value of JSON from outside must be: in words, and as a test. */
export type Expected = readonly [what: string, holds: (value: unknown) => boolean];

/** The first field that is not as it must be, by its place and never by its value; undefined if all are. */
export function misfit(
  value: unknown,
  fields: Readonly<Record<string, Expected>>,
  place: string,
): string | undefined {
  if (!isObject(value)) return `${place} must be an object`;
  const wrong = Object.entries(fields).find(([name, [, holds]]) => !holds(value[name]));
  return wrong && `${place}.${wrong[0]} must be ${wrong[1][0]}`;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export const TEXT: Expected = ['a text, and not empty', (value) => typeof value === 'string' && value !== ''];

/** With its zone: without one it would mean another moment on each machine. */
export const TIME: Expected = ['a time with its zone, such as 2026-11-20T00:00:00Z', (value) =>
  typeof value === 'string' && ZONED.test(value) && !Number.isNaN(Date.parse(value))];

const ZONED = /^[+-]?\d{4,6}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/;

export function oneOf(choices: readonly string[]): Expected {
  return [`one of ${choices.join(', ')}`, (value) => choices.includes(value as string)];
}

export function wholeNumber(from: number, to: number): Expected {
  return [`a whole number from ${from} to ${to}`, (value) =>
    Number.isInteger(value) && Number(value) >= from && Number(value) <= to];
}
