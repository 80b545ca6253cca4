import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Check } from '../../src/doctor/check.ts';
import { readWholeTopics } from '../reader/topics.ts';
import { withAdmin } from '../stack/admin.ts';
import { command, type Said } from './command.ts';
import { closingJourneys, type Journey } from './journey.ts';
import { allTopics } from './worker.ts';

// Goal: `doctor` finds what is wrong on real parts, says nothing of what is not, and changes nothing. Method: the whole
// command, before a connector has run, after it, and where something has been broken.

const { journey, closeAll } = closingJourneys();
after(closeAll);

const CALM = { EIGHT_REQUESTS_PER_MINUTE: '6000' };

async function examine(
  { settings }: Pick<Journey, 'settings'>,
  more: Readonly<Record<string, string>> = {},
): Promise<Said & { readonly checks: readonly Check[] }> {
  const said = await command({ settings: { ...settings, ...CALM, ...more } }, 'doctor', '--json');
  for (const secret of ['EIGHT_PASSWORD', 'EIGHT_API_KEY', 'EIGHT_USERNAME']) {
    assert.ok(!`${said.stdout} ${said.stderr}`.includes(settings[secret]!), `${secret} is not told`);
  }
  return { ...said, checks: said.stdout.trim().split('\n').map((line) => JSON.parse(line) as Check) };
}

function unwell(checks: readonly Check[]): readonly string[] {
  return checks.filter(({ state }) => state === 'failed' || state === 'warning').map(({ name }) => name);
}

test('before the first run and after it all is well, and doctor leaves no record behind', async () => {
  const one = await journey();
  const before = await examine(one);
  assert.deepEqual([before.code, unwell(before.checks), before.stderr], [0, [], '']);
  assert.ok(before.checks.some(({ name, found }) => name.startsWith('topic ') && /run creates it/.test(found)));

  const worker = one.start();
  await one.line(({ msg }) => msg === 'polled');
  await worker.stop();
  const topics = allTopics(one.prefix);
  const { uncommitted, ends } = await readWholeTopics(one.stack, topics);
  const behind = await examine(one);
  assert.deepEqual([behind.code, unwell(behind.checks)], [0, []]);
  assert.deepEqual(behind.checks.filter(({ state }) => state === 'skipped'), []);
  const later = await readWholeTopics(one.stack, topics);
  assert.deepEqual(later.uncommitted, uncommitted, 'not even one of an aborted transaction');
  assert.ok(later.ends.some(({ end }, at) => end > ends[at]!.end), 'only markers: the right to write was tried');

  const text = await command({ settings: { ...one.settings, ...CALM } }, 'doctor');
  assert.match(text.stdout, /^ok +8x8 +api-key +it is accepted$/m);
  assert.match(text.stdout, /\d+ ok, 0 warning, 0 failed, 0 skipped\n$/);
});

test('offsets that Kafka deletes, a schema that does not fit, and a wrong setting: each is named', async () => {
  const one = await journey();
  const { prefix, stack } = one;
  const topic = `${prefix}.offsets`;
  await withAdmin(stack.brokers, (admin) => admin.createTopics({
    topics: [{ topic, numPartitions: 8, replicationFactor: 1, configEntries: [] }],
  }));
  const schema = JSON.stringify({ type: 'record', name: 'Other', fields: [{ name: 'other', type: 'int' }] });
  const registered = await fetch(`${stack.registryUrl}/subjects/${prefix}.ledger-value/versions`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ schema }),
  });
  assert.ok(registered.ok, await registered.text());

  const { code, checks } = await examine(one, { KAFKA_TRANSACTION_TIMEOUT: '1h' });
  assert.equal(code, 7);
  assert.deepEqual(unwell(checks), ['transactions', `topic ${topic}`, `schema ${prefix}.ledger-value`]);
  const { cure } = checks.find(({ name }) => name === `topic ${topic}`)!;
  assert.match(cure!, new RegExp(`--entity-name ${topic} --add-config cleanup.policy=compact`));
});

test('brokers and a registry that cannot be reached fail once, and what needs them is skipped', async () => {
  const one = await journey();
  const { code, checks } = await examine(one, {
    KAFKA_BROKERS: '127.0.0.1:9', SCHEMA_REGISTRY_URL: 'http://127.0.0.1:9',
  });
  assert.equal(code, 7);
  const [kafka, registry] = (['kafka', 'registry'] as const).map((of) => checks.filter(({ part }) => part === of));
  assert.deepEqual(kafka!.map(({ name, state }) => `${name} ${state}`),
    ['brokers failed', 'transactions skipped', 'topics skipped', 'rights skipped']);
  const [first, ...others] = registry!;
  assert.equal(first!.state, 'failed');
  assert.ok(others.length > 3 && others.every(({ state }) => state === 'skipped'));
});

test('settings that make no sense are the one thing that is told', async () => {
  const one = await journey();
  const { code, checks } = await examine(one, { EIGHT_PAGE_SIZE: 'many' });
  assert.equal(code, 7);
  assert.deepEqual(checks.map(({ part, state }) => `${part} ${state}`),
    ['config failed', '8x8 skipped', 'kafka skipped', 'registry skipped']);
  assert.match(checks[0]!.found, /EIGHT_PAGE_SIZE/);
});
