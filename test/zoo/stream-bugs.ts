import { check, patch, worlds, type Bug } from './bug.ts';

/** Bugs in how rows become events: `src/streams/`. */
export const streamBugs: readonly Bug[] = [
  {
    name: 'dedupe key without PBX',
    believed: 'call ids are long enough to be unique',
    patches: [patch('streams/call-legs.ts', "['pbxId', 'callId', 'legId']", "['callId', 'legId']")],
    caughtBy: [check('streams/call-legs', /^the documented leg becomes this event/), worlds(10)],
  },
  {
    name: 'PBX names told apart by their case',
    believed: '8x8 spells a PBX always alike',
    patches: [patch('streams/pbx.ts', 'return name.toLowerCase();', 'return name;')],
    caughtBy: [check('streams/rejected', /^the case of the PBX changes no key and no id/)],
  },
  {
    name: 'ids beyond 2^53 rounded',
    believed: 'an id that comes as a number is that number',
    patches: [patch('streams/kinds.ts', 'Number.isSafeInteger(raw) ? String(raw) : undefined', 'String(raw)')],
    caughtBy: [check('streams/damage', 'call-legs callId (id) takes what fits and tells what does not')],
  },
  {
    name: 'numbers that cannot be read published as null',
    believed: 'a row with a hole is better than no row',
    patches: [patch('streams/kinds.ts', "duration: { read: readWhole, misfit: 'BAD_FIELD'",
      "duration: { read: readWhole, misfit: 'extras'")],
    caughtBy: [check('streams/damage', 'call-legs callTime (duration) takes what fits and tells what does not')],
  },
  {
    name: 'a bad row is new in every window',
    believed: 'a dead letter says in which window it was met, and so should its key',
    patches: [patch('streams/rejected.ts', 'const key = rejectedKey(hex);',
      'const key = rejectedKey(`${hex}/${context.window.to}`);')],
    caughtBy: [check('worker/poll', 'pollOnce rejects a bad row once, also when a later window shows it again')],
  },
  {
    name: 'dead letters carry the row without being asked',
    believed: 'whoever mends a bad row needs to see it',
    patches: [patch('streams/rejected.ts', 'context.rejectedPayload === true && ', '')],
    caughtBy: [check('streams/rejected', 'a rejected row carries its JSON only when asked to')],
  },
  {
    name: 'a time far ahead taken as it is',
    believed: 'what 8x8 says of a call is none of our business',
    patches: [patch('streams/rows.ts', '> context.observedAtMs + FUTURE_MAX_MS', '> Infinity')],
    caughtBy: [check('streams/rejected', /^a row is rejected when it disconnected half an hour after/)],
  },
];
