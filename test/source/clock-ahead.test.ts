import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSource, end, readAll, startServer } from './scripted-server.ts';

const NOON = Date.UTC(2024, 4, 1, 12); // where the fake clock begins
const clocks: readonly { readonly name: string; readonly date: string; readonly aheadMs: number }[] = [
  { name: 'two hours behind ours', date: new Date(NOON - 7_200_000).toUTCString(), aheadMs: 7_199_000 },
  { name: 'as ours', date: new Date(NOON).toUTCString(), aheadMs: 0 },
  { name: 'behind ours by the second that it cuts off', date: new Date(NOON - 1_000).toUTCString(), aheadMs: 0 },
  { name: 'ahead of ours', date: new Date(NOON + 7_200_000).toUTCString(), aheadMs: 0 },
  { name: 'nonsense', date: 'yesterday', aheadMs: 0 },
  { name: 'a date of another form', date: '2024-04-01 12:00', aheadMs: 0 },
];
for (const { name, date, aheadMs } of clocks) {
  test(`the source tells how far our clock is ahead: 8x8's is ${name}`, async (t) => {
    const server = await startServer(t, [{ ...end, headers: { date } }]);
    const { source } = createSource(server);
    await readAll(source);
    assert.equal(source.aheadMs(), aheadMs);
  });
}

test('what was told of the clock holds no longer once it was set back', async (t) => {
  const date = new Date(NOON - 7_200_000).toUTCString();
  const { source, clock } = createSource(await startServer(t, [{ ...end, headers: { date } }]));
  await readAll(source);
  clock.advance(-7_200_000);
  assert.equal(source.aheadMs(), 0);
});

test('what an answer tells of the clock holds no longer once it was set back while the body came', async (t) => {
  const date = new Date(NOON - 7_200_000).toUTCString();
  const server = await startServer(t, [(response) => {
    response.writeHead(200, { 'content-type': 'application/json', date }).flushHeaders();
    setTimeout(() => {
      clock.advance(-7_200_000);
      response.end(JSON.stringify({ meta: { totalRecordCount: 0, scrollId: 'No Data' }, data: [] }));
    }, 50);
  }]);
  const { source, clock } = createSource(server);
  await readAll(source);
  assert.equal(source.aheadMs(), 0);
});
