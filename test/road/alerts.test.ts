import { after, test } from 'node:test';
import { freePort } from '../stack/port.ts';
import { closingJourneys } from './journey.ts';
import { startPrometheus } from './prometheus.ts';

// Goal: a fault that somebody should be woken for does wake, and the alert ends with the fault. Method: a Prometheus
// with the project's own rules, sped up, scrapes a real connector while its broker, its credentials and it itself go.

const { journey, closeAll } = closingJourneys();
after(closeAll);

const WAKES = ['ConnectorDown', 'FeedLags', 'NoCommits', 'NoShardOwned', 'CredentialRefused', 'CallsMissing'];

test('a broker, a key and a process that go are told, and what heals is quiet again', async () => {
  const { start, line, account, stack } = await journey({ ownBroker: true, settings: { PACE_LAG_MAX: '5s' } });
  const worker = start();
  const { http } = await line(({ msg }) => msg === 'starting');
  const prometheus = await startPrometheus(String(http));
  try {
    const isQuiet = (firing: ReadonlySet<string>): boolean => !WAKES.some((name) => firing.has(name));
    const fires = (...names: readonly string[]) =>
      prometheus.until(`${names.join()} fire`, (firing) => names.every((name) => firing.has(name)));
    await line(({ msg, feed }) => msg === 'polled' && feed === 'live/call-records/globex');
    await stack.broker!.kill();
    await fires('ConnectorNotReady', 'FeedLags');
    await stack.broker!.start();
    await prometheus.until('quiet once the broker is back', isQuiet);

    Object.assign(account.options, { apiKey: 'revoked' });
    await fires('CredentialRefused', 'ConnectorNotReady');

    await worker.kill();
    await fires('ConnectorDown');
  } finally {
    await prometheus.stop();
  }
});

test('an 8x8 that misbehaves is told by what is wrong with it', async () => {
  const port = String(await freePort());
  const { start, account } = await journey({
    simulator: { poisonShare: 0.05, dateSkewMs: -60_000, forbiddenPbxIds: ['globex'] }, settings: { HTTP_PORT: port },
  });
  start();
  const prometheus = await startPrometheus(`http://127.0.0.1:${port}`);
  try {
    const fires = (...names: readonly string[]) =>
      prometheus.until(`${names.join()} fire`, (firing) => names.every((name) => firing.has(name)));
    await fires('PbxRefused', 'ClockSkew', 'DeadLetters', 'Drift', 'ConnectorNotReady');
    await account.close();
    await fires('SourceFailing');
  } finally {
    await prometheus.stop();
  }
});
