import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Host } from './host.ts';
import { VirtualClock, VirtualTime } from './virtual-time.ts';

test('timers fire by time, and in the order they were set where the time is equal', async () => {
  const time = new VirtualTime(1_000);
  const fired: string[] = [];
  for (const [name, delay] of [['late', 30], ['a', 10], ['b', 10], ['soon', 1], ['c', 10]] as const) {
    time.after(delay, () => fired.push(`${name} ${time.nowMs()}`));
  }
  await time.advanceTo(1_020);
  assert.deepEqual(fired, ['soon 1001', 'a 1010', 'b 1010', 'c 1010']);
  assert.deepEqual([time.nowMs(), time.pending], [1_020, 1]);
});

test('between two timers everything runs that can run', async () => {
  const time = new VirtualTime(0);
  const seen: number[] = [];
  const walk = async (): Promise<void> => {
    for (let step = 0; step < 5; step += 1) {
      await time.sleep(10);
      await Promise.resolve();
      seen.push(time.nowMs());
    }
  };
  const walking = walk();
  await time.advanceTo(50);
  await walking;
  assert.deepEqual(seen, [10, 20, 30, 40, 50]);
});

test('a cancelled timer does not fire and does not count', async () => {
  const time = new VirtualTime(0);
  const cancel = time.after(10, () => assert.fail('fired'));
  cancel();
  cancel();
  assert.equal(time.pending, 0);
  await time.advanceTo(20);
  assert.equal(time.pending, 0);
});

test('an abort ends a sleep at once, before or after it has begun', async () => {
  const time = new VirtualTime(0);
  const stop = new AbortController();
  const sleeping = time.sleep(1_000, stop.signal);
  stop.abort();
  await sleeping;
  await time.sleep(1_000, stop.signal);
  assert.deepEqual([time.nowMs(), time.pending], [0, 0]);
});

test('somebody who sleeps without end in no time is found out', async () => {
  const time = new VirtualTime(0);
  const again = (): void => void time.after(0, again);
  again();
  await assert.rejects(time.advanceTo(1, 1_000), /1000 timers have fired and it is still 1970/);
});

test('a clock that is set does not wake who sleeps', async () => {
  const time = new VirtualTime(0);
  const clock = new VirtualClock(time);
  let awake = false;
  void clock.sleepUntil(100, new AbortController().signal).then(() => (awake = true));
  clock.offsetMs = 1_000;
  await time.advanceTo(99);
  assert.deepEqual([awake, clock.nowMs()], [false, 1_099]);
  await time.advanceTo(100);
  assert.ok(awake);
});

test('a paused host wakes late, a dead one never', async () => {
  const time = new VirtualTime(0);
  const woken: string[] = [];
  const [paused, dead] = [new Host(1, time), new Host(2, time)];
  void paused.sleep(10).then(() => woken.push(`paused at ${time.nowMs()}`));
  void dead.sleep(10).then(() => woken.push('dead'));
  paused.freeze();
  dead.kill();
  await time.advanceTo(50);
  assert.deepEqual(woken, []);
  paused.thaw();
  await time.advanceTo(60);
  assert.deepEqual(woken, ['paused at 50']);
  assert.equal(paused.sleeping, 0);
});

test('a deadline passes when its host runs, and not once it has ended', async () => {
  const time = new VirtualTime(0);
  const host = new Host(1, time);
  const [late, ended] = [host.deadline(10), host.deadline(10)];
  assert.equal(host.sleeping, 2);
  ended.end();
  host.freeze();
  await time.advanceTo(20);
  assert.equal(late.signal.aborted, false);
  host.thaw();
  await time.advanceTo(30);
  assert.deepEqual([late.signal.aborted, ended.signal.aborted, host.sleeping, time.pending], [true, false, 0, 0]);
});
