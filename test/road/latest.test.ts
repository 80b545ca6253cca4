import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { readTopics } from '../reader/topics.ts';
import { closingJourneys } from './journey.ts';
import { assertWhole } from './verdict.ts';

// Goal: the tables hold what a reader of all events comes to. Method: a journey with rows that change and a worker that
// is killed; both topics of a stream are folded by key, and compared.

const { journey, closeAll } = closingJourneys();
after(closeAll);

test('a table has the last revision of each row, and no other rows', async () => {
  const one = await journey({ simulator: { revisedShare: 0.5, revisedMaxMs: 10_000, poisonShare: 0.02 } });
  const tables = {
    KAFKA_TOPIC_CALL_LEGS_LATEST: `${one.prefix}.call-legs.latest`,
    KAFKA_TOPIC_CALL_RECORDS_LATEST: `${one.prefix}.call-records.latest`,
  };
  const worker = one.start(tables);
  await one.line(({ corrected }) => Number(corrected) > 0);
  await worker.kill();
  one.start(tables);
  assertWhole(await one.settle());

  for (const stream of ['call-legs', 'call-records']) {
    const events = await readTopics(one.stack, [`${one.prefix}.${stream}`]);
    const table = await readTopics(one.stack, [`${one.prefix}.${stream}.latest`]);
    const last = new Map(events.map(({ headers, value }) => [headers['ce_subject'], value]));
    assert.ok([...last.values()].some((value) => Number(value!['revision']) > 1), 'enough has changed to tell');
    assert.deepEqual(new Map(table.map(({ key, value }) => [key, value])), last);
  }
});
