import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { ConnectorError, reactionTo } from '../../src/errors.ts';
import type { FeedId } from '../../src/feed/feed.ts';
import type { Learnt } from '../../src/feed/learnt.ts';
import type { SeenEntry } from '../../src/feed/offset.ts';
import type { Commit, ShardSession, Sink } from '../../src/sink/sink.ts';
import { callLegs } from '../../src/streams/call-legs.ts';
import type { BusEvent } from '../../src/streams/stream.ts';

/** What the contract needs of the sink it is run on. */
export interface Candidate {
  /** A sink of the same connector, as another process would have it. It takes over from the ones before. */
  open(): Promise<Sink>;
  /** Event ids of all that a reader of committed events sees, in the order of their partition. */
  readPublished(): Promise<readonly string[]>;
}

const at = (clock: string) => Date.parse(`2026-03-01T${clock}Z`);
const window = { from: at('09:00:00'), to: at('11:00:00') };
const feed: FeedId = { stream: 'call-legs', pbxId: 'acme', pass: 'live' };

/** A leg of the documented shape, in an event that the mapping itself has made. */
export function legEvent(callId: string, disconnectedAt = at('10:00:00')): BusEvent {
  const row = { pbxId: 'acme', callId, legId: '1', startTimeUTC: at('09:59:00'), disconnectedTimeUTC: disconnectedAt };
  return callLegs.toEvent(row, { pbxId: 'acme', window, observedAtMs: at('10:30:00') });
}

export function step(events: readonly BusEvent[], watermark = '09:00:00', seenFrom = '08:00:00', of = feed): Commit {
  const seen = events.map(remembered);
  const seenFromMs = at(seenFrom);
  return { feed: of, events, step: { watermarkMs: at(watermark), seenFromMs, forgetBeforeMs: seenFromMs, seen } };
}

/** What a feed remembers of an event; of a third revision, so that the number is seen to be kept. */
function remembered({ key, eventTimeMs: timeMs, contentHash: hash, marks }: BusEvent): SeenEntry {
  return { key, timeMs, hash, revision: 3, marks };
}

/** What is learnt of a PBX, each number another where it may be. */
const learnt: Learnt = { silence: {
  profile: { tenths: [...Array(168).keys()], weeks: Array.from({ length: 168 }, () => 3) },
  quietSinceMs: at('08:59:59'), hourMs: at('08:00:00'), hourRows: 7,
}, delays: {
  histogram: Array.from({ length: 32 }, (_, index) => 32 - index),
  auto: { settleMs: 9_000, tooShortMs: 8_000, sinceMs: at('07:00:00'), rows: 6, late: 5, lookbackMs: 4_000_000,
    lookbackSinceMs: at('06:00:00') },
} };

/** The promises of a sink, written once. Every sink must keep them. */
export function testSink(name: string, candidate: Candidate): void {
  const stop = new AbortController();
  const sinks: Sink[] = [];
  const sessions: ShardSession[] = [];

  const open = async (): Promise<Sink> => {
    const sink = await candidate.open();
    sinks.push(sink);
    await sink.check();
    await ownsAll(sink, stop.signal);
    return sink;
  };
  const openShard = async (sink: Sink): Promise<ShardSession> => {
    const session = await sink.openShard(0);
    sessions.push(session);
    return session;
  };
  after(async () => {
    stop.abort();
    for (const session of sessions) await session.close();
    for (const sink of sinks) await sink.close();
  });
  const idsOf = (...events: BusEvent[]) => events.map(({ value }) => String(value['eventId']));

  test(`${name}: a feed without a commit has no offset`, async () => {
    const session = await openShard(await open());
    assert.equal(session.offsetOf({ ...feed, pbxId: 'never-polled' }), undefined);
    await session.close();
  });

  test(`${name}: events, watermark and keys are there for the next session`, async () => {
    const sink = await open();
    const [a, b] = [legEvent('a'), legEvent('b', at('10:10:00'))];
    const first = await openShard(sink);
    await first.commit(step([a]));
    const { step: second, ...rest } = step([b]);
    await first.commit({ ...rest, step: { ...second, drift: ['misfit missed'], learnt } });
    await first.commit(step([], '10:30:00', '08:30:00'));
    assert.equal(first.offsetOf(feed)!.watermarkMs, at('10:30:00'), 'the session knows what it has committed');
    await first.close();

    const offset = (await openShard(sink)).offsetOf(feed)!;
    assert.equal(offset.watermarkMs, at('10:30:00'));
    assert.equal(offset.seenFromMs, at('08:30:00'));
    assert.deepEqual({ ...offset.seenEntry(a.key) }, remembered(a));
    assert.deepEqual({ ...offset.seenEntry(b.key) }, remembered(b));
    assert.deepEqual([...offset.drift], ['misfit missed']);
    assert.deepEqual(structuredClone(offset.learnt), learnt);
    const published = await candidate.readPublished();
    assert.deepEqual(idsOf(a, b).filter((id) => published.filter((other) => other === id).length === 1), idsOf(a, b));
  });

  test(`${name}: keys before forgetBefore are forgotten, later ones are kept`, async () => {
    const sink = await open();
    const own = { ...feed, pbxId: 'forgetful' };
    const [old, young] = [legEvent('old', at('08:40:00')), legEvent('young', at('10:20:00'))];
    const first = await openShard(sink);
    await first.commit(step([old], '10:30:00', '08:30:00', own));
    await first.commit(step([young], '10:30:00', '08:30:00', own));
    await first.commit(step([], '11:00:00', '09:00:00', own));
    assert.equal(first.offsetOf(own)!.seenEntry(old.key), undefined);
    await first.close();

    const offset = (await openShard(sink)).offsetOf(own)!;
    assert.equal(offset.seenEntry(old.key), undefined);
    assert.notEqual(offset.seenEntry(young.key), undefined);
  });

  test(`${name}: a new session shuts out the one before, which then is dead`, async () => {
    const [lost, kept, late] = [legEvent('lost'), legEvent('kept'), legEvent('late')];
    const zombie = await openShard(await open());
    const owner = await openShard(await open());
    await assert.rejects(zombie.commit(step([lost], '11:00:00')), isReopen);
    await owner.commit(step([kept], '11:00:00', '09:00:00'));
    await assert.rejects(zombie.commit(step([late], '11:00:00')), isReopen);

    const published = await candidate.readPublished();
    for (const id of idsOf(lost, late)) assert.ok(!published.includes(id), 'nothing of the zombie is visible');
    for (const id of idsOf(kept)) assert.ok(published.includes(id), 'the owner goes on');
  });

  test(`${name}: rejected rows are published in the same commit`, async () => {
    const session = await openShard(await open());
    const rejected = callLegs.toEvent({ pbxId: 'acme' }, { pbxId: 'acme', window, observedAtMs: at('10:30:00') });
    assert.equal(rejected.channel, 'rejected');
    await session.commit(step([rejected, legEvent('beside')], '11:00:00', '09:00:00'));
    const published = await candidate.readPublished();
    for (const id of idsOf(rejected, legEvent('beside'))) assert.ok(published.includes(id));
  });
}

/** A process that is alone gets every shard. It stays in the group until `signal` aborts. */
export function ownsAll(sink: Sink, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const follow = async (): Promise<void> => {
      for await (const shards of sink.ownedShards(signal)) if (shards.size === sink.shardCount) resolve();
    };
    follow().catch(reject);
  });
}

/** An error that ends a session, and no more. */
export function isReopen(error: unknown): boolean {
  return error instanceof ConnectorError && reactionTo(error) === 'reopen';
}
