import { check, patch, worlds, type Bug } from './bug.ts';

/** Bugs in how far a feed is read and what it remembers: `src/feed/`. */
export const feedBugs: readonly Bug[] = [
  {
    name: 'per-page watermark',
    believed: 'saving progress with every page spares a crash the pages it has read',
    patches: [patch('feed/offset.ts', 'return { watermarkMs, seenFromMs, seen, drift',
      'return { watermarkMs: Math.max(watermarkMs, ...seen.map(({ timeMs }) => timeMs)), seenFromMs, seen, drift')],
    caughtBy: [check('feed/offset', /^afterPage leaves both times where they are/), worlds(10)],
  },
  {
    name: 'watermark goes back with a clock that was set back',
    believed: 'the end of the last window is where the feed stands, whatever it was before',
    patches: [patch('feed/offset.ts', 'Math.max(offset.watermarkMs, scan.window.to)', 'scan.window.to')],
    caughtBy: [check('feed/offset', 'afterWindow never moves the watermark back')],
  },
  {
    name: 'dedupe off',
    believed: 'the watermark keeps windows apart, so only a page can hold a row twice',
    patches: [patch('feed/seen.ts', 'seen.get(key) ?? offset.seenEntry(key)', 'seen.get(key)')],
    caughtBy: [check('worker/poll', 'pollOnce publishes each leg once when commit 1 is lost-after-commit'), worlds(10)],
  },
  {
    name: 'changes are dropped as repeats',
    believed: 'a row that was published is known, and need not be looked at again',
    patches: [patch('feed/seen.ts', '} else if (known.hash !== hash) {', '} else if (known.hash === 0) {')],
    caughtBy: [check('feed/seen', /^takeFresh keeps a changed content of a known key/), worlds(10)],
  },
  {
    name: 'a change is compared with what was published first',
    believed: 'what is known of a row is its first content',
    patches: [patch('feed/seen.ts', 'known.timeMs), hash, revision', 'known.timeMs), hash: known.hash, revision')],
    caughtBy: [check('feed/seen', /^takeFresh follows a row that changes inside the page/), worlds(10)],
  },
  {
    name: 'every correction is revision 2',
    believed: 'the event says which revision it is, so the next one is one more',
    patches: [patch('streams/rows.ts', 'const revision = before.revision + 1;',
      "const revision = Number(event.value['revision']) + 1;")],
    caughtBy: [check('worker/poll', /^pollOnce publishes each change of a row once/)],
  },
  {
    name: 'a changed row is remembered at its new time',
    believed: 'the time of the latest content is the time of the row',
    patches: [patch('feed/seen.ts', 'timeMs: Math.max(timeMs, known.timeMs), hash', 'timeMs, hash')],
    caughtBy: [check('feed/seen', /^takeFresh remembers a changed row at the later of its times/)],
  },
  {
    name: 'a moved key is remembered where it was first',
    believed: 'a known key is known; nothing about it needs writing again',
    patches: [patch('feed/seen.ts', 'if (timeMs > known.timeMs) seen.set(key, { ...known, timeMs });', '')],
    caughtBy: [check('feed/seen', /^takeFresh remembers an unchanged key at its later time/)],
  },
  {
    name: 'rows from before the origin are taken for new',
    believed: 'a row that was never seen is new',
    patches: [patch('feed/seen.ts', 'timeMs < offset.seenFromMs', 'false')],
    caughtBy: [check('worker/poll', 'pollOnce drops rows from before the origin and counts them')],
  },
  {
    name: 'seen keys forgotten too early',
    believed: 'a page of keys is old once the first of them is',
    patches: [patch('feed/offset.ts', 'Math.max(newest, timeMs), 0)', 'Math.min(newest, timeMs), Infinity)')],
    caughtBy: [check('feed/offset', 'no key with a time within the memory is ever forgotten'), worlds(10)],
  },
  {
    name: 'keys remembered no longer than they are read',
    believed: 'a row that is never read again needs no key',
    patches: [patch('feed/window.ts', 'return pace.lookbackMs + pace.sweepEveryMs + pace.stepMinMs;',
      'return pace.lookbackMs;')],
    caughtBy: [{ ...check('world/world', /^worlds that were broken once/), env: { SEED: '1' } }],
  },
  {
    name: 'pages of keys forgotten in any order',
    believed: 'each page is judged by itself, so one that is still young must not hold the later ones back',
    patches: [patch('feed/offset.ts', 'if (newestMs >= forgetBeforeMs) break;',
      'if (newestMs >= forgetBeforeMs) continue;')],
    caughtBy: [check('feed/offset', /^memory is bounded/)],
  },
  {
    name: 'a living page of keys is written over',
    believed: 'page numbers of forgotten pages are free again',
    patches: [patch('feed/offset.ts', 'page: this.#nextPage + from', 'page: this.#pages.size + from')],
    caughtBy: [check('feed/offset', /^a page without entries is a tombstone/)],
  },
  {
    name: 'settle 0',
    believed: 'a call that has ended can be read, and the overlap covers the rest',
    patches: [patch('feed/window.ts', 'floorToSecond(nowMs - pace.settleMs)', 'floorToSecond(nowMs)')],
    caughtBy: [check('feed/window', /^planWindow reads up to the settled edge/)],
  },
  {
    name: 'no overlap between windows',
    believed: 'half-open windows join exactly, so reading behind the watermark only costs requests',
    patches: [patch('feed/window.ts', ': pace.overlapMs;', ': 0;')],
    caughtBy: [check('feed/window', /^planWindow overlaps the window before/)],
  },
  {
    name: 'window ends rounded to the nearest second',
    believed: '8x8 takes whole seconds, and half a second is no distance',
    patches: [patch('feed/window.ts', 'Math.floor(ms / 1_000)', 'Math.round(ms / 1_000)')],
    caughtBy: [check('feed/window', /^floorToSecond never rounds up/)],
  },
  {
    name: 'sweep only at the live edge',
    believed: 'during a catch-up nothing can come late that the catch-up itself will not read',
    patches: [patch('feed/window.ts', 'const sweep = nowMs < sweptAtMs ||',
      'const sweep = to === settledMs && nowMs < sweptAtMs || to === settledMs &&')],
    caughtBy: [check('feed/window', 'planWindow sweeps with the first step after a long stop'), worlds(30)],
  },
  {
    name: 'look-back shorter than promised',
    believed: 'the lookback is the length of a sweep, so it is counted from the end of its window',
    patches: [patch('feed/window.ts', 'watermarkMs - reachMs', 'Math.min(to - reachMs, watermarkMs)')],
    caughtBy: [check('feed/window', /^a sweep reaches every row that is shown within the covered/), worlds(30)],
  },
  {
    name: 'a clock that was set back never sweeps again',
    believed: 'the last sweep was at most now',
    patches: [patch('feed/window.ts', 'nowMs < sweptAtMs || ', '')],
    caughtBy: [check('feed/window', /^planWindow sweeps when the clock was set back/)],
  },
  {
    name: 'the feed furthest behind has every turn',
    believed: 'whoever has most to catch up needs its turn most',
    patches: [
      patch('feed/schedule.ts', 'lastTurn < turnLast', 'plan.window.from < turnLast'),
      patch('feed/schedule.ts', 'turnLast = lastTurn;', 'turnLast = plan.window.from;'),
    ],
    caughtBy: [check('worker/shard-loop', /^runShard lets a feed at the live edge have its turns/)],
  },
  {
    name: 'the streams of a PBX in different shards',
    believed: 'more shards share the work better',
    patches: [patch('feed/feed.ts', 'return fnv1a(feed.pbxId.toLowerCase())', 'return fnv1a(feedName(feed))')],
    caughtBy: [check('feed/feed', /^shardOf keeps all streams and passes of a PBX together/)],
  },
];
