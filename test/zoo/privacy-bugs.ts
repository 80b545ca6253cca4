import { check, patch, type Bug } from './bug.ts';

const STRICT = /^with the policy strict no canary is where none may be/;

/** Bugs in what is published of a person. */
export const privacyBugs: readonly Bug[] = [
  {
    name: 'whole calls are put together from rows without their policy',
    believed: 'what is read once more is published by nobody',
    patches: [
      patch('worker/recall.ts', "import type { Window } from '../feed/window.ts';",
        "import type { Window } from '../feed/window.ts'; import { streamNamed } from '../streams/index.ts';"),
      patch('worker/recall.ts', 'stream.toEvent(row, context)', 'streamNamed(stream.name).toEvent(row, context)'),
    ],
    caughtBy: [check('observe/canaries', 'a whole call is made of what was published, also after a takeover')],
  },
  {
    name: 'the policy goes with the first PBX',
    believed: 'a stream is a stream, and the second PBX reads the same',
    patches: [patch('reading.ts', 'return { id, stream, pace,',
      'const plain = streams.find(({ name }) => name === stream.name)!;'
        + 'return { id, stream: pbxId === source.pbxIds[0] ? stream : plain, pace,')],
    caughtBy: [check('privacy-config', /^feeds have the streams of their policy/)],
  },
  {
    name: 'drift tells what has come',
    believed: 'an example says more than a type',
    patches: [patch('streams/drift.ts', 'kindOfJson(row[name])', 'JSON.stringify(row[name])')],
    caughtBy: [check('observe/canaries', /^with the policy off no canary is where none may be/)],
  },
  {
    name: 'drift and log tell new words under a policy',
    believed: 'only what looks like a word is shown',
    patches: [patch('streams/privacy.ts', "{ ...one, name: `${one.kind} ${one.field} ?`, found: '?' }", 'one')],
    caughtBy: [check('observe/canaries', STRICT)],
  },
  {
    name: 'what does not fit a hidden field is kept as an extra',
    believed: 'extras have an action of their own',
    patches: [patch('streams/privacy.ts', "policy.get(name) ?? policy.get('extras')", "policy.get('extras')")],
    caughtBy: [check('streams/privacy', /^what does not fit its field is hidden as the field is/)],
  },
  {
    name: 'a policy that changes corrects every row',
    believed: 'a hash of what is published tells when something else must be published',
    patches: [patch('streams/privacy.ts', 'return { ...event, idHash,',
      'return { ...event, contentHash: idHash, idHash,')],
    caughtBy: [check('streams/privacy', /^a policy that changes makes no corrections/)],
  },
  {
    name: 'ids by which a number can be guessed',
    believed: 'nobody can tell a row from its hash',
    patches: [patch('streams/privacy.ts', 'digest(content).contentHash;', 'event.contentHash;')],
    caughtBy: [check('streams/privacy', /^a policy that changes makes no corrections/)],
  },
  {
    name: 'four digits of an extension are all of it',
    believed: 'a mask keeps what it is told to keep',
    patches: [patch('streams/privacy.ts', 'Math.min(digits, Math.floor(all.length / 2))',
      'Math.min(digits, all.length)')],
    caughtBy: [check('streams/privacy', 'mask:4 makes "***01" of "1001"')],
  },
];
