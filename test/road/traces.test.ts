import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { closingJourneys } from './journey.ts';
import type { SpanLine } from './tracing.ts';
import { assertWhole } from './verdict.ts';

// Goal: a trace leads from an event to the poll that has read it, and its spans tell nothing of rows and secrets.
// Method: a connector with an SDK that an operator would load; its spans are compared with the headers of its events.

const { journey, closeAll } = closingJourneys();
const folder = mkdtempSync(join(tmpdir(), 'spans-'));
after(async () => {
  await closeAll();
  rmSync(folder, { recursive: true });
});

test('an event leads to its commit, and that to the poll that has asked for the event', async () => {
  const file = join(folder, 'spans');
  const { href } = new URL('./tracing.ts', import.meta.url);
  const one = await journey();
  one.start({ NODE_OPTIONS: `--import ${href}`, SPANS_FILE: file });
  assertWhole(await one.settle());

  const text = readFileSync(file, 'utf8');
  const lines = text.trimEnd().split('\n').map((line) => JSON.parse(line) as SpanLine);
  const spans = new Map(lines.map((line) => [line.span, line]));
  const commits = new Set<string>();
  for (const { headers } of one.records) {
    const [, trace, span] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-01$/.exec(headers['traceparent']!) ?? [];
    const commit = spans.get(span!)!;
    const poll = spans.get(commit.parent!)!;
    assert.deepEqual([commit.name, commit.trace, poll.name, poll.trace], ['commit', trace, 'poll', trace]);
    assert.ok(headers['ce_commit']!.includes(`/${String(poll.attributes['connector.feed'])}/`));
    commits.add(poll.span);
  }
  const requests = lines.filter(({ name, parent }) => /^GET /.test(name) && commits.has(parent!));
  assert.ok(requests.length >= commits.size, 'each poll that has published has asked 8x8');
  const statuses = new Set(requests.map(({ attributes }) => attributes['http.response.status_code']));
  statuses.delete(undefined); // of a request that the end of the worker has cut off
  assert.deepEqual([...statuses], [200]);

  const { apiKey, username, password } = one.account.options;
  assert.deepEqual([apiKey, username, password, 'fetch', '?'].filter((told) => text.includes(told)), []);
});
