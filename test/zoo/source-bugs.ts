import { check, patch, worlds, type Bug } from './bug.ts';

/** Bugs in how 8x8 is read: `src/source/`. */
export const sourceBugs: readonly Bug[] = [
  {
    name: 'a short reading is taken as it is',
    believed: 'the scroll has come to its marked end, so there is no more to read',
    patches: [patch('source/work-analytics.ts', 'if (attempts === ATTEMPTS_MAX[lane] ||', 'if (attempts >= 1 ||')],
    caughtBy: [check('source/work-analytics', /^a window of which 8x8 shows fewer rows than it counts is read anew/)],
  },
  {
    name: '401 read as empty',
    believed: 'a user whose rights ended has no calls to show, and the other PBXs go on',
    patches: [patch('source/work-analytics.ts', 'if (renewed || !isCredentialRefused(answer.refusal)) {',
      `if (renewed && answer.refusal.status === 401) return { rows: [], nextScrollId: undefined, total: 0 };
    if (renewed || !isCredentialRefused(answer.refusal)) {`)],
    caughtBy: [check('source/refusals', 'a second 401 is a refusal')],
  },
  {
    name: 'HTML read as empty',
    believed: 'a report without JSON is a report without rows',
    patches: [patch('source/body.ts', 'if (!isJson(contentType)) {',
      `if (contentType === 'text/html') return { meta: { scrollId: 'No Data' }, data: [] };
  if (!isJson(contentType)) {`)],
    caughtBy: [check('source/http', 'the same page is asked for again after an HTML page with status 200')],
  },
  {
    name: 'prefix of a page parsed',
    believed: 'a cut answer holds whole rows, and the next poll brings the others',
    patches: [patch('source/body.ts', "throw malformed('broken JSON');",
      'return JSON.parse(`${text.slice(0, text.lastIndexOf("}") + 1)}]}`);')],
    caughtBy: [check('source/http', 'the same page is asked for again after truncated JSON', {
      says: /a page repeats rows and brings no new one/,
    })],
  },
  {
    name: 'bytes that are not UTF-8 read as well as can be',
    believed: 'a name with a replacement character is better than no page',
    patches: [patch('source/body.ts', '{ fatal: true }', '{}')],
    caughtBy: [check('source/http', 'the same page is asked for again after bytes that are not UTF-8')],
  },
  {
    name: 'terminator ignored',
    believed: 'an empty page is the end, whatever it says',
    patches: [patch('source/page.ts', 'if (scrollId === END_MARKER) return', 'if (scrollId === undefined) return')],
    caughtBy: [check('source/page', 'parsePage takes the marker on a page with rows for the end')],
  },
  {
    name: 'a short page taken for the last one',
    believed: 'a page that is not full has nothing behind it, and the request for an empty page is saved',
    patches: [patch('source/work-analytics.ts', 'if (page.nextScrollId !== undefined) continue;',
      'if (page.nextScrollId !== undefined && page.rows.length >= scroll.pageSize) continue;')],
    caughtBy: [check('source/work-analytics', 'a window is read to its documented end, page by page'), worlds(10)],
  },
  {
    name: 'an empty page ends a window that has counted more',
    believed: 'totals are stale; what counts is the page',
    patches: [patch('source/page.ts', 'total > receivedCount', 'totalRecordCount > Infinity')],
    caughtBy: [check('source/page', 'parsePage refuses no rows though more are counted')],
  },
  {
    name: 'an expired scroll taken for its end',
    believed: 'a scroll that is gone has nothing more to give',
    patches: [patch('source/work-analytics.ts', 'if (!hasScrollExpired(error, scroll) ||',
      'if (hasScrollExpired(error, scroll)) return; if (')],
    caughtBy: [check('source/work-analytics', 'a scroll that expires (410) starts the whole window over')],
  },
  {
    name: 'repeated pages not noticed',
    believed: 'rows are deduped by key anyway',
    patches: [patch('source/scroll.ts', "throw stuck('a page repeats rows and brings no new one');", '')],
    caughtBy: [check('source/work-analytics', 'a scroll that does not get on is an error: the same page again')],
  },
  {
    name: 'local-time arithmetic',
    believed: 'the server runs in UTC, and the getters say what the format needs',
    patches: [patch('source/work-analytics.ts', "return new Date(ms).toISOString().slice(0, 19).replace('T', ' ');",
      "return new Date(ms).toLocaleString('sv-SE');")],
    caughtBy: [check('source/host-zone', 'a process in America/New_York decides as one in UTC')],
  },
  {
    name: 'a 401 that comes late throws the new token away',
    believed: 'a token that was refused is of no use',
    patches: [patch('source/token.ts', 'if (current?.token === token) current', 'current')],
    caughtBy: [check('source/refusals', 'a 401 that comes late does not throw the new token away')],
  },
  {
    name: 'redirects followed, credentials and all',
    believed: 'following redirects is what HTTP clients do',
    patches: [patch('source/http.ts', "redirect: 'manual'", "redirect: 'follow'")],
    caughtBy: [check('source/http', 'a redirect is never followed, and says so')],
  },
  {
    name: 'the clock of this machine is trusted',
    believed: 'machines have NTP, and a Date header says more of proxies than of 8x8',
    patches: [patch('source/http.ts', "aheadOf(response.headers.get('date'), nowMs)", '0')],
    caughtBy: [check('source/clock-ahead', /^the source tells how far our clock is ahead: 8x8's is two hours/)],
  },
  {
    name: 'Retry-After taken for milliseconds',
    believed: 'times are milliseconds everywhere in this code',
    patches: [patch('source/retry-after.ts', 'return seconds * 1_000;\n  const', 'return seconds;\n  const')],
    caughtBy: [check('source/http', 'a 429 silences all feeds for as long as it says')],
  },
  {
    name: 'a 429 silences only the feed that got it',
    believed: 'whoever is throttled waits; the others have done nothing',
    patches: [patch('source/http.ts', 'wire.budget.pause(waitMs + wire.random() * 1_000);',
      'await wire.clock.sleepUntil(wire.clock.nowMs() + waitMs, AbortSignal.abort());')],
    caughtBy: [check('source/http', 'a 429 silences all feeds for as long as it says')],
  },
  {
    name: 'history goes before what is new',
    believed: 'a background request only takes what its own share has left, so it is in nobody\'s way',
    patches: [patch('source/budget.ts', 'while (background && liveWaiting > 0) await lastLive;', '')],
    caughtBy: [check('source/budget',
      'no background request goes while a live one waits, and each kind goes in its order')],
  },
  {
    name: 'each 429 lowers the rate',
    believed: 'the more of them come, the further we are above the limit',
    patches: [patch('source/throttle.ts', 'nowMs - last.atMs < ROUND_MS', 'nowMs < last.atMs')],
    caughtBy: [
      check('source/throttle', 'several 429s of one moment count once'),
      check('source/throttle', /^half an hour later the rate is near a limit that is lower/),
    ],
  },
];
