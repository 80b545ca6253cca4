import { ConnectorError } from '../errors.ts';
import type { StreamName } from '../feed/feed.ts';
import type { FeedOffset } from '../feed/offset.ts';
import type { BusEvent } from '../streams/stream.ts';
import type { Codec } from './avro.ts';
import type { EventEncoder } from './kafka-messages.ts';
import type { Placer } from './kafka-placement.ts';

/** A topic that a replay puts its rows in, ready for use. */
export interface DetourTopic {
  readonly codec: Codec;
  readonly placer: Placer;
  /** The broker that leads each `topic/partition`. */
  readonly leaders: ReadonlyMap<string, number>;
}

/** Makes a topic ready for rows of a stream. @throws ConnectorError SINK_TOPIC_REFUSED when it cannot be used. */
export type OpenTopic = (topic: string, stream: StreamName) => Promise<DetourTopic>;

/** How the events of a commit are encoded, and which leaders the session does not know from its beginning. */
export interface Way {
  readonly encoder: EventEncoder;
  readonly leaders?: ReadonlyMap<string, number>;
}

/**
 * The ways of one session. Rows of a replay that names a topic go there, and neither to the topic of their stream nor
 * to its table; all that tells of the pass goes where it always does.
 */
export function createWays(encoder: EventEncoder, openTopic: OpenTopic): (
  offset: Pick<FeedOffset, 'feed' | 'pass'>, events: readonly BusEvent[],
) => Promise<Way> {
  const opened = new Map<string, Way>();
  return async ({ feed, pass }, events) => {
    const topic = pass?.topic;
    // Who only asks for the shard, or ends a window without rows, must not fail for a topic that is not needed.
    if (topic === undefined || !events.some(({ channel }) => channel === 'accepted')) return { encoder };
    const stream = feed.stream as StreamName;
    const known = opened.get(topic);
    if (known !== undefined) return known;
    const { codec, placer, leaders } = await openTopic(topic, stream);
    const detour: EventEncoder = {
      topics: { ...encoder.topics, [stream]: topic, [`${stream}.latest`]: undefined },
      codecs: { ...encoder.codecs, [stream]: codec },
      placers: new Map([...encoder.placers, [topic, placer]]),
    };
    opened.set(topic, { encoder: detour, leaders });
    return opened.get(topic)!;
  };
}

/** It concerns the replay alone: whoever publishes it rests, and all else goes on. */
export function topicRefused(topic: string, cause: unknown): ConnectorError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const cure = 'Mend it, or cancel the replay: 8x8-connector passes cancel';
  return new ConnectorError('SINK_TOPIC_REFUSED', `topic ${topic} of a replay: ${why}. ${cure}`, { cause });
}
