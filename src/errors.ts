/**
 * What the caller must do about an error:
 *
 * - `retry`   the same call may succeed later: network, 429, 5xx, a refused PBX;
 * - `reopen`  the shard is not ours any more, or we cannot know what was written;
 * - `stop`    only a person can help: schema, topics, configuration.
 *
 * Refused credentials are `retry` with a long `retryAfterMs`: a running connector keeps its place and says
 * so, because passwords are rotated while it runs. At the start any error stops (see cli/run.ts).
 */
export type Reaction = 'retry' | 'reopen' | 'stop';

/** Every error of the connector and the one reaction to it. Codes are stable: logs, metrics and tests use them. */
const REACTIONS = {
  SOURCE_UNAVAILABLE: 'retry',
  SOURCE_THROTTLED: 'retry',
  SOURCE_MALFORMED: 'retry',
  SOURCE_REFUSED: 'retry',
  SOURCE_PBX_REFUSED: 'retry',
  CLOCK_AHEAD: 'retry',
  SINK_UNAVAILABLE: 'reopen',
  SINK_FENCED: 'reopen',
  SINK_OUTCOME_UNKNOWN: 'reopen',
  SINK_TOPIC_REFUSED: 'retry',
  SINK_REFUSED: 'stop',
  OFFSETS_INVALID: 'stop',
  CONFIG_INVALID: 'stop',
} as const satisfies Record<string, Reaction>;

export type ErrorCode = keyof typeof REACTIONS;

/** The only error this project throws on purpose. Its message names what failed, where, and the cure; no secret. */
export class ConnectorError extends Error {
  override readonly name = 'ConnectorError';
  readonly code: ErrorCode;
  /** How long to rest before the next try, in milliseconds, if the other side or the kind of error asks for it. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, details: { cause?: unknown; retryAfterMs?: number } = {}) {
    super(message, { cause: details.cause });
    this.code = code;
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** A setting, an option or a file that makes no sense. */
export function invalid(problem: string): ConnectorError {
  return new ConnectorError('CONFIG_INVALID', problem);
}

/** An error we did not foresee is a bug. It stops the process; looping on it would hide it. */
export function reactionTo(error: unknown): Reaction {
  return error instanceof ConnectorError ? REACTIONS[error.code] : 'stop';
}
