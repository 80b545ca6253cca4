import type { Patch } from '../patches/patch.ts';

/** What happens at a failpoint. Throwing and waiting are for places in `async` functions. */
export type Action = 'kill' | 'throw' | { readonly waitMs: number };

/** A place in the product at which an attack can strike. */
export interface Place {
  readonly name: string;
  /** What the connector must be doing for it to be passed. `beginning`: a feed that nobody has begun. */
  readonly phase: 'beginning' | 'opening' | 'reading' | 'publishing' | 'stopping';
  readonly file: string;
  /** Code before or behind which the strike is put. */
  readonly before?: string;
  readonly behind?: string;
  /** An expression: only passages at which it holds are counted. */
  readonly when?: string;
  /** The strike is put into the middle of code. */
  readonly within?: (strike: string) => string;
  /** Another change that the place needs. */
  readonly beside?: Patch;
}

const SESSION = 'src/sink/kafka-session.ts';
const THREAD = 'src/sink/kafka-publisher-thread.ts';
const GROUP = 'src/sink/kafka-group.ts';
const ANALYTICS = 'src/source/work-analytics.ts';
const TOKEN = 'src/source/token.ts';
const POLL = 'src/worker/poll.ts';
const WORKER = 'src/worker/worker.ts';
const LOOP = 'src/worker/shard-loop.ts';
const CONNECTION = 'node_modules/kafkajs/src/network/connection.js';

const BEGIN = 'const transaction = await producer.transaction();';
const SEND = 'await transaction.sendBatch({ topicMessages, acks: -1, compression: options.compression });';
const COMMIT = 'await transaction.commit();';
const BEGINNING = 'await session.commit({ feed: feed.id, events: [], step: beginAt(feed.originMs) });';

/** The two kinds of transactions: one that publishes rows, and the barrier with which a session fences. */
const OF_ROWS = `messages.some(({ event }) => event?.kind.startsWith('call-') ?? false)`;
const OF_FENCE = 'headers === undefined';

/** Every place, in the order in which they are passed. */
export const PLACES: readonly Place[] = [
  { name: 'shards assigned', phase: 'opening', file: GROUP, before: 'this.#restMs = RESTART_MIN_MS;' },
  { name: 'before the fence', phase: 'opening', file: SESSION, before: 'const barrier = randomUUID();' },
  { name: 'fence begun', phase: 'opening', file: THREAD, behind: BEGIN, when: OF_FENCE },
  { name: 'fence sent', phase: 'opening', file: THREAD, behind: SEND, when: OF_FENCE },
  { name: 'commit of the fence sent, not answered', phase: 'opening', ...commitSent(OF_FENCE) },
  { name: 'fenced, offsets not read', phase: 'opening', file: SESSION, before: 'const history = await parts.read(' },
  { name: 'in the middle of the offsets', phase: 'opening', file: GROUP, behind: 'reader.messages.push(message);' },
  { name: 'offsets read', phase: 'opening', file: SESSION, before: 'const generation = nextGeneration(states);' },
  { name: 'before a feed begins', phase: 'beginning', file: LOOP, before: BEGINNING },
  { name: 'a feed has begun', phase: 'beginning', file: LOOP, behind: BEGINNING },

  { name: 'token asked for, not answered', phase: 'reading',
    ...requestSent('/oauth/token', TOKEN, 'const RENEW_AT = 0.8;') },
  { name: 'token answered, not kept', phase: 'reading', file: TOKEN, before: 'refusal = undefined;' },
  { name: 'page asked for, not answered', phase: 'reading',
    ...requestSent('/v2/', ANALYTICS, 'const RESTARTS_MAX = 3;') },
  { name: 'page answered', phase: 'reading', file: ANALYTICS, before: 'scroll.advance(page);' },
  { name: 'between pages', phase: 'reading', file: ANALYTICS, when: 'page.nextScrollId !== undefined',
    before: 'if (page.nextScrollId !== undefined) continue;' },
  { name: 'page encoded', phase: 'reading', file: POLL, before: 'yield { events, reading };' },

  { name: 'before the transaction', phase: 'publishing', file: THREAD, before: BEGIN, when: OF_ROWS },
  { name: 'transaction begun', phase: 'publishing', file: THREAD, behind: BEGIN, when: OF_ROWS },
  { name: 'before a send', phase: 'publishing', file: THREAD, before: SEND, when: OF_ROWS },
  { name: 'behind a send', phase: 'publishing', file: THREAD, behind: SEND, when: OF_ROWS },
  { name: 'before the commit', phase: 'publishing', file: THREAD, before: COMMIT, when: OF_ROWS },
  { name: 'commit sent, not answered', phase: 'publishing', ...commitSent(OF_ROWS) },
  { name: 'commit answered', phase: 'publishing', file: THREAD, behind: COMMIT, when: OF_ROWS },
  { name: 'commit told, not applied', phase: 'publishing', file: SESSION, when: 'step.seen.length > 0',
    before: 'for (const record of records) state.apply(record);' },
  { name: 'commit applied', phase: 'publishing', file: SESSION, when: 'step.seen.length > 0',
    behind: 'states.set(feedName(feed), state);' },
  { name: 'page counted', phase: 'publishing', file: POLL, behind: 'reading = page.reading;' },
  { name: 'window read, watermark not moved', phase: 'publishing', file: POLL,
    before: 'const step = afterWindow(offset(), scan, pace, keepOf(feed, session));' },
  { name: 'watermark moved', phase: 'publishing', file: POLL,
    before: 'return { ...done, seen: offset().seenCount };' },

  { name: 'told to stop', phase: 'stopping', file: 'src/main.ts',
    behind: `stop.abort(new Error('stopped by a signal'));` },
  { name: 'before a session is closed', phase: 'stopping', file: WORKER, before: 'await session.close();' },
  { name: 'session closed', phase: 'stopping', file: WORKER, behind: 'await session.close();' },
  { name: 'before the group is left', phase: 'stopping', file: GROUP, when: 'this.#consumer !== undefined',
    before: 'await this.#consumer?.disconnect();' },
  { name: 'group left', phase: 'stopping', file: GROUP, when: 'this.#consumer !== undefined',
    behind: 'await this.#consumer?.disconnect();' },
  { name: 'stopped', phase: 'stopping', file: 'src/cli/run.ts', before: `log.info('stopped');` },
];

