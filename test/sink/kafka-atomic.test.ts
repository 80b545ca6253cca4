import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { KafkaSink } from '../../src/sink/kafka.ts';
import type { Commit, ShardSession } from '../../src/sink/sink.ts';
import { callLegs } from '../../src/streams/call-legs.ts';
import { rejectRow } from '../../src/streams/rejected.ts';
import type { BusEvent } from '../../src/streams/stream.ts';
import { entry } from '../feed/entry.ts';
import { readTopics } from '../reader/topics.ts';
import { startStack, type Stack } from '../stack/stack.ts';
import { legEvent, ownsAll, step } from './sink.contract.ts';
import { smallSink } from './small-sink.ts';

// Goal: a commit is visible as a whole or not at all, dead letters and offset too. Method: each part of a commit in
// turn is too large for a real broker, which refuses it; the others must not be there either.

let stack: Stack;
let sink: KafkaSink;
const stop = new AbortController();
const name = `atomic-${randomUUID().slice(0, 8)}`;

before(async () => {
  stack = await startStack();
  sink = new KafkaSink(smallSink(name, stack));
  await sink.check();
  await ownsAll(sink, stop.signal);
});
after(async () => {
  stop.abort();
  await sink.close();
  await stack.stop();
});

const feed = step([]).feed;
const context = {
  pbxId: 'acme',
  window: { from: Date.parse('2026-03-01T09:00:00Z'), to: Date.parse('2026-03-01T11:00:00Z') },
  observedAtMs: Date.parse('2026-03-01T11:00:00Z'),
};
const text = 'x'.repeat(2_000_000);
const letter = callLegs.toEvent({ pbxId: 'acme' }, context);
const withField = (event: BusEvent, field: string): BusEvent =>
  ({ ...event, value: { ...event.value, [field]: text } });

const commit = step([legEvent('a'), letter], '10:00:00');
const refused: Record<string, Commit> = {
  'an event': { ...commit, events: [...commit.events, withField(legEvent('large'), 'callerName')] },
  'a dead letter': {
    ...commit,
    events: [...commit.events, withField(rejectRow({}, 'call-legs', context, {
      code: 'TOO_LARGE', field: null, reason: 'a test',
    }), 'payload')],
  },
  'its keys': { ...commit, step: { ...commit.step, seen: [...commit.step.seen, entry(text, 0)] } },
};

async function visibleIds(): Promise<readonly string[]> {
  const { topics } = smallSink(name, stack);
  const records = await readTopics(stack, [topics['call-legs'], topics['call-records'], topics.rejected]);
  return records.map(({ value }) => String(value!['eventId']));
}

const idOf = ({ value }: BusEvent): string => String(value['eventId']);

/** The offset as it was before all that was refused, and nothing of that is visible. */
async function assertUntouched(session: ShardSession): Promise<void> {
  assert.equal(session.offsetOf(feed)?.watermarkMs, Date.parse('2026-03-01T09:00:00Z'));
  assert.deepEqual([session.offsetOf(feed)?.seenCount, session.offsetOf(feed)?.commits], [1, 1]);
  assert.deepEqual(await visibleIds(), [idOf(legEvent('first'))]);
}

test('a commit of which Kafka refuses one part leaves nothing of the others, and ends its session', async () => {
  const first = await sink.openShard(0);
  await first.commit(step([legEvent('first')]));
  await first.close();

  for (const [part, large] of Object.entries(refused)) {
    const session = await sink.openShard(0);
    await assert.rejects(session.commit(large), { name: 'ConnectorError' }, part);
    await assert.rejects(session.commit(commit), { code: 'SINK_OUTCOME_UNKNOWN' }, `behind ${part}`);
    await session.close();
  }

  const last = await sink.openShard(0);
  await assertUntouched(last);
  await last.commit(commit);
  await last.close();
  assert.deepEqual((await visibleIds()).toSorted(), [legEvent('first'), ...commit.events].map(idOf).toSorted());
});
