import type { KafkaMessage } from 'kafkajs';
import { ConnectorError } from '../errors.ts';
import { feedName, type FeedId, type Shard } from '../feed/feed.ts';
import { contentsOf } from '../feed/manifest.ts';
import { OffsetState, restoreOffsets } from '../feed/offset.ts';
import { floorToSecond } from '../feed/window.ts';
import { offsetMessage, readLatest, resetMessage, type OffsetsTopic } from './kafka-offsets.ts';
import type { PlacedMessage } from './kafka-messages.ts';
import { discard, publish, takeShard, type SessionParts } from './kafka-session.ts';

/** Where a feed shall read again from, and why. */
export interface OffsetReset {
  readonly feed: FeedId;
  /** A time, or so many milliseconds back from where the feed stands. */
  readonly to: { readonly timeMs: number } | { readonly backMs: number };
  readonly reason: string;
}

/** What a reset has done. */
export interface ResetReport {
  /** The watermark before; undefined if it could not be read, or there was none. */
  readonly fromMs: number | undefined;
  readonly toMs: number;
  /** Keys of published rows that are still known: those rows are not published again. */
  readonly seenKeys: number;
  /** Records of the feed that nobody could read, and that are deleted. */
  readonly broken: number;
}

/** Sets the watermark of a feed in one transaction, and clears away records of it that cannot be read. */
export async function resetOffset(parts: SessionParts, shard: Shard, reset: OffsetReset): Promise<ResetReport> {
  const { publisher, history } = await takeShard(parts, shard);
  try {
    const { messages, report } = await planReset(parts.offsets, shard, { ...reset, history });
    await publish(parts, publisher, { messages });
    return report;
  } finally {
    await discard(publisher);
  }
}

async function planReset(
  offsets: OffsetsTopic,
  shard: Shard,
  { history, feed, to, reason }: OffsetReset & { readonly history: readonly KafkaMessage[] },
): Promise<{ readonly messages: readonly PlacedMessage[]; readonly report: ResetReport }> {
  const name = feedName(feed);
  const { records, broken } = await readLatest(offsets, history);
  const states = restoreOffsets(records);
  const unreadable = broken.filter((record) => record.feed === name);
  const toMs = targetOf(name, to, unreadable.length === 0 ? states.get(name) : undefined);
  const state = states.get(name) ?? new OffsetState(feed, toMs);
  // Each owner and each commit has written here, so the log offset is above the number of any that cannot be read.
  const number = Number(history.at(-1)!.offset);
  const messages = [
    ...unreadable.map(({ key }) => ({ topic: offsets.topic, partition: shard, key, value: null })),
    resetMessage(offsets, shard, { feed, toMs, reason }),
    offsetMessage(offsets, shard, state.resetTo(toMs, contentsOf(number, []), number)),
  ];
  const fromMs = state.commits > 0 ? state.watermarkMs : undefined;
  return { messages, report: { fromMs, toMs, seenKeys: state.seenCount, broken: unreadable.length } };
}

/** @throws ConnectorError OFFSETS_INVALID when nobody knows from where to go back. */
export function targetOf(name: string, to: OffsetReset['to'], state: OffsetState | undefined): number {
  if ('timeMs' in to) return to.timeMs;
  if (state !== undefined && state.commits > 0) return floorToSecond(state.watermarkMs - to.backMs);
  const cure = `cure: 8x8-connector offsets reset --feed ${name} --to <time>`;
  throw new ConnectorError('OFFSETS_INVALID', `${name} has no offset to go back from; ${cure}`);
}
