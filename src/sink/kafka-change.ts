import type { KafkaMessage } from 'kafkajs';
import { ConnectorError } from '../errors.ts';
import { decideChange, type ChangeRequest } from '../feed/change.ts';
import { feedName, type FeedId, type Shard } from '../feed/feed.ts';
import { contentsOf } from '../feed/manifest.ts';
import { OffsetState, restoreOffsets } from '../feed/offset.ts';
import type { PassPlan } from '../feed/pass.ts';
import { changeMessage, offsetMessage, readLatest, type ChangeNote, type OffsetsTopic } from './kafka-offsets.ts';
import type { PlacedMessage } from './kafka-messages.ts';
import { discard, publish, takeShard, type SessionParts } from './kafka-session.ts';

/** What shall become of the offsets of some feeds of a shard, and who wants it. */
export interface OffsetsChange {
  readonly feeds: readonly FeedId[];
  readonly request: ChangeRequest;
  readonly note: Omit<ChangeNote, 'change'>;
}

/** What has become of the offset of a feed. */
export interface ChangeReport {
  readonly feed: FeedId;
  /** Why nothing has; the rest is as it was. */
  readonly unchanged: string | undefined;
  /** The watermark before; undefined if it could not be read, or there was none. */
  readonly fromMs: number | undefined;
  readonly toMs: number | undefined;
  readonly plan: PassPlan | undefined;
  /** Keys of published rows that are still known: those rows are not published again. */
  readonly seenKeys: number;
  /** Records of the feed that nobody could read, and that are deleted. */
  readonly broken: number;
}

/** Changes the offsets of feeds of a shard, in one transaction. Its owner is fenced, and goes on from the new ones. */
export async function changeOffsets(
  parts: SessionParts,
  shard: Shard,
  change: OffsetsChange,
): Promise<readonly ChangeReport[]> {
  const { publisher, history } = await takeShard(parts, shard);
  try {
    const { messages, reports } = await planChange(parts.offsets, shard, { ...change, history });
    if (messages.length > 0) await publish(parts, publisher, { messages });
    return reports;
  } finally {
    await discard(publisher);
  }
}

interface Planned {
  readonly messages: readonly PlacedMessage[];
  readonly reports: readonly ChangeReport[];
}

async function planChange(
  offsets: OffsetsTopic,
  shard: Shard,
  { history, feeds, request, note }: OffsetsChange & { readonly history: readonly KafkaMessage[] },
): Promise<Planned> {
  const { records, broken } = await readLatest(offsets, history);
  const states = restoreOffsets(records);
  // Each owner and each commit has written here, so the log offset is above the number of any that cannot be read.
  const number = Number(history.at(-1)!.offset);
  const messages: PlacedMessage[] = [];
  const reports = feeds.map((feed): ChangeReport => {
    const name = feedName(feed);
    const unreadable = broken.filter((record) => record.feed === name);
    if (unreadable.length > 0 && request.kind !== 'reset') throw unreadableOffset(name);
    const readable = unreadable.length === 0 ? states : without(states, name);
    const decision = decideChange(readable, feed, request);
    const before = states.get(name);
    const report = { feed, fromMs: before?.watermarkMs, seenKeys: before?.seenCount ?? 0, broken: unreadable.length };
    if ('unchanged' in decision) {
      return { ...report, unchanged: decision.unchanged, toMs: before?.watermarkMs, plan: before?.pass };
    }
    const { watermarkMs = 0 } = decision.change;
    const state = before ?? new OffsetState(feed, watermarkMs);
    const head = state.changeTo(decision.change, contentsOf(number, []), number);
    messages.push(
      ...unreadable.map(({ key }) => ({ topic: offsets.topic, partition: shard, key, value: null })),
      changeMessage(offsets, head, { ...note, change: request.kind }),
      offsetMessage(offsets, shard, head),
    );
    const fromMs = state.commits > 0 ? state.watermarkMs : undefined;
    return { ...report, unchanged: undefined, fromMs, toMs: head.watermarkMs, plan: head.pass };
  });
  return { messages, reports };
}

/** Who cannot read all of an offset does not know where the feed stands. */
function without(states: ReadonlyMap<string, OffsetState>, name: string): ReadonlyMap<string, OffsetState> {
  return new Map([...states].filter(([other]) => other !== name));
}

function unreadableOffset(name: string): ConnectorError {
  const cure = `cure: 8x8-connector offsets reset --feed ${name} --to <time>`;
  return new ConnectorError('OFFSETS_INVALID', `${name} has records that nobody can read; ${cure}`);
}
