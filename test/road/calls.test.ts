import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { readTopics, type ReadRecord } from '../reader/topics.ts';
import { closingJourneys, type Journey } from './journey.ts';
import { assertWhole } from './verdict.ts';

// Goal: each call comes as a whole, once, on the real parts, also when its worker is killed. Method: compare what is
// told with what the topics of the rows hold; and all invariants.

const { journey, closeAll } = closingJourneys();
after(closeAll);

const isChild = ({ value }: ReadRecord): boolean => value!['parentCallId'] !== null;
const rootOf = ({ value }: ReadRecord): string =>
  `${String(value!['pbxId']).toLowerCase()}/${value!['parentCallId'] ?? value!['callId']}`;

/** Calls of which the topics have the record and all legs that it counts, and that are told as complete. */
async function compare({ stack, prefix }: Journey, rule: string) {
  const read = (name: string): Promise<readonly ReadRecord[]> => readTopics(stack, [`${prefix}.${name}`]);
  const [legs, records, told] = [await read('call-legs'), await read('call-records'), await read('calls')];
  const legsOf = Map.groupBy(legs, rootOf);
  const whole = records.filter((record) => {
    const counted = (legsOf.get(rootOf(record)) ?? []).filter((leg) => rule === 'with-children' || !isChild(leg));
    return counted.length === record.value!['callLegCount'];
  }).map(rootOf);
  const complete = told.filter(({ value }) => value!['state'] === 'complete');
  return { whole: new Set(whole), complete, told };
}

for (const rule of ['own', 'with-children'] as const) {
  test(`every call is told once when all of it is there, where records count ${rule}`, async () => {
    const one = await journey({
      simulator: { legCount: rule, historyMs: 5 * 60_000, callsPerHour: 2_400 },
      settings: { CALL_LEG_COUNT: rule },
      calls: true,
    });
    const worker = one.start();
    await one.line(({ msg, feed }) => msg === 'polled' && feed === 'live/call-records/globex');
    await worker.kill();
    one.start();
    assertWhole(await one.settle());
    const { whole, complete, told } = await compare(one, rule);
    assert.ok(whole.size > 50, `${whole.size} whole calls`);
    const names = complete.map(({ headers }) => String(headers['ce_subject']));
    const late = [...whole].filter((call) => !names.includes(call));
    assert.ok(late.length <= 5, `not told: ${late.join()}`); // those of the last seconds
    assert.equal(new Set(told.map(({ value }) => value!['eventId'])).size, told.length);
    assert.deepEqual(names.filter((call) => !whole.has(call)), []);
  });
}
