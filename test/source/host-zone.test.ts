import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { patched, type Patch } from '../patches/patch.ts';
import type { Answer, AskedWindow, Decisions } from './host-zone-decisions.ts';

// Goal: nothing that is decided depends on the zone of the machine. Method: a process in each of the nastiest zones
// from its start on plans and asks for windows over changes of clocks, reads START_FROM, and maps rows; all must say
// the same. Shown to have teeth by processes that reckon in local time.

const program = new URL('host-zone-decisions.ts', import.meta.url).pathname;

async function answerIn(zone: string, patches: readonly Patch[] = []): Promise<Answer> {
  const { args, env } = patched(patches);
  const { stdout } = await promisify(execFile)(process.execPath, [...args, program], { env: { ...env, TZ: zone } });
  return JSON.parse(stdout) as Answer;
}

/** What is wrong with windows as they are asked for: each must mean its own, and begin before the last one ends. */
function problemsOf({ chains }: Decisions): readonly string[] {
  const instant = (text: string): number => Date.parse(`${text.replace(' ', 'T')}Z`);
  const problemOf = ({ planned, asked }: AskedWindow, index: number, chain: readonly AskedWindow[]): string[] => {
    const [from, to] = asked.map(instant);
    const lastTo = index === 0 ? from : instant(chain[index - 1]!.asked[1]);
    return [
      ...(from === planned[0] && to === planned[1] ? [] : [`${asked.join(' - ')} is another window`]),
      ...(from! <= lastTo! && lastTo! < to! ? [] : [`${asked.join(' - ')} leaves a hole, or brings nothing`]),
    ];
  };
  return chains.flatMap((chain) => chain.flatMap(problemOf));
}

const zones: readonly (readonly [zone: string, january: number, july: number])[] = [
  ['Australia/Lord_Howe', -660, -630],
  ['America/St_Johns', 210, 150],
  ['America/New_York', 300, 240],
  ['Pacific/Apia', -780, -780],
  ['Pacific/Chatham', -825, -765],
  ['Europe/Dublin', 0, -60],
  ['Africa/Casablanca', -60, -60],
  ['Antarctica/Troll', 0, -120],
];

const inUtc = answerIn('UTC');
const inZones = zones.map(([zone]) => answerIn(zone));

test('windows over changes of clocks are asked for in UTC, one after the other', async () => {
  const { decisions } = await inUtc;
  assert.ok(decisions.chains.flat().length > 200);
  assert.deepEqual(problemsOf(decisions), []);
});

for (const [index, [zone, ...offsets]] of zones.entries()) {
  test(`a process in ${zone} decides as one in UTC`, async () => {
    const answer = await inZones[index]!;
    assert.deepEqual(answer.offsets, offsets, 'and it is in that zone');
    assert.deepEqual(answer.decisions, (await inUtc).decisions);
  });
}

test('a process that asks in local time is found', async () => {
  const { decisions } = await answerIn('Australia/Lord_Howe', [{
    file: 'src/source/work-analytics.ts',
    find: 'return new Date(ms).toISOString().slice(0, 19)',
    replace: 'return new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 19)',
  }]);
  const problems = problemsOf(decisions).join('\n');
  assert.match(problems, /is another window/);
  assert.match(problems, /leaves a hole/);
});

test('a process that reads START_FROM in local time is found', async () => {
  const { decisions } = await answerIn('America/St_Johns', [{
    file: 'src/config.ts',
    find: ': Date.parse(startFrom);',
    replace: ": Date.parse(startFrom.replace('Z', ''));",
  }]);
  assert.notDeepEqual(decisions.starts, (await inUtc).decisions.starts);
});
