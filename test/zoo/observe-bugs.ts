import { check, patch, type Bug } from './bug.ts';

/** Bugs in what an operator sees: `src/observe/`. */
export const observeBugs: readonly Bug[] = [
  {
    name: 'a poll that ends behind the loss of its shard brings its feed back',
    believed: 'who polls a feed owns it',
    patches: [patch('observe/feed-states.ts', 'owned?.has(feedName(id)) !== false', 'true')],
    caughtBy: [check('observe/overview', /^a poll that ends after its feed was lost/),
      check('observe/metrics', /^pending calls go with their PBX/)],
  },
  {
    name: 'calls of a lost shard stay pending',
    believed: 'the next poll sets the gauge anyway',
    patches: [patch('observe/feed-states.ts', 'if (!pbxIds.includes(pbxId)) pending.delete(pbxId);', 'void pbxId;')],
    caughtBy: [check('observe/metrics', /^pending calls go with their PBX/)],
  },
  {
    name: 'a feed that nobody has opened counts as fresh',
    believed: 'what has no lag does not lag',
    patches: [patch('observe/freshness.ts', 'lagMs(state, nowMs) ?? Infinity', 'lagMs(state, nowMs) ?? 0')],
    caughtBy: [check('observe/overview', /^nothing is fresh before anybody knows/)],
  },
  {
    name: 'a lag is known from the first poll on',
    believed: 'the watermark is in the report of each poll',
    patches: [patch('observe/feed-states.ts', 'event.feeds.forEach(open)', 'void open')],
    caughtBy: [check('observe/overview', /^a feed that stands far back lags/),
      check('observe/metrics', /^the lag is told from the opening/)],
  },
];