/** What a worker writes to standard error, as a line of its log, when it has come to a failpoint. */
export const REACHED = 'failpoint reached';

/** Patches under which a worker does `action` when it passes the place for the `nth` time, and only then. */
export function failpoint(place: Place, action: Action, nth = 1): readonly Patch[] {
  const { name, file, before, behind, when = 'true', within = (strike) => strike, beside } = place;
  const line = JSON.stringify({ level: 50, msg: REACHED, failpoint: name });
  const count = `globalThis[${JSON.stringify(name)}]`;
  const strike = `if (${when} && (${count} = (${count} ?? 0) + 1) === ${nth}) {
    process.getBuiltinModule('node:fs').writeSync(2, ${JSON.stringify(`${line}\n`)});
    ${deedOf(action, name)}
  }`;
  const find = (before ?? behind)!;
  const code = within(strike);
  const patch = { file, find, replace: before === undefined ? `${find}\n${code}` : `${code}\n${find}` };
  return beside === undefined ? [patch] : [beside, patch];
}

function deedOf(action: Action, name: string): string {
  if (action === 'throw') return `throw new Error('failpoint: ${name}');`;
  // Nothing of ours may run until the system has ended us.
  if (action === 'kill') return `process.kill(process.pid, 'SIGKILL'); for (;;);`;
  return `await new Promise((resume) => setTimeout(resume, ${action.waitMs}));`;
}

/** When EndTxn of the one transaction that is meant has been handed to the system, and its answer is not there yet. */
function commitSent(which: string): Pick<Place, 'file' | 'behind' | 'when' | 'beside'> {
  return {
    file: CONNECTION,
    behind: `this.socket.write(requestPayload.buffer, 'binary')`,
    when: `apiName === 'EndTxn' && globalThis.meant !== undefined && requestPayload.buffer.includes(globalThis.meant)`,
    beside: {
      file: THREAD,
      find: COMMIT,
      replace: `globalThis.meant = ${which} ? options.transactionalId : undefined; ${COMMIT}`,
    },
  };
}

/** When a request for `path` has been handed to the system. */
function requestSent(path: string, file: string, behind: string): Pick<Place, 'file' | 'behind' | 'within'> {
  return {
    file,
    behind,
    within: (strike) => `process.getBuiltinModule('node:diagnostics_channel')
      .subscribe('undici:client:sendHeaders', ({ request }) => {
        if (request.path.includes('${path}')) ${strike}
      });`,
  };
}
