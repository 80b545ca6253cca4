import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readSignal } from '../src/signals.ts';

// Goal: what people write by hand becomes what it says, or nothing. Method: tables, and any JSON at all.

const NOW = Date.parse('2026-11-20T12:00:00Z');
const CANARY = 'canary-7f3a';
const known = { pbxIds: ['Acme', 'globex,umbrella'], streams: ['call-legs', 'call-records'] };
const read = (raw: object) => readSignal(JSON.stringify(raw), known, NOW);

const [FROM, TO] = ['2026-11-01T00:00:00.5Z', '2026-11-02T01:00:00+01:00'];
const plan = { fromMs: Date.parse('2026-11-01T00:00:00Z'), endMs: Date.parse('2026-11-02T00:00:00Z'), replay: false };
const requests: readonly (readonly [type: string, data: object, request: object])[] = [
  ['pause', { pass: 'live' }, { kind: 'pause' }],
  ['resume', { pass: 'old' }, { kind: 'resume' }],
  ['cancel', { pass: 'old' }, { kind: 'cancel' }],
  ['rewind', { pass: 'live', by: '2h' }, { kind: 'reset', to: { backMs: 7_200_000 } }],
  ['reset', { pass: 'live', to: TO }, { kind: 'reset', to: { timeMs: plan.endMs } }],
  ['backfill', { name: 'old', from: FROM, to: TO }, { kind: 'begin', plan }],
  ['replay', { name: 'old', from: FROM, to: TO }, { kind: 'begin', plan: { ...plan, replay: true } }],
];
for (const [type, data, request] of requests) {
  test(`a signal to ${type} becomes the change that it asks for, of the feeds that it names`, () => {
    const all = read({ id: 'a-1', type, data, who: 'me', reason: 'a test' });
    assert.ok(!('problem' in all), JSON.stringify(all));
    assert.deepEqual([all.id, all.type, all.request, all.who, all.reason], ['a-1', type, request, 'me', 'a test']);
    assert.equal(all.feeds.length, 4);
    const some = read({ type, data: { ...data, pbx: 'ACME', stream: 'call-legs' } });
    assert.ok(!('problem' in some));
    const pass = type === 'backfill' || type === 'replay' ? 'old' : (data as { pass: string }).pass;
    assert.deepEqual([some.feeds, some.who], [[{ pass, stream: 'call-legs', pbxId: 'Acme' }], 'a signal']);
  });
}

test('a signal to replay may name a topic, for one stream', () => {
  const data = { name: 'old', from: FROM, to: TO, stream: 'call-legs', topic: 'my.topic' };
  const all = read({ type: 'replay', data });
  const asked = { ...plan, replay: true, topic: 'my.topic' };
  assert.deepEqual('request' in all && all.request, { kind: 'begin', plan: asked });
});

const pause = { type: 'pause', data: { pass: 'live' } };
const refusals: readonly (readonly [outcome: 'unreadable' | 'refused', raw: object, says: RegExp])[] = [
  ['unreadable', [], /^signal must be an object/],
  ['unreadable', { ...pause, type: CANARY }, /^signal\.type must be one of pause, resume/],
  ['unreadable', { type: 'pause' }, /^signal\.data must be an object/],
  ['unreadable', { ...pause, id: `${CANARY} +49 89 1234` }, /^signal\.id must be a text of/],
  ['unreadable', { ...pause, who: CANARY.repeat(50) }, /^signal\.who must be a text of 500/],
  ['unreadable', { ...pause, reason: 5 }, /^signal\.reason must be a text of 500/],
  ['unreadable', { type: 'pause', data: {} }, /^data\.pass must be a text/],
  ['unreadable', { type: 'pause', data: { pass: 'live', pbxId: CANARY } }, /^data of a pause must have no field/],
  ['unreadable', { type: 'pause', data: { pass: 'live', pbx: 5 } }, /^data\.pbx must be a text/],
  ['unreadable', { type: 'rewind', data: { pass: 'live', by: CANARY } }, /^data\.by must be a span/],
  ['unreadable', { type: 'rewind', data: { pass: 'live', by: '1ms' } }, /^data\.by must be a span/],
  ['unreadable', { type: 'reset', data: { pass: 'live', to: '2026-11-20' } }, /^data\.to must be a time with its zone/],
  ['unreadable', { type: 'reset', data: { pass: 'old', to: TO } }, /^data\.pass must be "live"/],
  ['unreadable', { type: 'backfill', data: { pass: 'old', from: FROM, to: TO } }, /^data\.name must be a text/],
  ['unreadable', { type: 'backfill', data: { name: 'x', from: FROM, to: TO, topic: CANARY } },
    /^data of a backfill must/],
  ['unreadable', { type: 'replay', data: { name: 'x', from: FROM, to: TO, topic: 5 } }, /^data\.topic must be a text/],
  ['refused', { type: 'replay', data: { name: 'x', from: FROM, to: TO, topic: CANARY } },
    /^data\.topic needs one data\.stream, for a topic holds/],
  ['refused', { type: 'replay', data: { name: 'x', from: FROM, to: TO, stream: 'call-legs', topic: `${CANARY}/` } },
    /^data\.topic: a topic has 1 to 249/],
  ['refused', { type: 'pause', data: { pass: 'live', pbx: CANARY } }, /^data\.pbx: there are only Acme, globex,um/],
  ['refused', { type: 'pause', data: { pass: 'live', stream: CANARY } }, /^data\.stream: there are only call-legs/],
  ['refused', { type: 'rewind', data: { pass: 'live', by: '900d' } }, /^data\.by: 8x8 keeps two years/],
  ['refused', { type: 'reset', data: { pass: 'live', to: '2999-01-01T00:00:00Z' } }, /^data\.to lies in the future/],
  ['refused', { type: 'reset', data: { pass: 'live', to: '1970-01-01T00:00:00Z' } }, /^data\.to: 8x8 keeps two years/],
  ['refused', { type: 'backfill', data: { name: 'live', from: FROM, to: TO } }, /^data\.name: 1 to 64/],
  ['refused', { type: 'backfill', data: { name: 'x', from: TO, to: FROM } }, /^data\.from must lie before data\.to/],
];
for (const [outcome, raw, says] of refusals) {
  test(`a signal is ${outcome}: ${says.source}`, () => {
    const found = read(raw);
    assert.ok('problem' in found);
    assert.equal(found.outcome, outcome);
    assert.match(found.problem, says);
    assert.doesNotMatch(found.problem, new RegExp(CANARY));
  });
}

test('what is not JSON, or too long, is unreadable, and is not quoted', () => {
  for (const text of ['', CANARY, `{"${CANARY}`, `"${CANARY.repeat(9_000)}"`]) {
    const found = readSignal(text, known, NOW);
    assert.ok('problem' in found && found.outcome === 'unreadable');
    assert.doesNotMatch(found.problem, new RegExp(CANARY));
  }
});

test('no JSON at all makes it throw', () => {
  const anyData = fc.record({ pass: fc.jsonValue(), pbx: fc.jsonValue(), by: fc.jsonValue(), to: fc.jsonValue() },
    { requiredKeys: [] });
  const anySignal = fc.record({ type: fc.constantFrom('pause', 'rewind', 'reset', 'replay'), data: anyData });
  fc.assert(fc.property(fc.oneof(fc.json(), anySignal.map((raw) => JSON.stringify(raw))), (text) => {
    readSignal(text, known, NOW);
  }));
});
