import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command } from 'commander';
import { addSimulateOptions, simulate } from '../../src/cli/simulate.ts';
import type { SimulateArguments } from '../../src/cli/simulate.ts';

function readArguments(...words: string[]): SimulateArguments {
  const command = addSimulateOptions(new Command('simulate')).exitOverride();
  return command.configureOutput({ writeErr: () => undefined })
    .parse(words, { from: 'user' }).opts<SimulateArguments>();
}

test('options have units, defaults and limits', () => {
  const args = readArguments('--history', '7d', '--pbxs', 'a, b', '--late-share', '0.1', '--requests-per-minute', '90');
  assert.deepEqual([args.history, args.pbxs], [7 * 86_400_000, ['a', 'b']]);
  assert.deepEqual([args.lateShare, args.requestsPerMinute], [0.1, 90]);
  assert.deepEqual([args.latency, args.tokenLifetime, args.faults], [30_000, 1_800_000, 'off']);
  for (const wrong of [['--history', '7'], ['--late-share', '2'], ['--calls-per-hour', '0'], ['--faults', 'some']]) {
    assert.throws(() => readArguments(...wrong), /error: /);
  }
});

test('prints what a connector needs to log in, and ends with its signal', async () => {
  const stop = new AbortController();
  const lines: string[] = [];
  const running = simulate(readArguments('--port', '0', '--pbxs', 'north'), stop.signal, (line) => lines.push(line));
  for (let turn = 0; turn < 1_000 && lines.length < 8; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  const told = Object.fromEntries(lines.filter((line) => line.startsWith('EIGHT_')).map((line) => line.split('=')));
  const response = await fetch(`${told.EIGHT_BASE_URL}/v1/oauth/token`, {
    method: 'POST',
    headers: { '8x8-apikey': told.EIGHT_API_KEY },
    body: new URLSearchParams({ username: told.EIGHT_USERNAME, password: told.EIGHT_PASSWORD }),
  });
  assert.equal(response.status, 200);
  assert.equal(told.EIGHT_PBX_IDS, 'north');
  stop.abort();
  await running;
});
