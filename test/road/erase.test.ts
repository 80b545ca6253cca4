import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { readTopics, type ReadRecord } from '../reader/topics.ts';
import { command } from './command.ts';
import { closingJourneys } from './journey.ts';

// Goal: a person can have rows taken out of a table, and it can be told who wanted it, while the connector goes on as
// if nothing had been. Method: rows of a journey are erased while its worker runs; then all topics are read.

const { journey, closeAll } = closingJourneys();
after(closeAll);

test('erased rows are tombstones in their table, with a dead letter each, and live feeds do not notice', async () => {
  const one = await journey();
  const tables = { KAFKA_TOPIC_CALL_LEGS_LATEST: `${one.prefix}.call-legs.latest` };
  const settings = { ...one.settings, ...tables };
  const erase = (stream: string, ...args: readonly string[]) =>
    command({ settings }, 'erase', '--stream', stream, '--reason', 'request 17', ...args);
  one.start(tables);
  await one.line(({ msg, feed, published }) =>
    msg === 'polled' && feed === 'live/call-legs/acme' && Number(published) > 5);
  const read = (): Promise<readonly ReadRecord[]> => readTopics(one.stack, [tables.KAFKA_TOPIC_CALL_LEGS_LATEST]);
  const [first, second] = (await read()).filter(({ key }) => key!.startsWith('acme/')).map(({ key }) => key!);

  const foretold = await erase('call-legs', '--key', first!, '--dry-run');
  assert.match(foretold.stdout, /would be erased from .*\nNothing was changed/);
  const keys = [first!, second!.replace('acme', 'ACME'), first!];
  const told = await erase('call-legs', '--who', 'ada', '--key', ...keys);
  assert.deepEqual([told.code, told.stderr], [0, '']);
  assert.equal(told.stdout.match(/ is erased from /g)?.length, 2);
  for (const [stream, key, problem] of [
    ['call-legs', 'acme/1', /rows of call-legs are named pbx\/callId\/legId/],
    ['call-records', 'acme/1/1', /rows of call-records are named pbx\/callId/],
    ['call-records', 'acme/1', /KAFKA_TOPIC_CALL_RECORDS_LATEST: it is off/],
  ] as const) {
    const refused = await erase(stream, '--key', key);
    assert.deepEqual([refused.code, problem.test(refused.stderr)], [2, true], refused.stderr);
  }

  const { lost, doubled } = await one.drain();
  assert.deepEqual([lost, doubled], [[], []]);
  assert.deepEqual(one.lines.filter(({ code }) => String(code).startsWith('SINK_')), []);
  const table = new Map((await read()).map((record) => [record.key, record]));
  const gone = [...table.values()].filter(({ value, unreadable }) => value === null && unreadable === undefined);
  assert.deepEqual(gone.map(({ key }) => key).toSorted(), [first, second].toSorted());
  assert.ok(table.size > 10, 'the others are there');
  const letters = one.records.filter(({ value }) => value?.['code'] === 'ERASED').map(({ value }) => value!);
  const named = letters.map(({ pbxId, callId, legId }) => `${pbxId}/${callId}/${legId}`).toSorted();
  assert.deepEqual(named, [first, second].toSorted());
  assert.match(String(letters[0]!['reason']), /ada has erased it from .*call-legs\.latest\. Why: request 17$/);
});
