import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectorError } from '../../src/errors.ts';
import { createHealth, type Health } from '../../src/observe/health.ts';
import type { WorkerEvent } from '../../src/worker/worker.ts';
import { at, feedOf, minutes, pace } from '../worker/parts.ts';
import { closed, opened, owned, pollFailed, polled, shardFailed } from './events.ts';

function healthAt(): { health: Health; clock: { nowMs: number }; tell: (...events: WorkerEvent[]) => void } {
  const clock = { nowMs: at('10:00:00') };
  const health = createHealth('exactly-once', () => clock.nowMs);
  return { health, clock, tell: (...events) => events.forEach((event) => health.onEvent(event)) };
}

test('before it is in the group a worker is alive and not ready', () => {
  const { health } = healthAt();
  assert.deepEqual(health.alive(), { ok: true, guarantee: 'exactly-once', problems: [] });
  assert.deepEqual(health.ready(),
    { ok: false, guarantee: 'exactly-once', problems: ['not in the consumer group yet'] });
});

test('a worker is ready when every shard it owns has a session', () => {
  const { health, tell } = healthAt();
  tell(owned(0, 2), opened(0));
  assert.deepEqual(health.ready().problems, ['shard 2 has no session']);
  tell(opened(2));
  assert.ok(health.ready().ok);
  tell(closed(0));
  assert.deepEqual(health.ready().problems, ['shard 0 has no session']);
});

test('a worker without shards is ready: it stands by', () => {
  const { health, tell } = healthAt();
  tell(owned());
  assert.ok(health.ready().ok);
});

test('a shard that is being opened again is not ready, and the worker is alive', () => {
  const { health, tell } = healthAt();
  tell(owned(1), opened(1), closed(1), shardFailed(1));
  assert.deepEqual([health.ready().ok, health.alive().ok], [false, true]);
  tell(opened(1));
  assert.ok(health.ready().ok);
});

test('a feed that fails is named with its problem until it has polled', () => {
  const { health, tell } = healthAt();
  tell(owned(0), opened(0), pollFailed());
  assert.deepEqual(health.ready().problems, ['live/call-legs/acme: SOURCE_UNAVAILABLE: connection reset']);
  assert.ok(health.alive().ok, 'an outage of 8x8 is no reason to be restarted');
  tell(polled({}, feedOf('globex')));
  assert.equal(health.ready().problems.length, 1, 'another feed does not heal it');
  tell(polled());
  assert.ok(health.ready().ok);
});

test('the problem of a feed goes with the feed to another worker', () => {
  const { health, tell } = healthAt();
  tell(owned(0), opened(0), pollFailed(), closed(0), owned());
  assert.ok(health.ready().ok);
});

test('a worker with an open shard that says nothing for ten minutes is not alive', () => {
  const { health, clock, tell } = healthAt();
  tell(owned(0), opened(0), polled());
  clock.nowMs += minutes(10);
  assert.ok(health.alive().ok);
  clock.nowMs += 1;
  assert.deepEqual(health.alive().problems, ['no feed has polled for 600 s']);
  tell(pollFailed());
  assert.ok(health.alive().ok, 'a failure is a sign of life');
});

test('a slow pace has longer silences', () => {
  const { health, clock, tell } = healthAt();
  tell(owned(0), opened(0), polled({}, feedOf('acme', { pace: { ...pace, stepMinMs: minutes(15) } })));
  clock.nowMs += minutes(75);
  assert.ok(health.alive().ok);
});

test('a worker that has no session may be silent as long as it likes', () => {
  const { health, clock, tell } = healthAt();
  tell(owned());
  clock.nowMs += minutes(600);
  assert.ok(health.alive().ok);
});

test('a worker is alive when it takes over after an hour of standing by', () => {
  const { health, clock, tell } = healthAt();
  tell(owned());
  clock.nowMs += minutes(60);
  tell(owned(0), opened(0));
  assert.deepEqual(health.alive().problems, []);
});

test('a PBX that rests for 15 minutes because 8x8 refuses it is no hang', () => {
  const { health, clock, tell } = healthAt();
  tell(owned(0), opened(0), pollFailed('SOURCE_PBX_REFUSED'));
  clock.nowMs += minutes(15);
  assert.deepEqual(health.alive().problems, []);
});

test('a worker that is out of the group is not ready and says why, until it is in it again', () => {
  const { health, tell } = healthAt();
  const error = new ConnectorError('SINK_UNAVAILABLE', 'out of consumer group 8x8.live');
  tell(owned(0), opened(0), { kind: 'group-left', error }, closed(0), owned());
  assert.deepEqual(health.ready().problems, ['out of consumer group 8x8.live']);
  tell({ kind: 'group-joined' }, owned());
  assert.ok(health.ready().ok, 'to stand by without a shard is no problem');
});
