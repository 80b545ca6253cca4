import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readTopics } from '../reader/topics.ts';
import { closingJourneys } from './journey.ts';
import { assertWhole } from './verdict.ts';

// Goal: under strict nothing of a person is on the bus, and what can be joined still can. Method: a journey with whole
// calls, tables, bad rows, rows that change and a crash right behind such a change; the invariant of privacy looks at
// every topic of the connector, the test at the tables.

const { journey, closeAll } = closingJourneys();
const folder = mkdtempSync(join(tmpdir(), 'privacy-'));
after(closeAll);
after(() => rmSync(folder, { recursive: true }));

test('under strict a journey is whole, and no canary is in any topic', async () => {
  const one = await journey({
    simulator: { revisedShare: 0.5, revisedMaxMs: 10_000, poisonShare: 0.02 },
    settings: { PRIVACY_PRESET: 'strict', PRIVACY_KEY_FILE: join(folder, 'key'), PRIVACY_KEY_ID: 'k7' },
    calls: true,
  });
  writeFileSync(join(folder, 'key'), `${'a secret of thirty two characters'.replaceAll(' ', '-')}\n`);
  const tables = {
    KAFKA_TOPIC_CALL_LEGS_LATEST: `${one.prefix}.call-legs.latest`,
    KAFKA_TOPIC_CALL_RECORDS_LATEST: `${one.prefix}.call-records.latest`,
  };
  const first = one.start(tables);
  await one.line(({ corrected }) => Number(corrected) > 0);
  await first.kill();
  one.start(tables);
  assertWhole(await one.settle());

  const topics = ['call-legs', 'call-records', 'call-legs.latest', 'call-records.latest', 'calls'];
  const records = await readTopics(one.stack, topics.map((name) => `${one.prefix}.${name}`));
  assert.equal(new Set(records.map(({ topic }) => topic)).size, topics.length);
  assert.doesNotMatch(JSON.stringify(records), /Canary |1555013\d{4}/);
  assert.deepEqual([...new Set(records.map(({ headers }) => headers['ce_privacykey']))], ['k7']);

  const callersIn = (topic: string) => new Set(records.filter((record) => record.topic === `${one.prefix}.${topic}`)
    .map(({ value }) => String(value!['caller'])));
  const [legs, ofRecords] = [callersIn('call-legs'), callersIn('call-records')];
  const shared = ofRecords.intersection(legs).size / ofRecords.size;
  assert.ok(shared > 0.9, `${shared} of the callers in records are callers in legs`); // a call may have no leg
});
