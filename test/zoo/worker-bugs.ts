import { check, patch, worlds, type Bug } from './bug.ts';

/** Bugs in the loop that joins the parts: `src/worker/`. */
export const workerBugs: readonly Bug[] = [
  {
    name: 'the ledger forgets the rows of a reading that came to no end',
    believed: 'the window is read anew, and the new reading counts all there is',
    patches: [patch('worker/poll.ts', 'offset().unfinished - count.published - count.rejected', '0')],
    caughtBy: [check('worker/poll', 'pollOnce publishes each leg once when commit 1 is lost-after-commit'), worlds(10)],
  },
  {
    name: 'drift is told with every row',
    believed: 'an event on the topic is all that telling takes',
    patches: [patch('feed/step.ts', 'seen, drift: drift.map(({ name }) => name), scan', 'seen, scan')],
    caughtBy: [check('worker/poll', /^pollOnce tells of rows that are not as documented once/)],
  },
  {
    name: 'the ledger tells of the last page only',
    believed: 'each page is a commit, and the entry comes with the last one',
    patches: [patch('worker/report.ts', 'published: count.published + accepted.length', 'published: accepted.length')],
    caughtBy: [worlds(10)],
  },
  {
    name: 'the watermark is told with every page',
    believed: 'a heartbeat cannot come too often',
    patches: [patch('worker/poll.ts', '...driftEvents(context(), drift)];',
      "...auditEvents(context(), { ...NOTHING, ...reading, outcome: 'whole', window, fromWatermarkMs,"
        + ' watermarkMs: window.to, durationMs: 0 })];')],
    caughtBy: [worlds(10)],
  },
  {
    name: 'a silence is told with every poll',
    believed: 'whoever reads the log wants to know how things are',
    patches: [patch('feed/learnt.ts', 'judged.suspicious && !judgeSilence(before, span.from).suspicious',
      'judged.suspicious')],
    caughtBy: [check('feed/learnt', 'a silence goes on with the next window'),
      check('worker/silence', /^a silence begins once/)],
  },
  {
    name: 'a window that is read anew counts its rows twice',
    believed: 'all pages of a poll are rows of its window',
    patches: [patch('worker/poll.ts', 'endsMs.set(key, eventTimeMs)',
      'endsMs.set(`${key} ${page.reading.attempts}`, eventTimeMs)')],
    caughtBy: [check('worker/silence', /^rows that are only repeated are counted/)],
  },
  {
    name: 'keys are remembered by the configured lookback, whatever a feed has found',
    believed: 'the pace of a feed is its pace',
    patches: [patch('worker/poll.ts', 'paceOf(feed, offset().learnt.delays)', 'feed.pace')],
    caughtBy: [check('worker/auto-pace', /^the lookback grows by what is seen/)],
  },
  {
    name: 'short windows are called whole',
    believed: 'what 8x8 counts is only a hint',
    patches: [patch('worker/poll.ts', "isShort(reading) ? 'short' : 'whole'", "'whole'")],
    caughtBy: [check('worker/poll', /^pollOnce ends a window with an entry of the ledger/)],
  },
  {
    name: "watermark ahead of a window's last page",
    believed: 'the end of the window goes with the commit that is made anyway, and spares an empty one',
    patches: [patch('worker/poll.ts', 'afterPage(offset(), scan, sifted.seen, drift)',
      '{ ...afterWindow(offset(), scan, pace), seen: sifted.seen }')],
    caughtBy: [
      check('worker/poll', 'pollOnce publishes each leg once when the source fails before page 2'),
      worlds(10),
    ],
  },
  {
    name: 'a page that fails ends the window',
    believed: 'what was read is published, and the next poll reads the rest',
    patches: [patch('worker/read-ahead.ts', `next = pages.next();
      next.catch(() => undefined);`, 'next = pages.next().catch(() => ({ done: true, value: undefined }));')],
    caughtBy: [
      check('worker/poll', 'pollOnce publishes each leg once when the source fails before page 1'),
      worlds(30),
    ],
  },
  {
    name: 'rows that cannot be mapped are left out',
    believed: 'one bad row must not stop a page; its error is counted',
    patches: [patch('worker/poll.ts', 'rows.map((row) => stream.toEvent(row, context))',
      "rows.map((row) => stream.toEvent(row, context)).filter(({ channel }) => channel === 'accepted')")],
    caughtBy: [check('worker/poll', 'pollOnce rejects a bad row once, also when a later window shows it again')],
  },
  {
    name: 'a window that ended in the future is as good as any',
    believed: 'the plan has looked at both clocks already',
    patches: [patch('worker/poll.ts', 'if (window.to <= sourceNowMs) return;', 'if (window.to > 0) return;')],
    caughtBy: [check('worker/shard-loop', /^runShard ends windows by the slower clock/)],
  },
  {
    name: 'a sweep that failed counts as done',
    believed: 'the time of a sweep is when it began',
    patches: [patch('worker/shard-loop.ts', 'memory.lastTurn = number;',
      'memory.lastTurn = number; if (turn.sweep) memory.sweptAtMs = nowMs;')],
    caughtBy: [check('worker/shard-loop', 'runShard sweeps again after a sweep that failed')],
  },
  {
    name: 'an unknown outcome is tried again in the same session',
    believed: 'what is not final may be tried again, and the keys absorb what was written twice',
    patches: [patch('worker/shard-loop.ts', "reactionTo(error) !== 'retry'", "reactionTo(error) === 'stop'")],
    caughtBy: [check('worker/worker', /^runWorker opens a new session after a lost commit/), worlds(30)],
  },
  {
    name: 'turns are forgotten with the session',
    believed: 'what a loop remembers belongs to its session',
    patches: [patch('worker/worker.ts', '{ memories, desks: lane', '{ memories: new Map(), desks: lane')],
    caughtBy: [check('worker/fairness', /^runWorker gives every feed its turn/)],
  },
  {
    name: 'a fenced session reopens at once',
    believed: 'the shard is ours until the group says otherwise',
    patches: [patch('worker/worker.ts', "error.code === 'SINK_FENCED' ? FENCED_REST_MS : 0", '0')],
    caughtBy: [check('worker/worker', /^runWorker rests at least two seconds before it reopens/)],
  },
  {
    name: 'a lost shard is served on',
    believed: 'the next owner fences us, which ends the loop by itself',
    patches: [patch('worker/worker.ts', '      loop.stop();\n', '')],
    caughtBy: [check('worker/worker', /^runWorker lets go of a lost shard/)],
  },
  {
    name: 'a shard taken back beside its own last session',
    believed: 'a loop that was told to stop has stopped',
    patches: [patch('worker/worker.ts', 'start(shard, ending.get(shard))', 'start(shard, undefined)')],
    caughtBy: [check('worker/worker', /^runWorker takes a shard back only when its own last session/)],
  },
  {
    name: 'what 8x8 no longer keeps is read as empty',
    believed: 'no rows mean that there were no calls',
    patches: [patch('feed/window.ts', "if (gap !== undefined) return { kind: 'gap', window: gap };", '')],
    caughtBy: [check('worker/shard-loop', /^runShard passes what 8x8 no longer keeps in one commit/)],
  },
  {
    name: 'a gap is passed without asking 8x8',
    believed: 'what is too old is too old, whatever 8x8 would answer',
    patches: [patch('worker/gap.ts', '  await pages.next();\n', '')],
    caughtBy: [check('worker/shard-loop', /^runShard asks 8x8 before it passes anything/)],
  },
  {
    name: 'parts of calls are not read again after a takeover',
    believed: 'the first sweep of a session reads all that is needed',
    patches: [patch('worker/call-desk.ts', 'return from < window.from ? { from, to: window.from } : undefined;',
      'return from > window.to ? { from, to: window.from } : undefined;')],
    caughtBy: [worlds(30)],
  },
  {
    name: 'calls are judged when one of their streams has been read',
    believed: 'what the other stream has is already known',
    patches: [patch('worker/call-desk.ts', 'this.#swept.size < streams.length', 'this.#swept.size === 0')],
    caughtBy: [worlds(30)],
  },
  {
    name: 'a call is told as soon as it is known',
    believed: 'what is missing can be told later, as a revision',
    patches: [patch('streams/calls.ts', 'const late = endMs < tellFromMs || is.excess;', 'const late = true;')],
    caughtBy: [check('streams/calls', /^verdictOf waits for the rest/), worlds(10)],
  },
  {
    name: 'a pass commits while a live feed does',
    believed: 'a session takes care of the order itself',
    patches: [patch('worker/one-at-a-time.ts', 'last.then(() => act(session))', 'act(session)')],
    caughtBy: [check('worker/one-at-a-time', /^commits that are asked for side by side/),
      check('worker/one-at-a-time', /^two passes that read the same row at the same time/)],
  },
];
