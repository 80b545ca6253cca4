import pRetry from 'p-retry';
import type { Config } from './config.ts';
import { systemClock } from './clock.ts';
import { ConnectorError, reactionTo } from './errors.ts';
import {
  ASKED_TYPES, feedsOf, requestOf, type Asked, type Known, type Problem, type SignalAnswer,
} from './feed/ask.ts';
import type { ChangeRequest } from './feed/change.ts';
import { isObject, misfit, oneOf, TEXT, TIME, type Expected } from './feed/expected.ts';
import { feedName, type FeedId } from './feed/feed.ts';
import { LIVE } from './feed/pass.ts';
import { floorToSecond } from './feed/window.ts';
import { spanMs } from './formats.ts';
import { changeOffsets } from './operate.ts';
import { busOf, orNone } from './parts.ts';
import { followSignals } from './sink/kafka-signals.ts';

/** A signal that makes sense, and what it asks for. */
export interface Signal {
  readonly id: string | undefined;
  readonly type: Asked['type'];
  readonly feeds: readonly FeedId[];
  readonly request: ChangeRequest;
  readonly who: string;
  readonly reason: string;
}

type Refusal = Problem & { readonly outcome: 'unreadable' | 'refused' };

/** Longest signal, in characters. */
export const SIGNAL_MAX = 64 * 1_024;

const NOTE: Expected = ['a text of 500 characters at most', (value) =>
  value === undefined || (typeof value === 'string' && value.length <= 500)];

const FIELDS = {
  id: ['a text of 100 letters, digits, ".", "_", ":" or "-" at most', (value: unknown) =>
    value === undefined || (typeof value === 'string' && /^[\w.:-]{1,100}$/.test(value))],
  type: oneOf(ASKED_TYPES),
  data: ['an object', isObject],
  who: NOTE,
  reason: NOTE,
} as const satisfies Record<string, Expected>;

const SPAN: Expected = ['a span such as 30m, 2h or 7d', (value) => Number(spanMs(value)) >= 1_000];
const PASS = { pass: TEXT };
const BEGIN = { name: TEXT, from: TIME, to: TIME };

/** What each type must have in its data. */
const NEEDED: Readonly<Record<Asked['type'], Readonly<Record<string, Expected>>>> = {
  pause: PASS, resume: PASS, cancel: PASS,
  rewind: { pass: TEXT, by: SPAN },
  reset: { pass: [`"${LIVE}"`, (value) => value === LIVE], to: TIME },
  backfill: BEGIN, replay: BEGIN,
};

/** What it may have: a field that is misspelt must not mean all feeds. */
const CHOICE: Readonly<Record<string, Expected>> = { pbx: optional(TEXT), stream: optional(TEXT) };

/** What a type alone may have. */
const MORE: Partial<Readonly<Record<Asked['type'], Readonly<Record<string, Expected>>>>> = {
  replay: { topic: optional(TEXT) },
};

interface RawSignal {
  readonly id?: string;
  readonly type: Asked['type'];
  readonly data: Readonly<Record<string, string>>;
  readonly who?: string;
  readonly reason?: string;
}

/** Reads a signal, or says why it cannot be taken: by the place, and never by what stands there. */
export function readSignal(text: string, known: Known, nowMs: number): Signal | Refusal {
  const unreadable = (problem: string): Refusal => ({ outcome: 'unreadable', problem });
  if (text.length > SIGNAL_MAX) return unreadable(`it is longer than ${SIGNAL_MAX} characters`);
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return unreadable('it is not JSON');
  }
  const foreign = misfit(raw, FIELDS, 'signal');
  if (foreign !== undefined) return unreadable(foreign);
  const { id, type, data, who = 'a signal', reason = 'not given' } = raw as RawSignal;
  const fields = { ...NEEDED[type], ...CHOICE, ...MORE[type] };
  const problem = misfit(data, fields, 'data');
  if (problem !== undefined) return unreadable(problem);
  if (Object.keys(data).some((name) => !Object.hasOwn(fields, name))) {
    return unreadable(`data of a ${type} must have no field but ${Object.keys(fields).join(', ')}`);
  }
  const asked = askedOf(type, data);
  const feeds = feedsOf(asked, known, inData);
  if ('problem' in feeds) return { outcome: 'refused', ...feeds };
  const request = requestOf(asked, nowMs, inData);
  if ('problem' in request) return { outcome: 'refused', ...request };
  return { id, type, feeds, request, who, reason };
}

