/** What a field of a report holds. Every field of a stream's table has one kind. */
export type Kind = keyof ValueOfKind;

/** The value a kind becomes on the bus. `null` means that 8x8 said nothing. */
export interface ValueOfKind {
  /** Part of the row's key. */
  readonly id: string;
  /** The event time, epoch milliseconds. */
  readonly endTime: number;
  /** An instant, epoch milliseconds. */
  readonly time: number | null;
  /** Milliseconds. */
  readonly duration: number | null;
  readonly count: number | null;
  readonly flag: boolean | null;
  readonly text: string | null;
  readonly list: readonly string[] | null;
}

/** A report's fields, in the order they have in its Avro schema. */
export type FieldTable = Readonly<Record<string, Kind>>;

/** The typed row of a table. The comments of the table stay visible on its fields. */
export type Mapped<Table extends FieldTable> = { readonly [Name in keyof Table]: ValueOfKind[Table[Name]] };

/** How a kind is read out of a row. */
export interface KindRule {
  /** Returns the value; `null` when the field is absent, `undefined` when what is there does not fit. */
  readonly read: (raw: unknown, name: string) => unknown;
  /**
   * What a value that does not fit does. Keys and numbers reject the row: publishing them as `null` would
   * falsify sums and lose calls. Words do not: the field is `null`, and what came is kept in `extras`.
   */
  readonly misfit: 'BAD_ID' | 'BAD_FIELD' | 'extras';
  readonly required: boolean;
}

export const KINDS: Readonly<Record<Kind, KindRule>> = {
  id: { read: readId, misfit: 'BAD_ID', required: true },
  endTime: { read: readEndTime, misfit: 'BAD_FIELD', required: true },
  time: { read: readTime, misfit: 'BAD_FIELD', required: false },
  duration: { read: readWhole, misfit: 'BAD_FIELD', required: false },
  count: { read: readCount, misfit: 'extras', required: false },
  flag: { read: readFlag, misfit: 'extras', required: false },
  text: { read: readText, misfit: 'extras', required: false },
  list: { read: readList, misfit: 'extras', required: false },
};

/** Longest id, in UTF-16 units. Those of 8x8's samples have 13. */
const ID_LENGTH_MAX = 256;

/** What Avro's JavaScript library writes into a `long`; below, it writes a positive number without a word. */
const WHOLE_MAX = 2 ** 53 - 2;
const WHOLE_MIN = -(2 ** 52);

/** The calendars of most languages go from the year 1 to 9999; a time beyond would break whoever reads it. */
const TIME_MIN_MS = Date.parse('0001-01-01T00:00:00.000Z');
const TIME_MAX_MS = Date.parse('9999-12-31T23:59:59.999Z');

/**
 * Reads an id. Ids are joined by `/` into keys, so they may hold neither `/` nor control characters.
 *
 * A number is taken only while JavaScript holds it exactly: two ids beyond 2^53 could become one.
 */
export function readId(raw: unknown): string | null | undefined {
  if (raw === null || raw === undefined || raw === '') return null;
  if (typeof raw === 'number') return Number.isSafeInteger(raw) ? String(raw) : undefined;
  if (typeof raw !== 'string' || raw.length > ID_LENGTH_MAX || !raw.isWellFormed()) return undefined;
  for (let index = 0; index < raw.length; index += 1) {
    const code = raw.charCodeAt(index);
    if (code === 0x2f || code < 0x20 || (code >= 0x7f && code <= 0x9f)) return undefined;
  }
  return raw;
}

/** Reads epoch milliseconds. 8x8 writes 0 or "0" for an instant that never was. */
function readTime(raw: unknown): number | null | undefined {
  const value = readWhole(raw);
  if (value === 0) return null;
  if (typeof value === 'number' && (value < TIME_MIN_MS || value > TIME_MAX_MS)) return undefined;
  return value;
}

/** Reads a disconnect time. One before 1970 is none: 8x8 is younger than that. */
function readEndTime(raw: unknown): number | null | undefined {
  const value = readTime(raw);
  return typeof value === 'number' && value < 0 ? null : value;
}

/** Reads a whole number, also one written as text. A negative one passes: to judge it is the reader's business. */
function readWhole(raw: unknown): number | null | undefined {
  if (raw === null || raw === undefined || raw === '') return null;
  const value = typeof raw === 'string' && isWhole(raw) ? Number(raw) : raw;
  if (typeof value !== 'number' || !Number.isInteger(value) || value > WHOLE_MAX || value < WHOLE_MIN) return undefined;
  return value + 0; // -0 becomes 0, as Avro would make it
}

function readCount(raw: unknown): number | null | undefined {
  const value = readWhole(raw);
  return typeof value === 'number' && value !== (value | 0) ? undefined : value;
}

/** Reads "Missed" in the field `missed`, and so on: the field's own name is yes, a dash or nothing is no. */
function readFlag(raw: unknown, name: string): boolean | null | undefined {
  if (raw === '-' || raw === '') return false;
  if (raw === null || raw === undefined) return null;
  if (typeof raw === 'boolean') return raw;
  return typeof raw === 'string' && raw.toLowerCase() === name ? true : undefined;
}

/** Reads text; lone surrogates, which UTF-8 cannot hold, become U+FFFD. The empty text stays empty, as 8x8 sent it. */
function readText(raw: unknown): string | null | undefined {
  if (typeof raw === 'string') return raw.toWellFormed();
  if (raw === null || raw === undefined) return null;
  if (typeof raw === 'boolean' || (typeof raw === 'number' && Number.isFinite(raw))) return String(raw);
  return undefined;
}

/** Reads a list of texts. An item `null` says nothing and is left out. */
function readList(raw: unknown): readonly string[] | null | undefined {
  if (raw === null || raw === undefined) return null;
  if (!Array.isArray(raw)) return undefined;
  const texts: string[] = [];
  for (const item of raw as readonly unknown[]) {
    const text = readText(item);
    if (text === undefined) return undefined;
    if (text !== null) texts.push(text);
  }
  return texts;
}

/** Digits behind an optional minus. A lone minus passes: `Number` makes NaN of it, which is no integer. */
function isWhole(text: string): boolean {
  const start = text.charCodeAt(0) === 0x2d ? 1 : 0;
  for (let index = start; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < 0x30 || code > 0x39) return false;
  }
  return true;
}
