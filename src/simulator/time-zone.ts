const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** No zone has changed its clock off a quarter of an hour in the two years 8x8 keeps. */
const OFFSET_STEP_MS = 15 * MINUTE_MS;
const OFFSETS_CACHED_MAX = 100_000;

/** Which instant a wall clock time means that an autumn night has twice. NOT DOCUMENTED for 8x8. */
export type FoldChoice = 'earlier' | 'later';

/** One IANA zone: wall clock to instant and back. `open` answers undefined for a name that is no zone. */
export class TimeZone {
  readonly name: string;
  readonly #format: Intl.DateTimeFormat;
  readonly #offsets = new Map<number, number>();

  private constructor(name: string) {
    this.name = name;
    this.#format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
  }

  static open(name: string): TimeZone | undefined {
    try {
      return new TimeZone(name);
    } catch (error) {
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }

  /** Epoch milliseconds to `2024-05-01T10:00:00.123+0200`: no colon in the offset, `+0000` and not `Z`. */
  format(ms: number): string {
    if (this.name === 'UTC') return formatUtc(ms);
    const offsetMs = this.#offsetMs(ms);
    const minutes = Math.abs(offsetMs) / MINUTE_MS;
    const digits = `${Math.floor(minutes / 60)}`.padStart(2, '0') + `${minutes % 60}`.padStart(2, '0');
    return `${new Date(ms + offsetMs).toISOString().slice(0, 23)}${offsetMs < 0 ? '-' : '+'}${digits}`;
  }

  /**
   * `2024-05-01 10:00:00` on this zone's wall clock to epoch milliseconds; undefined if it is no such text.
   *
   * UNVERIFIED: a time in a spring gap is moved forward by the gap's length, and a time in an autumn fold is
   * by default the earlier instant. So does Java, which 8x8's error bodies hint at. A live tenant would tell.
   */
  parse(text: string, fold: FoldChoice): number | undefined {
    const match = /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)$/.exec(text);
    if (match === null) return undefined;
    const wallMs = Date.parse(`${text.replace(' ', 'T')}Z`);
    // Date.parse accepts 24:00:00 and the 30th of February; 8x8 is taken to accept neither.
    if (Number.isNaN(wallMs)) return undefined;
    if (new Date(wallMs).toISOString().slice(0, 19) !== text.replace(' ', 'T')) return undefined;

    const before = this.#offsetMs(wallMs - DAY_MS);
    const after = this.#offsetMs(wallMs + DAY_MS);
    const instants = [before, after].map((offsetMs) => ({ offsetMs, ms: wallMs - offsetMs }))
      .filter(({ offsetMs, ms }) => this.#offsetMs(ms) === offsetMs)
      .map(({ ms }) => ms);
    if (instants.length === 0) return wallMs - before;
    return fold === 'earlier' ? Math.min(...instants) : Math.max(...instants);
  }

  #offsetMs(ms: number): number {
    if (this.name === 'UTC') return 0;
    const step = Math.floor(ms / OFFSET_STEP_MS);
    const known = this.#offsets.get(step);
    if (known !== undefined) return known;
    const parts = this.#format.formatToParts(step * OFFSET_STEP_MS);
    const text = parts.find(({ type }) => type === 'timeZoneName')!.value;
    const offsetMs = parseOffset(text);
    if (this.#offsets.size >= OFFSETS_CACHED_MAX) this.#offsets.clear();
    this.#offsets.set(step, offsetMs);
    return offsetMs;
  }
}

export function formatUtc(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23)}+0000`;
}

/** `GMT-05:00` to milliseconds; `GMT` alone is zero. */
function parseOffset(text: string): number {
  const match = /^GMT(?:([+-])(\d\d):(\d\d))?$/.exec(text);
  if (match === null) throw new Error(`unexpected zone offset ${text}`);
  const [, sign, hours = '0', minutes = '0'] = match;
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * MINUTE_MS;
}