function askedOf(type: Asked['type'], data: RawSignal['data']): Asked {
  const { pass, name, pbx, stream, by, from, to, topic } = data;
  const timeMs = (time: string | undefined): number | undefined =>
    time === undefined ? undefined : floorToSecond(Date.parse(time));
  const byMs = by === undefined ? undefined : Number(spanMs(by));
  return { type, pass: name ?? pass!, pbx, stream, byMs, fromMs: timeMs(from), toMs: timeMs(to), topic };
}

function optional([what, holds]: Expected): Expected {
  return [what, (value) => value === undefined || holds(value)];
}

function inData(field: string): string {
  return `data.${field}`;
}

/** What is away, or cannot be known for sure, may come right at the next try. */
const AGAIN = { retries: 3, minTimeout: 1_000, maxTimeout: 10_000 };

/** Takes signals: changes the offsets that they ask for, tells of each, and never throws for one. */
export interface Signals {
  /** Takes one that came by another way than the topic. */
  obey(text: string): Promise<SignalAnswer>;
  /** Takes those of the topic, if there is one, until `stop` aborts. */
  follow(stop: AbortSignal): Promise<void>;
}

/** `current` tells the settings of the moment: other PBXs may come with a reload. */
export function createSignals(
  current: () => Config,
  tell: (answer: SignalAnswer) => void,
  onLog: (message: string) => void,
): Signals {
  const { topicSignals, sessionTimeoutMs } = current().kafka;
  const obey = async (text: string, place?: string): Promise<SignalAnswer> => {
    const answer = await answerTo(current(), text, place);
    tell(answer);
    return answer;
  };
  const topic = orNone(topicSignals);
  return {
    obey,
    async follow(stop) {
      if (topic === undefined) return;
      const options = { ...busOf(current()), topic, sessionTimeoutMs, onLog };
      await followSignals(options, async ({ signal, text }) => void await obey(text, signal), stop);
    },
  };
}

async function answerTo(config: Config, text: string, place: string | undefined): Promise<SignalAnswer> {
  const [signal, nowMs] = [place ?? 'http', systemClock.nowMs()];
  const read = readSignal(text, config.source, nowMs);
  if ('problem' in read) return { signal, ...read, feeds: {} };
  const { id, type, feeds, request, who, reason } = read;
  const note = { who, reason, at: nowMs, signal: place };
  try {
    const reports = await pRetry(() => changeOffsets(config, { feeds, request, note }), {
      ...AGAIN,
      // Without a place nobody could tell that it was obeyed, and a feed would be set back twice.
      shouldRetry: ({ error }) => place !== undefined && reactionTo(error) !== 'stop',
    });
    const done = reports.map(({ feed, unchanged, toMs }) => [feedName(feed), unchanged ?? doneOf(type, toMs!)]);
    const outcome = reports.some(({ unchanged }) => unchanged === undefined) ? 'obeyed' : 'unchanged';
    return { signal, id, type, outcome, feeds: Object.fromEntries(done) as Record<string, string> };
  } catch (error) {
    // A bug must not end the reading of calls, nor stand in the way of the next signal.
    const problem = error instanceof ConnectorError ? `${error.code}: ${error.message}` : `a bug: ${String(error)}`;
    return { signal, id, type, outcome: 'failed', problem, feeds: {} };
  }
}

function doneOf(type: Asked['type'], toMs: number): string {
  const said = { pause: 'stands still', resume: 'goes on', cancel: 'has ended' } as const;
  return type in said ? said[type as keyof typeof said] : `continues from ${new Date(toMs).toISOString()}`;
}
