import type { ChangeRequest } from './change.ts';
import { isDeep } from './deep-sweep.ts';
import type { FeedId, StreamName } from './feed.ts';
import { LIVE, TOPIC_NAME } from './pass.ts';
import { RETENTION_MS } from './window.ts';

export const ASKED_TYPES = ['pause', 'resume', 'cancel', 'rewind', 'reset', 'backfill', 'replay'] as const;

/** What a person asks for, by a command or by a signal, before anybody has looked whether it makes sense. */
export interface Asked {
  readonly type: (typeof ASKED_TYPES)[number];
  readonly pass: string;
  /** One or several with commas; all, if absent. */
  readonly pbx?: string | undefined;
  readonly stream?: string | undefined;
  readonly byMs?: number | undefined;
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  /** Where a replay puts its rows; that of their stream, if absent. */
  readonly topic?: string | undefined;
}

/** How what is asked for is called where it was said: an option of a command, or a field of a signal. */
export type Naming = (field: 'name' | 'pbx' | 'stream' | 'by' | 'from' | 'to' | 'topic') => string;

export interface Problem {
  readonly problem: string;
}

/** What became of a signal. It holds nothing of a signal that could not be taken. */
export interface SignalAnswer {
  /** Where it came from: `topic-partition@offset`, or `http`. */
  readonly signal: string;
  readonly id?: string | undefined;
  readonly type?: Asked['type'];
  readonly outcome: 'obeyed' | 'unchanged' | 'unreadable' | 'refused' | 'failed';
  readonly problem?: string;
  /** What was done, by the name of the feed. */
  readonly feeds: Readonly<Record<string, string>>;
}

const YEARS = '8x8 keeps two years, and no more';
const PASS_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** The change that is asked for, or why it makes no sense. A time or span that the type needs must be there. */
export function requestOf(asked: Asked, nowMs: number, named: Naming): ChangeRequest | Problem {
  const { type, byMs, toMs } = asked;
  switch (type) {
    case 'pause':
    case 'resume':
    case 'cancel':
      return { kind: type };
    case 'rewind':
      return byMs! > RETENTION_MS ? { problem: `${named('by')}: ${YEARS}` } : { kind: 'reset', to: { backMs: byMs! } };
    case 'reset':
      if (toMs! > nowMs) return { problem: `${named('to')} lies in the future: calls would be skipped` };
      if (toMs! < nowMs - RETENTION_MS) return { problem: `${named('to')}: ${YEARS}` };
      return { kind: 'reset', to: { timeMs: toMs! } };
    case 'backfill':
    case 'replay':
      return beginOf(asked, nowMs, named);
  }
}

function beginOf(asked: Asked, nowMs: number, named: Naming): ChangeRequest | Problem {
  const { type, pass, stream, topic } = asked;
  const [fromMs, endMs] = [asked.fromMs!, asked.toMs!];
  if (!PASS_NAME.test(pass) || pass === LIVE || isDeep(pass)) {
    const must = '1 to 64 of a-z, 0-9, ".", "_" and "-", beginning with a letter or digit';
    return { problem: `${named('name')}: ${must}; and not "live", nor beginning with "deep-"` };
  }
  if (endMs > nowMs) return { problem: `${named('to')} lies in the future` };
  if (fromMs >= endMs) return { problem: `${named('from')} must lie before ${named('to')}` };
  if (fromMs < nowMs - RETENTION_MS) return { problem: `${named('from')}: ${YEARS}` };
  const plan = { fromMs, endMs, replay: type === 'replay' };
  if (topic === undefined) return { kind: 'begin', plan };
  if (!TOPIC_NAME.test(topic)) {
    return { problem: `${named('topic')}: a topic has 1 to 249 letters, digits, ".", "_" or "-"` };
  }
  if (stream === undefined || stream.includes(',')) {
    return { problem: `${named('topic')} needs one ${named('stream')}, for a topic holds rows of one kind` };
  }
  return { kind: 'begin', plan: { ...plan, topic } };
}

/** What is configured. */
export interface Known {
  readonly pbxIds: readonly string[];
  readonly streams: readonly string[];
}

/** The feeds that are asked for, or which PBX or stream of them is not configured; what was said is not repeated. */
export function feedsOf(
  { pass, pbx, stream }: Pick<Asked, 'pass' | 'pbx' | 'stream'>,
  known: Known,
  named: Naming,
): readonly FeedId[] | Problem {
  const pbxIds = select(pbx?.split(',').map((one) => one.trim().split('+').join(',')), known.pbxIds);
  if (pbxIds === undefined) return { problem: `${named('pbx')}: there are only ${known.pbxIds.join(', ')}` };
  const names = select(stream?.split(','), known.streams);
  if (names === undefined) return { problem: `${named('stream')}: there are only ${known.streams.join(', ')}` };
  return names.flatMap((one) => pbxIds.map((pbxId) => ({ pass, stream: one as StreamName, pbxId })));
}

/** As it is spelt where it is configured; undefined if one is not. */
function select(asked: readonly string[] | undefined, known: readonly string[]): readonly string[] | undefined {
  if (asked === undefined) return known;
  const found = asked.flatMap((one) => known.filter((other) => other.toLowerCase() === one.toLowerCase()));
  return found.length === asked.length ? found : undefined;
}
