import type { ServerResponse } from 'node:http';
import type { AskedFor } from './answer-log.ts';
import type { Answer } from './answers.ts';
import type { World } from './world.ts';

const DROPS = 20;

/** An answer, and what asked for it. */
export interface Exchange {
  readonly asked: AskedFor;
  readonly answer: Answer;
  /** Before the answer was made: a row that was shown later need not be in it. */
  readonly atMs: number;
}

/** Sends an answer in the way it says, and tells ledger and counts what was shown. `signal` ends what takes long. */
export async function deliver(
  world: World, { asked, answer, atMs }: Exchange, response: ServerResponse, signal: AbortSignal,
): Promise<void> {
  const { counts, options } = world;
  world.answers.add(asked, answer, { atMs, throttledUntilMs: counts.throttledUntilMs });
  const status = answer.delivery === 'none' ? 'none' : `${answer.status}`;
  counts.requests[status] = (counts.requests[status] ?? 0) + 1;

  if (answer.delivery === 'none') {
    await restUntilGone(world, options.faults.hangMs, response, signal);
    response.destroy();
    return;
  }

  const size = answer.pieces.reduce((sum, piece) => sum + piece.length, 0);
  response.writeHead(answer.status, {
    ...answer.headers,
    'content-length': size,
    date: new Date(options.clock.nowMs() + options.dateSkewMs).toUTCString(),
  });
  switch (answer.delivery) {
    case 'whole':
      record(world, answer);
      response.cork();
      for (const piece of answer.pieces) response.write(piece);
      response.end();
      return;
    case 'cut':
      // Closed only once the half is on its way, or the reader would see no body at all.
      response.write(Buffer.concat(answer.pieces).subarray(0, Math.floor(size / 2)), () => response.destroy());
      return;
    case 'slow':
      await deliverSlowly(world, answer, response, signal);
      return;
  }
}

async function deliverSlowly(
  world: World, answer: Answer, response: ServerResponse, signal: AbortSignal,
): Promise<void> {
  const body = Buffer.concat(answer.pieces);
  const drop = Math.max(1, Math.ceil(body.length / DROPS));
  for (let from = 0; from < body.length; from += drop) {
    await restUntilGone(world, world.options.faults.slowBodyMs / DROPS, response, signal);
    if (response.destroyed || signal.aborted) {
      response.destroy();
      return;
    }
    response.write(body.subarray(from, from + drop));
  }
  record(world, answer);
  response.end();
}

/** A caller that gives up, or a simulator that closes, ends the rest. */
async function restUntilGone(world: World, ms: number, response: ServerResponse, signal: AbortSignal): Promise<void> {
  const gone = new AbortController();
  const leave = (): void => gone.abort();
  response.once('close', leave);
  await world.options.clock.sleep(ms, AbortSignal.any([gone.signal, signal]));
  response.off('close', leave);
}

function record({ ledger, counts, options }: World, { status, served, damaged }: Answer): void {
  if (served.length + damaged.length > 0 && status === 200) {
    counts.pagesServed += 1;
    counts.rowsServed += served.length;
  }
  const nowMs = options.clock.nowMs();
  ledger.served(served, nowMs);
  for (const row of damaged) ledger.damaged(row, nowMs);
}
