import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { chromium, type Browser, type Page } from 'playwright-core';
import { serveHttp } from '../../src/observe/http.ts';
import { createObserver } from '../../src/observe/observer.ts';
import { opened, owned, report } from '../observe/events.ts';
import { closingJourneys } from '../road/journey.ts';
import { feedOf, minutes } from '../worker/parts.ts';

// Goal: the page shows what is, to whoever looks. Method: a real Chromium looks at a connector on real parts, and at
// one that is said to have 500 feeds. What it has seen is left in .cache/page/.

const PICTURES = '.cache/page';
const { journey, closeAll } = closingJourneys();
let browser: Browser;

before(async () => {
  mkdirSync(PICTURES, { recursive: true });
  const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] }).catch((error: Error) => {
    throw new Error(`no Chromium at ${executablePath}: apt-get install chromium, or set CHROMIUM\n${error.message}`);
  });
});
after(async () => {
  await browser?.close();
  await closeAll();
});

/** A page, and what its console has complained of: also of what its security policy forbids. */
async function open(url: string, colorScheme: 'light' | 'dark' = 'light'): Promise<Page & { complaints: string[] }> {
  const page = await browser.newPage({ colorScheme, viewport: { width: 1_280, height: 900 } });
  const complaints: string[] = [];
  page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())));
  page.on('pageerror', (error) => void complaints.push(String(error)));
  page.on('request', (request) => void (request.url().startsWith(url) || complaints.push(`asks ${request.url()}`)));
  await page.goto(url);
  return Object.assign(page, { complaints });
}

test('it shows the feeds of a running connector, their trouble with its cure, and that nobody answers', async () => {
  const one = await journey();
  const worker = one.start();
  const { http } = await one.line(({ msg }) => msg === 'starting');
  const page = await open(`${http}/`);
  await page.getByRole('row', { name: /acme call-legs fresh/ }).waitFor();
  assert.equal(await page.getByRole('row').count(), 5);
  for (const health of ['✔ alive', '✔ ready', '✔ fresh']) {
    await page.getByRole('list', { name: 'Health' }).getByText(health, { exact: true }).waitFor();
  }
  const figures = await page.locator('#figures').innerText();
  assert.match(figures, /Published\s+[\d,]{3,}/);
  await page.getByRole('img', { name: /^\d+ windows/ }).first().waitFor();
  await page.getByRole('img', { name: /^Rows by delay: .*[1-9]/ }).waitFor();
  await page.screenshot({ path: `${PICTURES}/running-light.png`, fullPage: true });
  const dark = await open(`${http}/`, 'dark');
  await dark.getByRole('row', { name: /acme call-legs fresh/ }).waitFor();
  await dark.screenshot({ path: `${PICTURES}/running-dark.png`, fullPage: true });
  await dark.close();

  await one.account.close();
  await page.getByRole('row', { name: /acme call-legs failing/ }).waitFor({ timeout: 60_000 });
  const problems = await page.locator('#problems').innerText();
  assert.match(problems, /SOURCE_UNAVAILABLE/);
  assert.match(problems, /EIGHT_BASE_URL|127\.0\.0\.1/);
  await page.screenshot({ path: `${PICTURES}/failing.png`, fullPage: true });
  assert.deepEqual(page.complaints, []);

  await worker.kill();
  await page.getByText('The connector does not answer').waitFor();
  await page.close();
});

test('with 500 feeds it can be searched by keyboard alone, and says how long it was busy', async (t) => {
  const observer = createObserver({
    name: 'many', guarantee: 'exactly-once', build: { version: '1.0.0', node: '24.0.0', commit: '' },
  }, Date.now);
  const feeds = Array.from({ length: 500 }, (_, number) => feedOf(`pbx-${String(number).padStart(3, '0')}`));
  observer.onEvent({ ...owned(0), feeds } as ReturnType<typeof owned>);
  const now = Date.now();
  observer.onEvent(opened(0, ...feeds.map((feed) => ({ feed, watermarkMs: now - minutes(2), paused: false }))));
  const poll = (feed: (typeof feeds)[number], agoMs: number): void => {
    const watermarkMs = Date.now() - minutes(2) - agoMs;
    const window = { from: watermarkMs - minutes(1), to: watermarkMs };
    const late = feed.id.pbxId.endsWith('7') ? 1 : 0;
    observer.onEvent({ kind: 'polled', feed, report: { ...report, window, watermarkMs, late } });
  };
  for (let window = 20; window > 0; window -= 1) for (const feed of feeds) poll(feed, minutes(window));
  const { metrics: { registry }, health, overview } = observer;
  const server = await serveHttp({ host: '127.0.0.1', port: 0, registry, health, overview });
  try {
    const page = await open(`${server.url}/`);
    await page.evaluate(`globalThis.busy = []; new PerformanceObserver((list) =>
      busy.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: 'longtask', buffered: true })`);
    await page.getByText('500 of 500 feeds').waitFor();
    for (let round = 0; round < 4; round += 1) {
      for (const feed of feeds.slice(round * 20, round * 20 + 20)) poll(feed, 0);
      await page.waitForTimeout(2_000);
    }
    const busy = await page.evaluate<number[]>('busy');
    t.diagnostic(`tasks longer than 50 ms: ${busy.map(Math.round).join(', ')} ms`);

    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'Skip to the feeds');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await page.keyboard.type('PBX-12');
    await page.getByText('10 of 500 feeds').waitFor();
    assert.equal(await page.getByRole('row', { name: /pbx-12/ }).count(), 10);
    await page.screenshot({ path: `${PICTURES}/many.png`, fullPage: true });
    assert.deepEqual(page.complaints, []);
  } finally {
    await server.close();
  }
});
