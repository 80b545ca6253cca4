import type { KafkaMessage } from 'kafkajs';
import { ConnectorError } from '../errors.ts';
import { decideChange, forgottenBy, hasObeyed, type ChangeRequest, type Decision } from '../feed/change.ts';
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
  /** Keys of published rows that are known from then on: those rows are not published again. */
  readonly seenKeys: number;
  /** Keys that were known before, and are not from then on. */
  readonly forgotten: number;
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

/** What does not ask where the feed stands, so that nobody need know. */
const MENDS: readonly ChangeRequest['kind'][] = ['reset', 'import'];

const OBEYED: Decision = { unchanged: 'obeyed before' };

interface Planned {
  readonly messages: readonly PlacedMessage[];
  readonly reports: readonly ChangeReport[];
}

async function planChange(
  offsets: OffsetsTopic,
  shard: Shard,
  { history, feeds, request, note }: OffsetsChange & { readonly history: readonly KafkaMessage[] },
): Promise<Planned> {
  const { records, broken, signals } = await readLatest(offsets, history);
  const states = restoreOffsets(records);
  // Each owner and each commit has written here, so the log offset is above the number of any that cannot be read.
  const number = 1 + Number(history.at(-1)?.offset ?? 0);
  const messages: PlacedMessage[] = [];
  const reports = feeds.map((feed): ChangeReport => {
    const name = feedName(feed);
    const unreadable = broken.filter((record) => record.feed === name);
    if (unreadable.length > 0 && !MENDS.includes(request.kind)) throw unreadableOffset(name);
    const readable = unreadable.length === 0 ? states : without(states, name);
    const last = signals.get(name);
    const decision = hasObeyed(last, note.signal) ? OBEYED : decideChange(readable, feed, request);
    const before = states.get(name);
    const stands = { feed, fromMs: before?.watermarkMs, seenKeys: before?.seenCount ?? 0, broken: unreadable.length };
    if ('unchanged' in decision) {
      const [toMs, plan] = [before?.watermarkMs, before?.pass];
      return { ...stands, unchanged: decision.unchanged, toMs, plan, forgotten: 0 };
    }
    const { change } = decision;
    const state = before ?? new OffsetState(feed, change.watermarkMs ?? 0);
    const [head, ...pages] = state.changeTo(change, contentsOf(number, []), number);
    messages.push(
      ...unreadable.map(({ key }) => ({ topic: offsets.topic, partition: shard, key, value: null })),
      changeMessage(offsets, head, { ...note, change: request.kind, signal: note.signal ?? last }),
      ...pages.map((page) => offsetMessage(offsets, shard, page)),
      offsetMessage(offsets, shard, head),
    );
    const fromMs = state.commits > 0 ? state.watermarkMs : undefined;
    const [seenKeys, forgotten] = [change.seen?.length ?? state.seenCount, forgottenBy(state, change)];
    return { ...stands, unchanged: undefined, fromMs, toMs: head.watermarkMs, plan: head.pass, seenKeys, forgotten };
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
